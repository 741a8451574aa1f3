/// The name of one HTTP request, under which the logs of all processes speak of it: the client's own (`X-Request-Id`), so that
/// it can find it there, or a new one.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    /// The most bytes of one.
    public static let mostBytes = 128

    public let text: String

    public var description: String { text }

    /// A new one.
    public init() {
        text = RandomWord.next()
    }

    /// A client's; nil for anything but 1 to `mostBytes` of `A-Z a-z 0-9 - _ . : / + = @ ~`: what needs no escape in a log
    /// line, a shell's quotes or JSON.
    public init?(_ text: String) {
        guard (1...Self.mostBytes).contains(text.utf8.count), text.utf8.allSatisfy(Self.isSafe) else { return nil }
        self.text = text
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-_.:/+=@~".utf8.contains(byte)
        }
    }
}
