/// A dotted version such as `18.20.4`. What follows the numbers (`-rc1`, `+11`, `(1)-release`) does not count.
public struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Major, minor, patch; missing ones are 0.
    public let numbers: [Int]

    /// Nil where `text` does not begin with a number.
    public init?(_ text: String) {
        var numbers: [Int] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false).prefix(3) {
            let digits = part.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard let number = Int(Substring(digits)) else { break }
            numbers.append(number)
            if digits.count < part.utf8.count { break }
        }
        guard !numbers.isEmpty else { return nil }
        self.numbers = numbers + Array(repeating: 0, count: 3 - numbers.count)
    }

    init(_ numbers: [Int]) {
        self.numbers = numbers + Array(repeating: 0, count: max(0, 3 - numbers.count))
    }

    public static func < (left: Version, right: Version) -> Bool {
        left.numbers.lexicographicallyPrecedes(right.numbers)
    }

    public var description: String { numbers.map(String.init).joined(separator: ".") }
}

/// Which versions of a language a request accepts, written as npm's semver writes ranges: `18`, `18.x`, `*`, `^18.2`,
/// `~3.11.2`, `>=3.9 <4`, `1.2 - 1.4`, and alternatives joined by `||`. Pre-releases play no part.
public struct VersionRange: Sendable, Equatable {
    /// As it was written.
    public let text: String
    /// Half-open intervals; a version fits when it is in one of them.
    private let intervals: [Interval]

    private struct Interval: Sendable, Equatable {
        var least = Version([0])
        /// Nil for no upper end.
        var end: Version?

        mutating func narrow(least other: Version) { least = max(least, other) }

        mutating func narrow(end other: Version) { end = end.map { min($0, other) } ?? other }
    }

    /// Nil where `text` is not such a range or longer than 256 bytes.
    public init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        var intervals: [Interval] = []
        for alternative in VersionRange.alternatives(of: text) {
            guard let interval = VersionRange.interval(alternative) else { return nil }
            intervals.append(interval)
        }
        self.text = text
        self.intervals = intervals
    }

    public func contains(_ version: Version) -> Bool {
        intervals.contains { $0.least <= version && ($0.end.map { version < $0 } ?? true) }
    }

    private static func alternatives(of text: String) -> [Substring] {
        var found: [Substring] = []
        var rest = text[...]
        while let bars = rest.firstRange(of: "||") {
            found.append(rest[..<bars.lowerBound])
            rest = rest[bars.upperBound...]
        }
        return found + [rest]
    }

    private static func interval(_ text: Substring) -> Interval? {
        var words = text.split(separator: " ")
        var interval = Interval()
        if words.count == 3, words[1] == "-" {
            guard let low = Partial(words[0]), let high = Partial(words[2]) else { return nil }
            interval.narrow(least: low.least)
            if let end = high.end { interval.narrow(end: end) }
            return interval
        }
        // An operator may stand apart from its version.
        while let gap = words.firstIndex(where: { ["<", "<=", ">", ">=", "=", "^", "~"].contains($0) }),
            gap + 1 < words.count
        {
            words[gap] = Substring(words[gap] + words.remove(at: gap + 1))
        }
        guard !words.isEmpty else { return nil }
        for word in words {
            guard narrow(&interval, by: word) else { return nil }
        }
        return interval
    }

    private static func narrow(_ interval: inout Interval, by word: Substring) -> Bool {
        let symbols = word.prefix { "<>=^~".contains($0) }
        guard let partial = Partial(word.dropFirst(symbols.count)) else { return false }
        switch symbols {
        case "", "=":
            interval.narrow(least: partial.least)
            if let end = partial.end { interval.narrow(end: end) }
        case ">=": interval.narrow(least: partial.least)
        case "<": interval.narrow(end: partial.least)
        case "<=":
            if let end = partial.end { interval.narrow(end: end) }
        case ">":
            // Nothing is greater than every version.
            guard let end = partial.end else { return false }
            interval.narrow(least: end)
        case "~":
            interval.narrow(least: partial.least)
            if let end = partial.end(keeping: min(2, partial.given.count)) { interval.narrow(end: end) }
        case "^":
            interval.narrow(least: partial.least)
            // The leftmost number that is not zero stays.
            let firstChange = partial.given.firstIndex { $0 != 0 } ?? max(0, partial.given.count - 1)
            if let end = partial.end(keeping: min(firstChange + 1, partial.given.count)) { interval.narrow(end: end) }
        default: return false
        }
        return true
    }

    /// A version of which the later numbers may be missing or `x`.
    private struct Partial {
        /// The numbers that were given, at most three.
        let given: [Int]

        init?(_ text: Substring) {
            let bare = text.hasPrefix("v") ? text.dropFirst() : text
            let parts = bare.split(separator: ".", omittingEmptySubsequences: false)
            guard (1...3).contains(parts.count) else { return nil }
            var given: [Int] = []
            var isOpen = false
            for part in parts {
                if ["x", "X", "*"].contains(part) {
                    isOpen = true
                } else {
                    guard !isOpen, part.utf8.count <= 9, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                        let number = Int(part)
                    else { return nil }
                    given.append(number)
                }
            }
            self.given = given
        }

        var least: Version { Version(given) }

        /// The first version after all that begin with the given numbers; nil where none were given.
        var end: Version? { end(keeping: given.count) }

        /// The first version after all that begin with the first `count` of the given numbers.
        func end(keeping count: Int) -> Version? {
            guard count > 0 else { return nil }
            var numbers = Array(given.prefix(count))
            numbers[count - 1] += 1
            return Version(numbers)
        }
    }
}

extension [Language] {
    /// The languages that answer to this name or alias.
    public func named(_ name: String) -> [Language] {
        filter { $0.name == name || $0.aliases.contains(name) }
    }

    /// The newest language of this name or alias whose version fits; the first listed where two are as new.
    public func newest(_ name: String, fitting range: VersionRange? = nil) -> Language? {
        var best: (language: Language, version: Version)?
        for language in named(name) {
            let version = Version(language.version) ?? Version([0])
            if let range, !range.contains(version) { continue }
            if let best, best.version >= version { continue }
            best = (language, version)
        }
        return best?.language
    }
}
