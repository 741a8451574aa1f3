/// The most that an archive may hold, so that a small file does not fill the host.
public struct ImportBounds: Sendable {
    /// Bytes of an archive or of a layer, decompressed; and of all files of the tree together.
    public var bytes: Int
    /// Members of all its archives together, those that are passed over included, with their extended headers and the folders that are
    /// made on the way to them.
    public var members: Int

    public init(bytes: Int = 8 << 30, members: Int = 500_000) {
        self.bytes = bytes
        self.members = members
    }

    /// Bytes in the largest unit that they are a whole number of.
    static func text(bytes: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB"]
        var (number, unit) = (bytes, 0)
        while number > 0, number % 1_024 == 0, unit + 1 < units.count { (number, unit) = (number / 1_024, unit + 1) }
        return "\(number) \(units[unit])"
    }
}

/// What an archive held that an image does not: how often, and the first few by name.
struct ImportReport {
    /// What is left out or taken off, in the words of the report.
    enum Kind: String, CaseIterable {
        case device = "device nodes left out"
        case pipe = "named pipes left out"
        case setID = "set-id bits taken off"
        case writable = "write permission for others taken off"
        case capability = "file capabilities left out"
        case attribute = "other extended attributes left out"
    }

    private static let shown = 3
    private var found: [Kind: (count: Int, first: [String])] = [:]

    mutating func add(_ kind: Kind, _ path: String) {
        var entry = found[kind] ?? (0, [])
        entry.count += 1
        if entry.first.count < Self.shown { entry.first.append(path) }
        found[kind] = entry
    }

    /// A line for each kind that there was.
    var lines: [String] {
        Kind.allCases.compactMap { kind in
            guard let entry = found[kind] else { return nil }
            let more = entry.count > entry.first.count ? ", …" : ""
            return "\(kind.rawValue): \(entry.count) (\(entry.first.joined(separator: ", "))\(more))"
        }
    }
}
