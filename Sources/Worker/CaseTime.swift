import JobQueue

/// How long all cases of one job may take together, from the start of the first, without what they wait for memory.
public struct CaseTime: Sendable {
    var limit: Duration
    var clock: any QueueClock

    /// - Parameters:
    ///   - limit: what is not run to its end by then is skipped.
    ///   - clock: where time comes from.
    public init(limit: Duration = .seconds(300), clock: any QueueClock = SystemClock()) {
        self.limit = limit
        self.clock = clock
    }
}
