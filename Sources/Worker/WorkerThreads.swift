/// Where a worker's tasks run, other than on Swift's own pool.
public struct WorkerThreads: Sendable {
    /// Runs a task on the thread that wakes it.
    let anywhere: any TaskExecutor
    /// Keeps tasks on the thread that asks; nil where it is none of these threads.
    let here: @Sendable () -> (any TaskExecutor)?

    /// - Parameters:
    ///   - anywhere: runs a task on the thread that wakes it.
    ///   - here: keeps tasks on the thread that asks; nil where it is none of these threads.
    public init(anywhere: any TaskExecutor, here: @escaping @Sendable () -> (any TaskExecutor)?) {
        self.anywhere = anywhere
        self.here = here
    }
}
