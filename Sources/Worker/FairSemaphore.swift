import Synchronization

/// So many units that tasks take and give back, first come, first served: whoever does not get what it wants waits for it, and
/// whoever comes later waits behind it, also where it would fit. So who wants much gets its turn however many want little.
final class FairSemaphore: Sendable {
    /// What it did so far and holds now.
    struct Figures: Sendable, Equatable {
        /// Units that are taken now.
        var taken: UInt64 = 0
        /// The most that were taken at once.
        var peak: UInt64 = 0
        /// Tasks that wait now.
        var waiting = 0
        /// Tasks that had to wait.
        var waits = 0
    }

    private struct Waiter {
        var ticket: UInt64
        var units: UInt64
        /// Answers whether it got them.
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var figures = Figures()
        /// As long as its users are many: at most as many as the worker has jobs.
        var line: [Waiter] = []
        var nextTicket: UInt64 = 0
    }

    let units: UInt64
    private let state = Mutex(State())

    init(units: UInt64) {
        self.units = units
    }

    var figures: Figures { state.withLock { $0.figures } }

    /// Takes units if they are there now and nobody waits; whoever got them calls `giveBack`.
    /// - Parameters:
    ///   - wanted: how many.
    ///   - rest: how many must be left then.
    /// - Returns: whether it got them.
    func takeNow(_ wanted: UInt64, leaving rest: UInt64 = 0) -> Bool {
        state.withLock { take(wanted, leaving: rest, &$0) }
    }

    /// Takes units, and waits for them where they are not there; whoever got them calls `giveBack`.
    /// - Parameter wanted: how many; no more than there are, or nobody ever gets any again.
    /// - Returns: whether it got them; false for a task that was cancelled while it waited.
    func take(_ wanted: UInt64) async -> Bool {
        let ticket = state.withLock { state -> UInt64? in
            if take(wanted, leaving: 0, &state) { return nil }
            state.nextTicket += 1
            return state.nextTicket
        }
        guard let ticket else { return true }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // The handler below may have run already, before there was anything to cancel.
                    if Task.isCancelled { return false }
                    // Given back since it was looked at.
                    if take(wanted, leaving: 0, &state) { return true }
                    state.line.append(Waiter(ticket: ticket, units: wanted, continuation: continuation))
                    state.figures.waiting += 1
                    state.figures.waits += 1
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            giveUpWaiting(ticket)
        }
    }

    func giveBack(_ units: UInt64) {
        let admitted = state.withLock { state in
            state.figures.taken -= units
            return admit(&state)
        }
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }

    /// Ends the wait of a cancelled task; one that got its units in the same instant keeps them.
    private func giveUpWaiting(_ ticket: UInt64) {
        let (waiter, admitted) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let position = state.line.firstIndex(where: { $0.ticket == ticket }) else { return (nil, []) }
            let waiter = state.line.remove(at: position)
            state.figures.waiting -= 1
            // It may have been the one that those behind it waited for.
            return (waiter, admit(&state))
        }
        waiter?.continuation.resume(returning: false)
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }

    /// Takes from the head of the line all that fit.
    private func admit(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let first = state.line.first, fits(first.units, state) {
            grant(first.units, &state)
            state.figures.waiting -= 1
            admitted.append(state.line.removeFirst())
        }
        return admitted
    }

    private func take(_ wanted: UInt64, leaving rest: UInt64, _ state: inout State) -> Bool {
        guard state.line.isEmpty, fits(wanted + rest, state) else { return false }
        grant(wanted, &state)
        return true
    }

    private func fits(_ wanted: UInt64, _ state: State) -> Bool { wanted <= units - state.figures.taken }

    private func grant(_ wanted: UInt64, _ state: inout State) {
        state.figures.taken += wanted
        state.figures.peak = max(state.figures.peak, state.figures.taken)
    }
}
