import JobQueue
import Logging
import Synchronization

/// Renews the leases of all jobs at hand, on a path that no job can delay.
///
/// One timer serves them all. A lease that ends leaves it as it is: it then fires for nothing, at most once in a third of a
/// lease's time, and no job pays for a timer of its own.
final class LeaseKeeper: Sendable {
    private struct Entry {
        let lease: Lease
        /// When to renew it; nil while that is being done.
        var due: ContinuousClock.Instant?

        /// The usual time between two renewals.
        var pause: Duration { lease.lockDuration / 3 }
    }

    private struct State {
        var entries: [LeaseToken: Entry] = [:]
        var timer: (due: ContinuousClock.Instant, task: Task<Void, Never>)?
    }

    private let queue: any JobQueue
    private let logger: Logger
    private let state = Mutex(State())

    init(queue: any JobQueue, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    deinit {
        state.withLock { $0.timer?.task.cancel() }
    }

    /// Renews the lease again and again, until it is given to `end` or lost.
    func begin(_ lease: Lease) {
        state.withLock { state in
            var entry = Entry(lease: lease)
            entry.due = .now + entry.pause
            state.entries[lease.token] = entry
            arm(&state)
        }
    }

    func end(_ lease: Lease) {
        state.withLock { $0.entries[lease.token] = nil }
    }

    private func arm(_ state: inout State) {
        guard let due = state.entries.values.lazy.compactMap(\.due).min() else { return }
        if let timer = state.timer, timer.due <= due { return }
        state.timer?.task.cancel()
        let task = Task { [weak self] in
            do {
                try await Task.sleep(until: due, clock: .continuous)
            } catch {
                // Another timer took over, or nothing is left to renew.
                return
            }
            self?.renewDue()
        }
        state.timer = (due, task)
    }

    private func renewDue() {
        state.withLock { state in
            state.timer = nil
            let now = ContinuousClock.now
            for (token, entry) in state.entries where entry.due.map({ $0 <= now }) ?? false {
                state.entries[token]?.due = nil
                // One that waits for its answer must not delay the next.
                Task { await renew(entry) }
            }
            arm(&state)
        }
    }

    private func renew(_ entry: Entry) async {
        let lease = entry.lease
        let pause: Duration?
        do {
            try await queue.renew(lease.token)
            pause = entry.pause
        } catch {
            logger.warning("lease not renewed", metadata: ["job": "\(lease.id)", "reason": "\(error)"])
            // A lease that is lost is signalled; a queue out of reach may be back soon, and for a third of the time to be
            // away must not cost the lease.
            pause = error.code == .staleLease ? nil : entry.pause / 5
        }
        state.withLock { state in
            state.entries[lease.token]?.due = pause.map { .now + $0 }
            arm(&state)
        }
    }
}
