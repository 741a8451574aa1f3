/// Which queue in Redis, and what only a queue in Redis can be told.
public struct RedisQueueOptions: Sendable, Equatable {
    /// BullMQ's queue name.
    public var name: String
    /// BullMQ's prefix. For a cluster it must hold a hash tag: `{bull}`.
    public var prefix: String
    /// The most bytes of JSON in a job's `returnvalue`; a result that is larger is kept whole under a key of its own.
    public var maxReturnValueBytes: Int
    /// How long such a key is kept.
    public var keepWholeResultsFor: Duration
    /// The most bytes of JSON that a job may ask with; one with more is failed.
    public var maxRequestBytes: Int
    /// Time between two looks for jobs whose worker died.
    public var sweepInterval: Duration
    /// How long a worker that waits for a job may go without looking for itself, should the word get lost.
    public var watchdog: Duration

    public init(
        name: String = "code-execution", prefix: String = "bull", maxReturnValueBytes: Int = 64 << 10,
        keepWholeResultsFor: Duration = .seconds(3_600), maxRequestBytes: Int = 16 << 20,
        sweepInterval: Duration = .seconds(5), watchdog: Duration = .seconds(5)
    ) {
        self.name = name
        self.prefix = prefix
        self.maxReturnValueBytes = maxReturnValueBytes
        self.keepWholeResultsFor = keepWholeResultsFor
        self.maxRequestBytes = maxRequestBytes
        self.sweepInterval = sweepInterval
        self.watchdog = watchdog
    }
}
