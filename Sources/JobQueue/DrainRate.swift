/// How fast jobs leave the line, for those who find it full and have to come again.
///
/// Counted since the line was last empty, because before that workers waited for jobs and not jobs for workers.
public struct DrainRate: Sendable {
    /// After so long, half of what was counted is forgotten.
    private static let memory = Duration.seconds(60)

    private var since: Duration?
    private var taken = 0.0

    init() {}

    /// A job came into the line.
    mutating func added(at now: Duration, toEmptyLine: Bool) {
        if toEmptyLine { (since, taken) = (now, 0) }
    }

    /// A job was taken out of the line.
    mutating func tookOne(at now: Duration, leavingEmptyLine: Bool) {
        guard !leavingEmptyLine else { return (since, taken) = (nil, 0) }
        taken += 1
        let begin = since ?? now
        since = begin
        let elapsed = now - begin
        guard elapsed > Self.memory else { return }
        taken *= Self.memory / 2 / elapsed
        since = now - Self.memory / 2
    }

    /// See `pause(waiting:taken:over:)`.
    func pause(waiting: Int, at now: Duration) -> Duration {
        Self.pause(waiting: waiting, taken: taken, over: since.map { now - $0 } ?? .zero)
    }

    /// When to come again: once a tenth of those that wait will have been taken, so that there is room for many who were
    /// refused and not for one. From a second to a minute.
    /// - Parameters:
    ///   - waiting: jobs in the line.
    ///   - taken: how many left it.
    ///   - elapsed: within which time.
    /// - Returns: the time to wait.
    public static func pause(waiting: Int, taken: Double, over elapsed: Duration) -> Duration {
        let share = max(1, Double(waiting) / 10)
        let seconds = share * (elapsed / .seconds(1)) / max(1, taken)
        return .seconds(min(60, max(1, seconds)))
    }
}
