import Isolation
import Synchronization

/// The memory that the limits of all running programs may add up to, so that many large ones at once make the host neither
/// swap nor run its OOM killer.
///
/// First come, first served: one that does not fit waits for room, and whoever comes after it waits behind it, also where
/// they would fit. So a large one gets its turn however many small ones come.
public final class MemoryBudget: Sendable {
    /// What it did so far and holds now.
    public struct Figures: Sendable, Equatable {
        /// Bytes that are taken now.
        public var taken: UInt64 = 0
        /// The most that were taken at once.
        public var peak: UInt64 = 0
        /// Programs that wait now.
        public var waiting = 0
        /// Programs that had to wait.
        public var waits = 0
    }

    private struct Waiter {
        var ticket: UInt64
        var bytes: UInt64
        /// Answers whether it got its memory.
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var figures = Figures()
        /// At most as many as the worker has jobs.
        var line: [Waiter] = []
        var nextTicket: UInt64 = 0
    }

    /// The whole of it, in bytes.
    public let bytes: UInt64
    private let state = Mutex(State())

    public init(bytes: UInt64) {
        self.bytes = bytes
    }

    public var figures: Figures { state.withLock { $0.figures } }

    /// Runs `body` while it holds memory of the budget. Waits for its turn.
    /// - Parameters:
    ///   - wanted: bytes.
    ///   - body: what needs them.
    /// - Returns: what `body` returns; nil when the task was cancelled while it waited.
    /// - Throws: `IsolationError` for more than the whole budget, which no wait could give; what `body` throws.
    func holding<Value>(
        _ wanted: UInt64, _ body: () async throws(IsolationError) -> Value
    ) async throws(IsolationError) -> Value? {
        guard wanted <= bytes else {
            throw IsolationError(
                .invalid, "needs \(wanted) bytes of memory, and all programs together may take \(bytes)")
        }
        guard await take(wanted) else { return nil }
        defer { giveBack(wanted) }
        return try await body()
    }

    /// Takes memory if there is room for it now and nobody waits; whoever got it calls `giveBack`.
    func takeNow(_ wanted: UInt64) -> Bool {
        state.withLock { state in
            guard state.line.isEmpty, wanted <= bytes, fits(wanted, state) else { return false }
            grant(wanted, &state)
            return true
        }
    }

    private func take(_ wanted: UInt64) async -> Bool {
        let ticket = state.withLock { state -> UInt64? in
            if state.line.isEmpty, fits(wanted, state) {
                grant(wanted, &state)
                return nil
            }
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
                    if state.line.isEmpty, fits(wanted, state) {
                        grant(wanted, &state)
                        return true
                    }
                    state.line.append(Waiter(ticket: ticket, bytes: wanted, continuation: continuation))
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

    /// Ends the wait of a cancelled task; one that got its memory in the same instant keeps it.
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

    func giveBack(_ bytes: UInt64) {
        let admitted = state.withLock { state in
            state.figures.taken -= bytes
            return admit(&state)
        }
        for waiter in admitted { waiter.continuation.resume(returning: true) }
    }

    /// Takes from the head of the line all that fit.
    private func admit(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let first = state.line.first, fits(first.bytes, state) {
            grant(first.bytes, &state)
            state.figures.waiting -= 1
            admitted.append(state.line.removeFirst())
        }
        return admitted
    }

    private func fits(_ wanted: UInt64, _ state: State) -> Bool { wanted <= bytes - state.figures.taken }

    private func grant(_ bytes: UInt64, _ state: inout State) {
        state.figures.taken += bytes
        state.figures.peak = max(state.figures.peak, state.figures.taken)
    }
}
