import Hashing
import Jobs

/// The key as its holder has it: `bh_` and 128 random bits in base32. The prefix lets scanners for leaked secrets find it.
public struct APIKeySecret: Sendable {
    public static let prefix = "bh_"
    private static let length = 29

    /// What the holder sends as a bearer token.
    public let text: String

    /// A new one from the system's source of randomness.
    public init() {
        text = Self.prefix + RandomWord.next()
    }

    /// One that a client sent; nil where it cannot be one of ours.
    public init?(_ text: String) {
        guard text.utf8.count == Self.length, text.hasPrefix(Self.prefix) else { return nil }
        self.text = text
    }

    /// SHA-256: all that is kept of it. Whoever searches by it compares no secret, so that the time of a search tells nothing.
    public var digest: [UInt8] {
        var hash = SHA256()
        hash.update(Array(text.utf8))
        return hash.finish()
    }
}
