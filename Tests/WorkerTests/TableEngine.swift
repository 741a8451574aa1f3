import Isolation
import Synchronization
import Worker

/// An engine without a kernel: answers each run with the next row of a table, or with that of its standard input, and
/// remembers what it was asked.
final class TableEngine: SandboxEngine {
    /// What one run comes to.
    indirect enum Row: Sendable {
        case outcome(Outcome)
        case failure(IsolationError)
        /// As `failure`, and nothing runs any more.
        case end(IsolationError)
        /// Runs until its task is cancelled, and says so as the engine does.
        case untilCancelled
        /// As the row says, once the gate is open.
        case held(Gate, Row)
    }

    private struct State {
        var rows: [Row]
        var rowsByInput: [String: Row] = [:]
        var seen: [SandboxConfiguration] = []
        var running = 0
        var mostRunning = 0
        var cancellations = 0
        var hasEnded = false
        var isUsable = true
        var onStart: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ rows: [Row]) {
        state = Mutex(State(rows: rows))
    }

    convenience init(_ rows: Row...) { self.init(rows) }

    /// - Parameters:
    ///   - rows: for what runs without standard input.
    ///   - rowsByInput: for the others, which may come in any order.
    init(_ rows: [Row] = [], byInput rowsByInput: [String: Row]) {
        state = Mutex(State(rows: rows, rowsByInput: rowsByInput))
    }

    /// How many run now, and the most that ran at once.
    var running: Int { state.withLock { $0.running } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    /// The configurations of all runs so far, in order.
    var seen: [SandboxConfiguration] { state.withLock { $0.seen } }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    var isUsable: Bool {
        get { state.withLock { $0.isUsable } }
        set { state.withLock { $0.isUsable = newValue } }
    }

    /// How many runs were cancelled.
    var cancellations: Int { state.withLock { $0.cancellations } }

    /// Comes back once a run was begun.
    func waitForRun() async {
        await withCheckedContinuation { continuation in
            let began = state.withLock { state in
                if state.seen.isEmpty { state.onStart.append(continuation) }
                return !state.seen.isEmpty
            }
            if began { continuation.resume() }
        }
    }

    func run(
        _ configuration: SandboxConfiguration, onOutput: OutputObserver?
    ) async throws(IsolationError) -> Outcome {
        let (row, waiting) = state.withLock { state in
            state.seen.append(configuration)
            state.running += 1
            state.mostRunning = max(state.mostRunning, state.running)
            defer { state.onStart = [] }
            if case .bytes(let input) = configuration.standardInput, !input.isEmpty, !state.rowsByInput.isEmpty {
                return (state.rowsByInput[String(decoding: input, as: UTF8.self)], state.onStart)
            }
            return (state.rows.isEmpty ? nil : state.rows.removeFirst(), state.onStart)
        }
        defer { state.withLock { $0.running -= 1 } }
        for continuation in waiting { continuation.resume() }
        return try await answer(row, onOutput)
    }

    private func answer(_ row: Row?, _ onOutput: OutputObserver?) async throws(IsolationError) -> Outcome {
        switch row {
        case .held(let gate, let row):
            await gate.pass()
            return try await answer(row, onOutput)
        case .outcome(let outcome):
            onOutput?(.output, outcome.standardOutput.bytes)
            onOutput?(.error, outcome.standardError.bytes)
            return outcome
        case .failure(let error): throw error
        case .end(let error):
            state.withLock { $0.hasEnded = true }
            throw error
        case .untilCancelled:
            // A day: whoever waits this long has forgotten to cancel, and the suite's time limit says so.
            do { try await Task.sleep(for: .seconds(86_400)) } catch {}
            state.withLock { $0.cancellations += 1 }
            return Samples.outcome(.cancelled)
        case nil: throw IsolationError(.protocolViolation, "the table has no row for this run")
        }
    }
}
