/// A job's name: `j-` and 128 random bits in base32, so that nobody guesses another's.
///
/// It is also BullMQ's custom job id, and a producer of its own may have chosen another form; such ids are no `JobID` but
/// a `String` in the queue.
public struct JobID: Sendable, Hashable, CustomStringConvertible {
    /// The whole name, prefix included.
    public let description: String

    /// Crockford's base32 in lower case: no i, l, o or u, so that it survives being read aloud.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// A new name from the system's source of randomness.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// A new name from another source of randomness, for tests.
    init(using generator: inout some RandomNumberGenerator) {
        self.init(bits: UInt128(generator.next() as UInt64) << 64 | UInt128(generator.next() as UInt64))
    }

    /// 26 digits hold 130 bits; the first therefore is at most `7`.
    init(bits: UInt128) {
        let digits = (0..<26).reversed().map { JobID.alphabet[Int(truncatingIfNeeded: bits >> UInt128($0 * 5)) & 31] }
        description = "j-" + String(decoding: digits, as: UTF8.self)
    }

    /// A name as a client sent it; nil where it cannot be one of ours.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 28, bytes.starts(with: "j-".utf8), bytes[2] <= UInt8(ascii: "7") else { return nil }
        guard bytes.dropFirst(2).allSatisfy(JobID.alphabet.contains) else { return nil }
        description = text
    }
}
