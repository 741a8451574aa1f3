import CLinux
import Foundation
import Synchronization

/// A thread for calls that block: the cooperative pool has one thread a processor and must not wait for a job.
enum BlockingThread {
    static func start(name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            // Foundation's own name is not the kernel's: the thread would be called as the one that started it. It can only
            // fail for a bad address.
            _ = name.withCString { bk_prctl(BK_PR_SET_NAME, UInt64(UInt(bitPattern: $0)), 0) }
            body()
        }
        thread.start()
    }
}

/// Work for one thread, one piece at a time, in order.
final class Mailbox<Work: Sendable>: Sendable {
    private let pending = Mutex<[Work?]>([])
    private let signal = DispatchSemaphore(value: 0)

    func put(_ work: Work) {
        pending.withLock { $0.append(work) }
        signal.signal()
    }

    /// No more work will come; `take` answers nil after what is pending.
    func close() {
        pending.withLock { $0.append(nil) }
        signal.signal()
    }

    func take() -> Work? {
        signal.wait()
        return pending.withLock { $0.removeFirst() }
    }
}
