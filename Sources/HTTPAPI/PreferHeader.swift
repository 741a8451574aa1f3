/// The preferences of RFC 7240 that matter to an execution.
struct PreferHeader: Equatable {
    /// Seconds to wait at most (`wait=10`), 0 for `respond-async`, nil for no preference. What is not understood is no
    /// preference: RFC 7240 section 2 forbids an error.
    private(set) var waitSeconds: Int?

    init(_ values: [String]) {
        var isAsynchronous = false
        for preference in values.flatMap({ $0.split(separator: ",") }) {
            // Parameters after a semicolon belong to the preference and change nothing here.
            let words = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            let name = words.first.map(PreferHeader.bare)?.lowercased()
            if name == "respond-async" { isAsynchronous = true }
            guard name == "wait", words.count == 2, waitSeconds == nil else { continue }
            let digits = PreferHeader.bare(words[1])
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { continue }
            // Digits that are no Int are a very long time.
            waitSeconds = Int(digits) ?? Int.max
        }
        if isAsynchronous, waitSeconds == nil { waitSeconds = 0 }
    }

    private static func bare(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, " \t\"".contains(first) { text = text.dropFirst() }
        while let last = text.last, " \t\"".contains(last) { text = text.dropLast() }
        return text
    }

    /// The time to wait: the client's wish where it is shorter than `most`.
    func wait(atMost most: Duration) -> Duration {
        // The cap keeps the arithmetic of durations away from overflow.
        waitSeconds.map { min(.seconds(min($0, 1_000_000)), most) } ?? most
    }
}
