import NIOCore
import NIOPosix

/// Runs tasks on the event loops, beside the connections that they serve: a request that wakes a task, and an answer that
/// a task writes, then wait for no other thread to wake up.
///
/// A loop takes its tasks in turns with its connections, so nothing that blocks may run there.
public final class LoopExecutor: TaskExecutor {
    private let loop: (any EventLoop)?

    /// - Parameter loop: where to; nil for the loop that wakes the task, or the next one where none does.
    private init(_ loop: (any EventLoop)?) {
        self.loop = loop
    }

    /// Runs a task on the loop that wakes it.
    public static let anywhere = LoopExecutor(nil)

    /// Of each loop that connections are served on.
    private static let executors: [ObjectIdentifier: LoopExecutor] = {
        var executors: [ObjectIdentifier: LoopExecutor] = [:]
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            executors[ObjectIdentifier(loop)] = LoopExecutor(loop)
        }
        return executors
    }()

    /// Keeps tasks on the loop that runs the caller; nil where none does.
    public static var here: LoopExecutor? {
        MultiThreadedEventLoopGroup.currentEventLoop.flatMap(of)
    }

    /// Runs tasks on a loop; nil for one that serves no connections, such as those of tests, whose time stands still.
    static func of(_ loop: any EventLoop) -> LoopExecutor? { executors[ObjectIdentifier(loop)] }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = loop ?? MultiThreadedEventLoopGroup.singleton.any()
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
