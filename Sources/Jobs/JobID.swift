/// A job's name: `j-` and 128 random bits in base32, so that nobody guesses another's.
///
/// It is also BullMQ's custom job id, and a producer of its own may have chosen another form; such ids are no `JobID` but
/// a `String` in the queue.
public struct JobID: Sendable, Hashable, CustomStringConvertible {
    /// The whole name, prefix included.
    public let description: String

    /// All such names, as a regular expression (ECMA-262).
    public static let pattern = "^j-[0-7][0-9a-hjkmnp-tv-z]{25}$"

    /// A new name from the system's source of randomness.
    public init() {
        description = "j-" + RandomWord.next()
    }

    /// A new name from another source of randomness, for tests.
    init(using generator: inout some RandomNumberGenerator) {
        description = "j-" + RandomWord.next(using: &generator)
    }

    init(bits: UInt128) {
        description = "j-" + RandomWord.text(bits: bits)
    }

    /// A name as a client sent it; nil where it cannot be one of ours.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 28, bytes.starts(with: "j-".utf8), bytes[2] <= UInt8(ascii: "7") else { return nil }
        guard bytes.dropFirst(2).allSatisfy(RandomWord.alphabet.contains) else { return nil }
        description = text
    }
}
