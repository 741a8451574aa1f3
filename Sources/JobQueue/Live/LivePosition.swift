/// Where an event stands among all that is told of one job: the attempt, then a number within it. Positions rise.
///
/// A number says how much has been told, and not in how many pieces: once the program runs it holds how many bytes of each
/// stream were told. So any two tellers, the worker's memory, a stream in Redis, or the result after the end, go on where
/// another stopped. As text, `attempt-number`, it is also a valid entry id of a Redis stream.
public struct LivePosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0 while the job waits for its first.
    public let attempt: Int
    public let number: UInt64

    public init(attempt: Int, number: UInt64) {
        self.attempt = attempt
        self.number = number
    }

    /// Before everything.
    public static let start = LivePosition(attempt: 0, number: 0)
    public static let queued = LivePosition(attempt: 0, number: 1)

    public static func started(_ attempt: Int) -> LivePosition { LivePosition(attempt: attempt, number: 1) }

    public static func stage(_ stage: LiveStage, of attempt: Int) -> LivePosition {
        LivePosition(attempt: attempt, number: stage == .compile ? 2 : 3)
    }

    /// Behind so many bytes of each stream.
    public static func output(_ stdout: Int, _ stderr: Int, of attempt: Int) -> LivePosition {
        LivePosition(attempt: attempt, number: firstOutput + UInt64(stdout) << 32 + UInt64(stderr))
    }

    public static func result(of attempt: Int) -> LivePosition { LivePosition(attempt: attempt, number: last) }

    /// Whether nothing comes behind it but another attempt.
    public var isResult: Bool { number == Self.last }

    /// Bytes of each stream that were told of.
    public var told: (stdout: Int, stderr: Int) {
        guard number >= Self.firstOutput, number != Self.last else { return (0, 0) }
        let bytes = number - Self.firstOutput
        return (Int(bytes >> 32), Int(bytes & 0xFFFF_FFFF))
    }

    private static let firstOutput: UInt64 = 4
    private static let last = UInt64(Int64.max)

    public static func < (left: LivePosition, right: LivePosition) -> Bool {
        (left.attempt, left.number) < (right.attempt, right.number)
    }

    public var description: String { "\(attempt)-\(number)" }

    /// Reads what `description` wrote; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let attempt = Int32(parts[0]), let number = UInt64(parts[1]), attempt >= 0,
            number <= Self.last, "\(attempt)-\(number)" == text
        else { return nil }
        self.init(attempt: Int(attempt), number: number)
    }
}
