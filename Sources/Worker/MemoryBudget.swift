import Isolation

/// The memory that the limits of all running programs may add up to, so that many large ones at once make the host neither
/// swap nor run its OOM killer. First come, first served: a large one gets its turn however many small ones come.
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

    private let memory: FairSemaphore

    public init(bytes: UInt64) {
        memory = FairSemaphore(units: bytes)
    }

    /// The whole of it, in bytes.
    public var bytes: UInt64 { memory.units }

    public var figures: Figures {
        let figures = memory.figures
        return Figures(taken: figures.taken, peak: figures.peak, waiting: figures.waiting, waits: figures.waits)
    }

    /// Runs `body` while it holds memory of the budget. Waits for its turn.
    /// - Parameters:
    ///   - wanted: bytes.
    ///   - body: what needs them.
    /// - Returns: what `body` returns; nil when the task was cancelled while it waited.
    /// - Throws: `IsolationError` for more than the whole budget, which no wait could give; what `body` throws.
    func holding<Value>(
        _ wanted: UInt64, _ body: () async throws(IsolationError) -> Value
    ) async throws(IsolationError) -> Value? {
        guard try await take(wanted) else { return nil }
        defer { giveBack(wanted) }
        return try await body()
    }

    /// Takes memory, and waits for its turn; whoever got it calls `giveBack`.
    /// - Parameter wanted: bytes.
    /// - Returns: whether it got them; false for a task that was cancelled while it waited.
    /// - Throws: `IsolationError` for more than the whole budget, which no wait could give.
    func take(_ wanted: UInt64) async throws(IsolationError) -> Bool {
        guard wanted <= bytes else {
            throw IsolationError(
                .invalid, "needs \(wanted) bytes of memory, and all programs together may take \(bytes)")
        }
        return await memory.take(wanted)
    }

    /// Takes memory if there is room for it now and nobody waits; whoever got it calls `giveBack`.
    func takeNow(_ wanted: UInt64) -> Bool { memory.takeNow(wanted) }

    func giveBack(_ bytes: UInt64) { memory.giveBack(bytes) }
}
