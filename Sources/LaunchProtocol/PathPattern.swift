/// Which files below /box to hand back: a path of names in which `*` stands for any characters of one name, `?` for one,
/// and a component `**` for any folders, also none; at the end `**` is every file below. A wildcard never stands for the
/// dot at the beginning of a name. Everything else stands for itself.
///
/// Names are bytes. The work for one name is bounded by the pattern's length times the name's, whatever both look like.
public struct PathPattern: Equatable, Sendable {
    public let text: String
    private let components: [Component]

    private enum Component: Equatable, Sendable {
        case literal([UInt8])
        case wildcard([UInt8])
        case anyFolders
    }

    /// The most bytes of a pattern, of one component, and the most components.
    public static let mostBytes = 1_024
    public static let mostComponentBytes = 255
    public static let mostComponents = 32

    /// - Throws: `MalformedMessage` for what could name anything outside the folder, or is too long.
    public init(_ text: String) throws(MalformedMessage) {
        guard text.utf8.count <= Self.mostBytes else { throw MalformedMessage("a pattern that is too long") }
        guard !text.utf8.contains(0) else { throw MalformedMessage("NUL within a pattern") }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= Self.mostComponents else { throw MalformedMessage("a pattern with too many components") }
        var components: [Component] = []
        for part in parts {
            guard !part.isEmpty, part.count <= Self.mostComponentBytes, !part.elementsEqual(".".utf8),
                !part.elementsEqual("..".utf8)
            else { throw MalformedMessage("a pattern with an improper component") }
            if part.elementsEqual("**".utf8) {
                components.append(.anyFolders)
            } else if part.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) {
                if zip(part, part.dropFirst()).contains(where: { $0 == UInt8(ascii: "*") && $1 == UInt8(ascii: "*") }) {
                    throw MalformedMessage("a pattern with ** that is not a component of its own")
                }
                components.append(.wildcard(Array(part)))
            } else {
                components.append(.literal(Array(part)))
            }
        }
        self.text = text
        self.components = components
    }

    /// Whether it names one path and no other.
    public var isLiteral: Bool {
        components.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// How far a path has been followed: bit n for every n such that the components before n stand for the path so far.
    public struct Position: Equatable, Sendable {
        fileprivate var bits: UInt64
        /// Whether the path so far is one that the pattern names. A `**` at the end names no folder, only what is in it.
        public fileprivate(set) var isNamed = false
        /// Whether the path so far is one that the pattern stands for, should it be a file.
        public fileprivate(set) var isMatch = false

        /// Whether something below the path so far can match.
        public var goesOn: Bool { bits != 0 }
    }

    /// At the folder itself.
    public var start: Position { closed(Position(bits: 1)) }

    /// Follows one more name.
    public func advance(_ position: Position, over name: some RandomAccessCollection<UInt8>) -> Position {
        var next = Position(bits: 0)
        let isHidden = name.first == UInt8(ascii: ".")
        for (index, component) in components.enumerated() where position.bits & (1 << UInt64(index)) != 0 {
            let isLast = index == components.count - 1
            switch component {
            case .anyFolders:
                if isHidden { continue }
                next.bits |= 1 << UInt64(index)
                if isLast { next.isMatch = true }
                continue
            case .literal(let bytes):
                guard bytes.elementsEqual(name) else { continue }
            case .wildcard(let pattern):
                guard !isHidden || pattern.first == UInt8(ascii: "."), Self.matches(name, pattern) else { continue }
            }
            if isLast {
                next.isMatch = true
                next.isNamed = true
            } else {
                next.bits |= 1 << UInt64(index + 1)
            }
        }
        return closed(next)
    }

    /// A `**` stands for no folder as well.
    private func closed(_ position: Position) -> Position {
        var position = position
        for (index, component) in components.enumerated().dropLast()
        where component == .anyFolders && position.bits & (1 << UInt64(index)) != 0 {
            position.bits |= 1 << UInt64(index + 1)
        }
        return position
    }

    /// Whether one name matches: on a mismatch only the last `*` takes one byte more, so the work is a product and no
    /// power.
    private static func matches(_ name: some RandomAccessCollection<UInt8>, _ pattern: [UInt8]) -> Bool {
        let name = Array(name)
        var (at, wanted) = (0, 0)
        var retry: (at: Int, wanted: Int)?
        while at < name.count {
            if wanted < pattern.count, pattern[wanted] == UInt8(ascii: "*") {
                wanted += 1
                retry = (at, wanted)
            } else if wanted < pattern.count, pattern[wanted] == UInt8(ascii: "?") {
                at = end(ofCharacterAt: at, in: name)
                wanted += 1
            } else if wanted < pattern.count, pattern[wanted] == name[at] {
                at += 1
                wanted += 1
            } else if let last = retry {
                at = last.at + 1
                wanted = last.wanted
                retry = (at, wanted)
            } else {
                return false
            }
        }
        return pattern[wanted...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// A character of UTF-8 has up to three further bytes; a byte that begins none stands for itself.
    private static func end(ofCharacterAt place: Int, in name: [UInt8]) -> Int {
        var end = place + 1
        guard name[place] >= 0xC0 else { return end }
        while end < name.count, end < place + 4, name[end] & 0xC0 == 0x80 { end += 1 }
        return end
    }
}
