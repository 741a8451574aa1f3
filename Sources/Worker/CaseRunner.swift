import Isolation
import JobQueue
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
    let time: CaseTime

    /// What is kept of the output of all cases together, in bytes, unless one alone may write more.
    static let leastKeptBytes = 1 << 20

    /// How a case ended.
    private enum End: Sendable {
        case ran(CaseRun)
        case failed(IsolationError)
    }

    private enum Event: Sendable {
        case ended(Int, End)
        /// It may be later than all cases together may take.
        case alarm
    }

    /// Runs them. A cancelled task's cases are ended, and the job is `cancelled`; those that their time does not suffice for are
    /// skipped.
    /// - Parameter result: gets all that there is to say, also where this throws.
    /// - Throws: `IsolationError` of the first case that could not be run; the others are ended then.
    func run(into result: inout ExecutionResult) async throws(IsolationError) {
        var record = CaseRecord(
            cases: cases, limits: limits, encoding: encoding,
            keptBytes: max(Self.leastKeptBytes, limits.outputBytes))
        var failure: IsolationError?
        var queueTime = Duration.zero
        await withTaskGroup(of: Event.self) { group in
            var schedule = CaseSchedule(count: cases.list.count, stopsOnFailure: cases.stopsOnFailure)
            var running: [Int: Task<End, Never>] = [:]
            // Of the cases that run, one is in the job's own slot.
            var borrowed = 0
            /// When their time is over; moves with every wait for memory, in which none of them runs.
            var deadline: Duration?
            var isOverdue: Bool { deadline.map { $0 <= time.clock.uptime } ?? false }
            while true {
                while failure == nil, !isOverdue, !Task.isCancelled, schedule.hasNext {
                    let isFirst = running.isEmpty
                    guard isFirst || borrow(), let index = schedule.start() else { break }
                    if isFirst {
                        do throws(IsolationError) {
                            guard let waited = try await waitForMemory() else {
                                record.note(
                                    CaseRun(.cancelledBeforeStart, of: cases.list[index], cases.comparison, limits),
                                    of: index)
                                break
                            }
                            queueTime += waited
                            if let earlier = deadline {
                                deadline = earlier + waited
                            } else {
                                deadline = time.clock.uptime + time.limit
                                group.addTask { [deadline] in await alarm(at: deadline) }
                            }
                        } catch {
                            failure = error
                            record.note(error, of: index)
                            break
                        }
                    } else {
                        borrowed += 1
                    }
                    let task = Task(executorPreference: globalConcurrentExecutor) { await attempt(index) }
                    running[index] = task
                    group.addTask {
                        await withTaskCancellationHandler {
                            .ended(index, await task.value)
                        } onCancel: {
                            task.cancel()
                        }
                    }
                }
                guard !running.isEmpty, let event = await group.next() else { break }
                guard case .ended(let index, let end) = event else {
                    if isOverdue {
                        for task in running.values { task.cancel() }
                    } else {
                        group.addTask { [deadline] in await alarm(at: deadline) }
                    }
                    continue
                }
                running[index] = nil
                if borrowed > max(0, running.count - 1) {
                    borrowed -= 1
                    slots?.giveBack()
                }
                switch end {
                case .failed(let error) where schedule.isWanted(index):
                    if failure == nil { failure = error }
                    record.note(error, of: index)
                    for task in running.values { task.cancel() }
                case .ran(let run) where schedule.isWanted(index):
                    // One that was ended for another's failure, or for the job's time, tells nothing of the program.
                    if run.verdict.status == .cancelled, failure != nil || isOverdue && !Task.isCancelled { break }
                    record.note(run, of: index)
                    guard run.judgement != .accepted else { break }
                    schedule.failed(index)
                    for (index, task) in running where !schedule.isWanted(index) { task.cancel() }
                    record.drop { !schedule.isWanted($0) }
                case .failed, .ran:
                    break
                }
            }
            group.cancelAll()
            if failure == nil, Task.isCancelled {
                // Not run to the end: it was told to stop.
                record.isCancelled = schedule.hasNext
            } else if failure == nil, isOverdue {
                record.endForTime(time.limit, where: schedule.isWanted)
            }
        }
        result.queueTimeMs = ((result.queueTimeMs + queueTime.milliseconds) * 1_000).rounded() / 1_000
        record.fill(&result)
        if let failure { throw failure }
    }

    private func alarm(at deadline: Duration?) async -> Event {
        // A cancelled sleep is over, and nobody listens any more.
        if let deadline { try? await time.clock.sleep(until: deadline) }
        return .alarm
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

    /// Takes memory for the only case that is to run.
    /// - Returns: how long that took; nil for a cancelled task, which has none then.
    private func waitForMemory() async throws(IsolationError) -> Duration? {
        guard let memory, !memory.takeNow(program.limits.memory) else { return .zero }
        let asked = time.clock.uptime
        guard try await memory.take(program.limits.memory) else { return nil }
        return time.clock.uptime - asked
    }

    /// Runs a case for which there is memory, and gives that back.
    private func attempt(_ index: Int) async -> End {
        defer { memory?.giveBack(program.limits.memory) }
        do throws(IsolationError) {
            return .ran(try await runAndJudge(index))
        } catch {
            return .failed(error)
        }
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
