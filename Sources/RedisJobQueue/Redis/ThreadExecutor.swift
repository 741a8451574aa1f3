import Dispatch
import Foundation
import Synchronization

/// Runs one actor on a thread of its own, so that calls which block hold up nobody else: the cooperative pool has one
/// thread a processor.
final class ThreadExecutor: SerialExecutor {
    /// Runs whole tasks on the same thread: what the actor gives them, they take up without waking another.
    final class Tasks: TaskExecutor {
        private let thread: ThreadExecutor

        fileprivate init(_ thread: ThreadExecutor) {
            self.thread = thread
        }

        func enqueue(_ job: consuming ExecutorJob) {
            thread.put(.task(UnownedJob(job), self))
        }
    }

    private enum Work {
        case actor(UnownedJob)
        case task(UnownedJob, Tasks)
        /// Ends the thread, after what came before it.
        case stop
    }

    private let pending = Mutex<[Work]>([])
    private let signal = DispatchSemaphore(value: 0)

    private init() {}

    /// - Parameter name: the thread's name, of which the kernel shows 15 bytes.
    /// - Returns: an executor whose thread runs until `stop`.
    static func start(name: String) -> ThreadExecutor {
        let executor = ThreadExecutor()
        let thread = Thread { executor.work() }
        thread.name = name
        thread.start()
        return executor
    }

    func enqueue(_ job: consuming ExecutorJob) {
        put(.actor(UnownedJob(job)))
    }

    /// For tasks that end before the thread does.
    var tasks: Tasks { Tasks(self) }

    /// Ends the thread once what is pending is done. For the actor's deinitialiser: nothing is enqueued after it.
    func stop() {
        put(.stop)
    }

    private func put(_ work: Work) {
        pending.withLock { $0.append(work) }
        signal.signal()
    }

    private func work() {
        while true {
            signal.wait()
            switch pending.withLock({ $0.removeFirst() }) {
            case .actor(let job): job.runSynchronously(on: asUnownedSerialExecutor())
            case .task(let job, let tasks): job.runSynchronously(on: tasks.asUnownedTaskExecutor())
            case .stop: return
            }
        }
    }
}
