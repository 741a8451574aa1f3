import Isolation
import Synchronization

/// Compilations that succeeded, by all that could change them, so that the same source is compiled once.
///
/// They are held in this process's memory, which no job can reach: each program gets the products as a copy of its own, by
/// the way that files always take into a sandbox. Bounded in bytes and in number; the one that was used the longest time ago
/// goes first. Of two identical compilations at once the second waits for the first, holding no sandbox and no memory of
/// jobs, and at most once: should nothing come of it, it compiles for itself.
public final class CompileCache: Sendable {
    /// What it did so far and holds now.
    public struct Figures: Sendable, Equatable {
        /// Compilations that were answered without a compiler.
        public var hits = 0
        /// Compilations for which a compiler was needed.
        public var misses = 0
        /// Entries that made room for others.
        public var evictions = 0
        public var entries = 0
        public var bytes = 0
        /// Jobs that wait now for the compilation of another.
        public var waiting = 0
    }

    private struct Entry {
        var compilation: Compilation
        var bytes: Int
        /// Larger is later.
        var lastUse: UInt64
    }

    /// What comes of asking.
    private enum Claim {
        case found(Compilation)
        /// Compile, and say what came of it to those who wait.
        case lead
        /// Compile; somebody else may be doing the same.
        case alone
    }

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Claim, Never>
    }

    private struct State {
        var entries: [CompileKey: Entry] = [:]
        /// Compilations under way that others may wait for, with those who do: at most as many as the worker has jobs.
        var underWay: [CompileKey: [Waiter]] = [:]
        var figures = Figures()
        var lastUse: UInt64 = 0
        var nextTicket: UInt64 = 0
    }

    private let mostBytes: Int
    private let mostEntries: Int
    private let contents: EngineContents
    private let state = Mutex(State())

    /// - Parameters:
    ///   - mostBytes: how much is kept, products and diagnostics together.
    ///   - mostEntries: how many compilations are kept.
    ///   - contents: what the engine's images and policies are.
    public init(mostBytes: Int, mostEntries: Int = 4_096, contents: EngineContents) {
        self.mostBytes = mostBytes
        self.mostEntries = mostEntries
        self.contents = contents
    }

    public var figures: Figures { state.withLock { $0.figures } }

    /// An earlier compilation of the same, else what `compile` makes.
    ///
    /// A cancelled task does not wait for another's compilation any longer, and leaves it to `compile` to say so.
    /// - Parameters:
    ///   - configuration: of the compiler's sandbox.
    ///   - compile: runs the compiler.
    /// - Returns: the compilation; `cached` is set where it was another's.
    /// - Throws: what `compile` throws, which nobody else gets to see.
    func compilation(
        of configuration: SandboxConfiguration, compile: () async throws(IsolationError) -> Compilation
    ) async throws(IsolationError) -> Compilation {
        guard let key = CompileKey(configuration, contents: contents) else { return try await compile() }
        let isLeading: Bool
        switch await claim(key) {
        case .found(let compilation): return compilation.reused
        case .lead: isLeading = true
        case .alone: isLeading = false
        }
        var made: Compilation?
        // Whatever happens, or those who wait would wait for ever.
        defer { settle(key, made, isLeading: isLeading) }
        if !Task.isCancelled { state.withLock { $0.figures.misses += 1 } }
        let compilation = try await compile()
        if compilation.isReusable { made = compilation }
        return compilation
    }

    private func claim(_ key: CompileKey) async -> Claim {
        let claim = state.withLock { state -> Claim? in
            if let found = Self.find(key, in: &state) { return .found(found) }
            if state.underWay[key] != nil { return nil }
            state.underWay[key] = []
            return .lead
        }
        if let claim { return claim }
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let claim = state.withLock { state -> Claim? in
                    // Settled since it was looked at.
                    if let found = Self.find(key, in: &state) { return .found(found) }
                    // The handler below may have run already, before there was anything to cancel.
                    guard state.underWay[key] != nil, !Task.isCancelled else { return .alone }
                    state.underWay[key]?.append(Waiter(ticket: ticket, continuation: continuation))
                    state.figures.waiting += 1
                    return nil
                }
                if let claim { continuation.resume(returning: claim) }
            }
        } onCancel: {
            giveUpWaiting(key, ticket)
        }
    }

    /// Ends the wait of a cancelled task.
    private func giveUpWaiting(_ key: CompileKey, _ ticket: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let position = state.underWay[key]?.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            state.figures.waiting -= 1
            return state.underWay[key]?.remove(at: position)
        }
        waiter?.continuation.resume(returning: .alone)
    }

    /// Keeps what was made, and ends the wait of all who waited for it.
    private func settle(_ key: CompileKey, _ made: Compilation?, isLeading: Bool) {
        let waiters = state.withLock { state in
            if let made { keep(made, as: key, in: &state) }
            guard isLeading else { return [Waiter]() }
            let waiters = state.underWay.removeValue(forKey: key) ?? []
            state.figures.waiting -= waiters.count
            if made != nil { state.figures.hits += waiters.count }
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: made.map(Claim.found) ?? .alone) }
    }

    private static func find(_ key: CompileKey, in state: inout State) -> Compilation? {
        guard let entry = state.entries[key] else { return nil }
        state.lastUse += 1
        state.entries[key]?.lastUse = state.lastUse
        state.figures.hits += 1
        return entry.compilation
    }

    private func keep(_ compilation: Compilation, as key: CompileKey, in state: inout State) {
        let bytes = compilation.bytes
        // One that fits in no case must not push all others out.
        guard bytes <= mostBytes, mostEntries > 0 else { return }
        remove(key, from: &state)
        while state.figures.bytes + bytes > mostBytes || state.entries.count >= mostEntries {
            // Some thousands at the most: looking at them all costs less than a compiler's first page fault.
            guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key else { break }
            remove(oldest, from: &state)
            state.figures.evictions += 1
        }
        state.lastUse += 1
        state.entries[key] = Entry(compilation: compilation, bytes: bytes, lastUse: state.lastUse)
        state.figures.bytes += bytes
        state.figures.entries = state.entries.count
    }

    private func remove(_ key: CompileKey, from state: inout State) {
        guard let entry = state.entries.removeValue(forKey: key) else { return }
        state.figures.bytes -= entry.bytes
        state.figures.entries = state.entries.count
    }
}
