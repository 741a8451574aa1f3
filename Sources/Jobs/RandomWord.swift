/// 128 random bits in base32: a word that nobody guesses and nobody has had before.
///
/// The bits come from getrandom(2). Foundation's UUID opens /dev/urandom for each of its own, which takes ten times as long.
public enum RandomWord {
    /// Crockford's base32 in lower case: no i, l, o or u, so that it survives being read aloud.
    static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// Whether a byte is one of the alphabet's.
    public static func isDigit(_ byte: UInt8) -> Bool { alphabet.contains(byte) }

    /// A new word from the system's source of randomness.
    public static func next() -> String {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// A new word from another source of randomness, for tests.
    static func next(using generator: inout some RandomNumberGenerator) -> String {
        text(bits: UInt128(generator.next() as UInt64) << 64 | UInt128(generator.next() as UInt64))
    }

    /// 26 digits hold 130 bits; the first therefore is at most `7`.
    static func text(bits: UInt128) -> String {
        String(unsafeUninitializedCapacity: 26) { digits in
            for index in 0..<26 {
                digits[index] = alphabet[Int(truncatingIfNeeded: bits >> UInt128((25 - index) * 5)) & 31]
            }
            return 26
        }
    }
}
