import Isolation
import Jobs

/// Runs the cases of one job, each in a fresh sandbox: one after the other in the job's own slot, and beside that in others
/// as far as slots and memory are free when a case could begin.
///
/// It looks for free ones whenever one of its cases ends. Cases run on Swift's own pool: what they print is compared there,
/// and keeps no event loop from its connections.
struct CaseRunner {
    let engine: any SandboxEngine
    let memory: MemoryBudget?
    /// Nil where nothing can be borrowed: then one runs at a time.
    let slots: SlotShares?
    let cases: TestCases
    /// What all cases have in common.
    let program: SandboxConfiguration
    let limits: Limits
    let encoding: OutputEncoding

    /// What is kept of the output of all cases together, in bytes, unless one alone may write more.
    static let leastKeptBytes = 1 << 20

    /// How a case ended.
    private enum End: Sendable {
        case ran(CaseRun)
        case failed(IsolationError)
    }

    private struct Event: Sendable {
        var index: Int
        var end: End
        /// How long it waited for memory.
        var waited: Duration
    }

    /// Runs them. A cancelled task's cases are ended, and the job is `cancelled`.
    /// - Parameter result: gets all that there is to say, also where this throws.
    /// - Throws: `IsolationError` of the first case that could not be run; the others are ended then.
    func run(into result: inout ExecutionResult) async throws(IsolationError) {
        var record = CaseRecord(
            cases: cases, limits: limits, encoding: encoding,
            keptBytes: max(Self.leastKeptBytes, limits.outputBytes))
        var failure: IsolationError?
        await withTaskGroup(of: Event.self) { group in
            var schedule = CaseSchedule(count: cases.list.count, stopsOnFailure: cases.stopsOnFailure)
            var running: [Int: Task<Event, Never>] = [:]
            // Of the cases that run, one is in the job's own slot.
            var borrowed = 0
            while true {
                while failure == nil, !Task.isCancelled, schedule.hasNext {
                    let isFirst = running.isEmpty
                    guard isFirst || borrow(), let index = schedule.start() else { break }
                    if !isFirst { borrowed += 1 }
                    // The job's own case before any that is lent something: its memory is taken before others are looked at.
                    let holdsMemory = !isFirst || memory?.takeNow(program.limits.memory) ?? true
                    let task = Task(executorPreference: globalConcurrentExecutor) {
                        await attempt(index, holdsMemory: holdsMemory)
                    }
                    running[index] = task
                    group.addTask {
                        await withTaskCancellationHandler {
                            await task.value
                        } onCancel: {
                            task.cancel()
                        }
                    }
                    // It waits for memory itself.
                    guard holdsMemory else { break }
                }
                guard let event = await group.next() else { break }
                running[event.index] = nil
                if borrowed > max(0, running.count - 1) {
                    borrowed -= 1
                    slots?.giveBack()
                }
                result.queueTimeMs = ((result.queueTimeMs + event.waited.milliseconds) * 1_000).rounded() / 1_000
                switch event.end {
                case .failed(let error) where schedule.isWanted(event.index):
                    if failure == nil { failure = error }
                    record.note(error, of: event.index)
                    for task in running.values { task.cancel() }
                case .ran(let run) where schedule.isWanted(event.index):
                    // One that was ended for another's failure tells nothing of the program.
                    if failure != nil, run.verdict.status == .cancelled { break }
                    record.note(run, of: event.index)
                    guard run.judgement != .accepted else { break }
                    schedule.failed(event.index)
                    for (index, task) in running where !schedule.isWanted(index) { task.cancel() }
                    record.drop { !schedule.isWanted($0) }
                case .failed, .ran:
                    break
                }
            }
            // Not for a failure, and not run to the end: it was told to stop.
            if failure == nil, schedule.hasNext { record.isCancelled = true }
        }
        record.fill(&result)
        if let failure { throw failure }
    }

    /// Takes slot and memory for one more case, where both are to be had at once.
    private func borrow() -> Bool {
        guard let slots, slots.borrow() else { return false }
        guard memory?.takeNow(program.limits.memory) ?? true else {
            slots.giveBack()
            return false
        }
        return true
    }

    private func attempt(_ index: Int, holdsMemory: Bool) async -> Event {
        let asked = ContinuousClock.now
        var admitted: ContinuousClock.Instant?
        let end: End
        do throws(IsolationError) {
            if let memory, !holdsMemory {
                let run = try await memory.holding(program.limits.memory) { () async throws(IsolationError) in
                    admitted = .now
                    return try await runAndJudge(index)
                }
                end = .ran(run ?? CaseRun(.cancelledBeforeStart, of: cases.list[index], cases.comparison, limits))
            } else {
                admitted = asked
                defer { if holdsMemory { memory?.giveBack(program.limits.memory) } }
                end = .ran(try await runAndJudge(index))
            }
        } catch {
            end = .failed(error)
        }
        return Event(index: index, end: end, waited: (admitted ?? .now) - asked)
    }

    private func runAndJudge(_ index: Int) async throws(IsolationError) -> CaseRun {
        let testCase = cases.list[index]
        var configuration = program
        configuration.standardInput = .bytes(testCase.stdin)
        configuration.arguments += testCase.arguments
        // What is started ahead knows no arguments of a job.
        if !testCase.arguments.isEmpty { configuration.ahead = nil }
        let outcome = try await engine.run(configuration, onOutput: nil)
        return CaseRun(outcome, of: testCase, cases.comparison, limits)
    }
}
