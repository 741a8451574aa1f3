import Synchronization

/// How a worker's slots are shared: each job has one of its own, and a job with cases may borrow others where they are free
/// at the moment.
///
/// A job that comes is never kept waiting by one with cases as long as one slot is left, which borrowing always leaves; where
/// more come at once, they get the borrowed slots back first come, first served, each as soon as the case in it has ended.
/// Nobody who holds a borrowed slot waits for anything but its program.
public final class SlotShares: Sendable {
    private struct Waiter {
        var ticket: UInt64
        /// Answers whether it got a slot.
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var taken = 0
        /// At most as many as the worker has jobs.
        var line: [Waiter] = []
        var nextTicket: UInt64 = 0
    }

    private let slots: Int
    private let state = Mutex(State())

    /// - Parameter slots: how many programs the engine runs at once; the worker takes as many jobs.
    public init(slots: Int) {
        self.slots = slots
    }

    /// How many are taken now, and how many jobs wait for one.
    var figures: (taken: Int, waiting: Int) { state.withLock { ($0.taken, $0.line.count) } }

    /// Runs a job while it has a slot of its own.
    ///
    /// A cancelled task does not wait any longer: the engine starts nothing for it.
    /// - Parameter body: the job; it is told how long it had to wait.
    /// - Returns: what the job returns.
    func holding<Value>(_ body: (_ waited: Duration) async -> Value) async -> Value {
        if state.withLock({ Self.take(&$0, slots) }) {
            defer { giveBack() }
            return await body(.zero)
        }
        let asked = ContinuousClock.now
        let isHeld = await waitForSlot()
        defer { if isHeld { giveBack() } }
        return await body(.now - asked)
    }

    /// Takes a slot for a case beside those that its job has, if one is free that nobody is likely to want.
    func borrow() -> Bool {
        state.withLock { state in
            guard state.line.isEmpty, state.taken + 1 < slots else { return false }
            state.taken += 1
            return true
        }
    }

    /// Ends the use of a slot, own or borrowed.
    func giveBack() {
        let next = state.withLock { state -> Waiter? in
            // Whoever waits gets it: `taken` stays as it is.
            if !state.line.isEmpty { return state.line.removeFirst() }
            state.taken -= 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }

    private static func take(_ state: inout State, _ slots: Int) -> Bool {
        guard state.line.isEmpty, state.taken < slots else { return false }
        state.taken += 1
        return true
    }

    private func waitForSlot() async -> Bool {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // The handler below may have run already, before there was anything to cancel.
                    if Task.isCancelled { return false }
                    // Given back since it was looked at.
                    if Self.take(&state, slots) { return true }
                    state.line.append(Waiter(ticket: ticket, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            giveUpWaiting(ticket)
        }
    }

    /// Ends the wait of a cancelled task; one that got its slot in the same instant keeps it.
    private func giveUpWaiting(_ ticket: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let position = state.line.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.line.remove(at: position)
        }
        waiter?.continuation.resume(returning: false)
    }
}
