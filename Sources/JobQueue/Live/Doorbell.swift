import Synchronization

/// Wakes one who waits. Rung before anybody waits, it wakes the next at once; rung often, it wakes once.
package final class Doorbell: Sendable {
    private enum State {
        case quiet
        case rung
        case waitedFor(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.quiet)

    package init() {}

    package func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { if case .waitedFor = state { state = .quiet } else { state = .rung } }
            if case .waitedFor(let waiter) = state { return waiter }
            return nil
        }
        waiter?.resume()
    }

    /// Returns when it was rung, and when the calling task is cancelled.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRung = state.withLock { state in
                    if case .rung = state {
                        state = .quiet
                        return true
                    }
                    state = .waitedFor(continuation)
                    return false
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// As `wait`, but not longer than until `deadline`.
    package func wait(until deadline: ContinuousClock.Instant) async {
        let timer = Task {
            // Cancelled where it was rung before.
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            ring()
        }
        await wait()
        timer.cancel()
    }
}
