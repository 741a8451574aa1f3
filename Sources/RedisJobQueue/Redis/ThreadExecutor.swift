import Dispatch
import Foundation
import Synchronization

/// Runs one actor on a thread of its own, so that calls which block hold up nobody else: the cooperative pool has one
/// thread a processor.
final class ThreadExecutor: SerialExecutor {
    /// A nil ends the thread, after what came before it.
    private let pending = Mutex<[UnownedJob?]>([])
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
        put(UnownedJob(job))
    }

    /// Ends the thread once what is pending is done. For the actor's deinitialiser: nothing is enqueued after it.
    func stop() {
        put(nil)
    }

    private func put(_ job: UnownedJob?) {
        pending.withLock { $0.append(job) }
        signal.signal()
    }

    private func work() {
        while true {
            signal.wait()
            guard let job = pending.withLock({ $0.removeFirst() }) else { return }
            job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }
}
