/// A client's own name for one wish: adding under it again makes no second job.
///
/// It is remembered for as long as its job is.
public struct IdempotencyKey: Sendable, Hashable {
    /// The most bytes of a key.
    public static let mostBytes = 255

    /// Whose key it is: the same text in two scopes is two keys.
    public let scope: String
    public let text: String

    /// Nil where text or scope is not as described.
    /// - Parameters:
    ///   - text: 1 to `mostBytes` visible ASCII characters.
    ///   - scope: of the same kind, without a colon, or empty.
    public init?(_ text: String, scope: String = "") {
        let isVisible = { (byte: UInt8) in (0x21...0x7E).contains(byte) }
        guard (1...Self.mostBytes).contains(text.utf8.count), text.utf8.allSatisfy(isVisible) else { return nil }
        guard scope.utf8.count <= Self.mostBytes, scope.utf8.allSatisfy({ isVisible($0) && $0 != 0x3A }) else {
            return nil
        }
        self.scope = scope
        self.text = text
    }
}

/// What became of a job that was to be added.
public enum AddOutcome: Sendable, Equatable {
    case added
    /// The same request was added under this key before: that job's id. Nothing was added.
    case repeated(String)
}
