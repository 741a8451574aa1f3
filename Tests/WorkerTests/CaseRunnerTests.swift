import Foundation
import JobQueue
import Jobs
import Logging
import ManualClock
import Synchronization
import Testing

@testable import Isolation
@testable import Worker

@Suite("Cases of a job", .timeLimit(.minutes(1)))
struct CaseRunnerTests {
    /// A request with cases whose standard inputs are `0`, `1`… and of which each is to print `yes`.
    private func json(_ count: Int, _ more: String = "", language: String = "python") -> String {
        let cases = (0..<count).map { #"{"name":"n\#($0)","stdin":"\#($0)","expectedOutput":"yes"}"# }
        return #"{"language":"\#(language)","code":"x","cases":[\#(cases.joined(separator: ","))]\#(more)}"#
    }

    private func run(
        _ json: String, _ engine: TableEngine, memory: MemoryBudget? = nil, slots: SlotShares? = nil,
        caseTime: CaseTime = CaseTime()
    ) async throws -> ExecutionResult {
        try await Samples.runner(engine, memory: memory, slots: slots, caseTime: caseTime).run(
            json: Data(json.utf8), .init(id: "j-1"))
    }

    private static let yes = TableEngine.Row.outcome(Samples.outcome(output: "yes\n"))
    private static let no = TableEngine.Row.outcome(Samples.outcome(output: "no\n"))

    private func verdicts(_ result: ExecutionResult) -> [String] { result.cases?.results.map(\.verdict.text) ?? [] }

    // MARK: Results

    @Test("each case has its own input and arguments, and its result in its place")
    func results() async throws {
        var slow = Samples.outcome(.wallTimeLimit)
        slow.report.wallTime = 50_000_000
        slow.report.firedAt = 9_000_000
        slow.report.calls = [.init(number: 165, count: 3, isDenied: true)]
        let engine = TableEngine([
            .outcome(Samples.outcome(output: "yes\n", error: "e")), Self.no, .outcome(slow),
            .outcome(Samples.outcome(.exited(3))),
        ])
        let result = try await run(
            #"""
            {"language":"python","code":"x","metadata":{"a":1},"cases":[
              {"name":"first","stdin":"in","args":["a","b"],"expectedOutput":"yes"},
              {"expectedOutput":"yes"},{},{"expectedOutput":""}]}
            """#, engine)
        #expect(
            engine.seen.map(\.arguments) == [["/usr/bin/python3", "main.py", "a", "b"]]
                + Array(repeating: ["/usr/bin/python3", "main.py"], count: 3))
        guard case .bytes(let input)? = engine.seen.first?.standardInput else {
            Issue.record("no standard input")
            return
        }
        #expect(input == Array("in".utf8))
        #expect(engine.seen.allSatisfy { $0.collect.isEmpty })
        let cases = try #require(result.cases)
        #expect(verdicts(result) == ["accepted", "wrong_answer", "wall_time_limit", "nonzero_exit"])
        #expect(cases.results.map(\.status) == [.ok, .ok, .wallTimeLimit, .nonzeroExit])
        let first = cases.results[0]
        #expect(first.name == "first" && first.stdout == "yes\n" && first.stderr == "e" && first.exitCode == 0)
        #expect(first.stdoutBytes == 4 && first.stderrBytes == 1 && first.cpuTimeMs == 3.1)
        #expect(first.memoryBytes == 9 << 20)
        #expect(cases.results[2].evidence.firedLimit == "wallTimeMs")
        #expect(cases.summary.firstFailed == 1)
        // The job: the first that did not run well, the largest times, and no streams of its own.
        #expect(result.status == .wallTimeLimit)
        #expect(result.message == "case 2: ended: its 10000 ms of wall time were over")
        #expect(result.wallTimeMs == 50)
        #expect(result.stdout.isEmpty && result.stdoutBytes == 0)
        #expect(result.exitCode == nil)
        #expect(result.evidence.limits == .standard)
        #expect(result.evidence.firedLimit == "wallTimeMs" && result.evidence.firedAtMs == 9)
        #expect(result.evidence.deniedSyscalls.map(\.count) == [3])
        #expect(result.metadata == ["a": .integer(1)])
    }

    @Test("a job whose cases all ran well is ok, whatever they printed")
    func ok() async throws {
        let result = try await run(json(2), TableEngine(byInput: ["0": Self.no, "1": Self.yes]))
        #expect(result.status == .ok)
        #expect(result.exitCode == 0)
        #expect(result.message == nil)
        #expect(verdicts(result) == ["wrong_answer", "accepted"])
    }

    @Test("what was cut is never what was expected, and bytes are compared, not the text that shows them")
    func raw() async throws {
        var cut = Samples.outcome(output: "yes")
        cut.standardOutput.isTruncated = true
        var broken = Samples.outcome()
        broken.standardOutput.bytes = [0xFF]
        let result = try await run(
            #"{"language":"python","code":"x","cases":[{"expectedOutput":"yes"},{"expectedOutput":"\#u{FFFD}"}]}"#,
            TableEngine(.outcome(cut), .outcome(broken)))
        #expect(verdicts(result) == ["wrong_answer", "wrong_answer"])
        #expect(result.cases?.results[1].stdout == "\u{FFFD}")
        #expect(result.cases?.results[1].stdoutLossy == true)
    }

    @Test("a case is compared with all that it wrote; what is kept of all together is bounded, and said to be cut")
    func keptOutput() async throws {
        let size = 400_000
        let text = String(repeating: "x", count: size)
        let list = Array(repeating: #"{"expectedOutput":"\#(text)"}"#, count: 10).joined(separator: ",")
        let engine = TableEngine(Array(repeating: .outcome(Samples.outcome(output: text, error: "short")), count: 10))
        let result = try await run(#"{"language":"python","code":"x","cases":[\#(list)]}"#, engine)
        #expect(result.cases?.summary.accepted == 10)
        let results = try #require(result.cases?.results)
        #expect(results.reduce(0) { $0 + $1.stdout.utf8.count + $1.stderr.utf8.count } <= 1 << 20)
        for one in results {
            #expect(one.stdoutBytes == size)
            #expect(one.stdoutTruncated && one.stdout.utf8.count > 100_000)
            #expect(one.stderr == "short" && !one.stderrTruncated)
        }
    }

    // MARK: Compiling

    @Test("twenty cases are compiled once, with a cache and without")
    func compilesOnce() async throws {
        for cache in [nil, CompileCache(mostBytes: 1 << 20, contents: Samples.contents)] {
            let engine = TableEngine(
                [.outcome(Samples.outcome(files: [Samples.product]))],
                byInput: Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0)", Self.yes) }))
            let runner = Samples.runner(engine, compileCache: cache, slots: SlotShares(slots: 4))
            let result = try await runner.run(json: Data(json(20, language: "c").utf8), .init(id: "j-1"))
            #expect(result.cases?.summary.accepted == 20)
            #expect(result.compile?.status == .ok)
            #expect(engine.seen.count == 21)
            #expect(engine.seen.dropFirst().allSatisfy { $0.files == [Samples.product] })
            #expect(runner.figures.compilers == 1)
            #expect(cache?.figures.misses ?? 1 == 1)
            #expect(cache?.figures.hits ?? 0 == 0)
        }
    }

    @Test("nothing runs of what does not compile: every case is skipped")
    func compileError() async throws {
        let result = try await run(json(3, language: "c"), TableEngine(.outcome(Samples.outcome(.exited(1)))))
        #expect(result.status == .compileError)
        #expect(verdicts(result) == ["skipped", "skipped", "skipped"])
        #expect(result.cases?.results.map(\.name) == ["n0", "n1", "n2"])
        #expect(result.cases?.results[0].status == nil)
    }

    // MARK: At once

    /// Rows for so many cases that end when the gate opens.
    private func held(_ count: Int, by gate: Gate) -> [String: TableEngine.Row] {
        Dictionary(uniqueKeysWithValues: (0..<count).map { ("\($0)", .held(gate, Self.yes)) })
    }

    @Test("cases run in the slots that are free, one of which stays so; where nothing can be borrowed one at a time")
    func parallel() async throws {
        for (slots, most) in [(SlotShares(slots: 4), 3), (SlotShares(slots: 2), 1), (nil, 1)] {
            let gate = Gate()
            let engine = TableEngine(byInput: held(10, by: gate))
            let task = Task { try await run(json(10), engine, slots: slots) }
            try await until { engine.running == most }
            #expect(slots?.figures.taken ?? 1 == most)
            gate.open()
            let result = try await task.value
            #expect(result.cases?.summary.accepted == 10)
            #expect(engine.mostRunning == most)
            #expect(slots?.figures.taken ?? 0 == 0)
        }
    }

    @Test("jobs that come get their slots before any further case")
    func sharing() async throws {
        let (gate, first) = (Gate(), Gate())
        var rows = held(20, by: gate)
        rows["0"] = .held(first, Self.yes)
        rows["other"] = .untilCancelled
        let engine = TableEngine(byInput: rows)
        let slots = SlotShares(slots: 4)
        let task = Task { try await run(json(20), engine, slots: slots) }
        try await until { engine.running == 3 }
        let others = (0..<2).map { _ in
            Task { try await run(#"{"language":"python","code":"x","stdin":"other"}"#, engine, slots: slots) }
        }
        // One has the slot that was left, the other waits for a case to end, and gets its slot then.
        try await until { engine.running == 4 && slots.figures.waiting == 1 }
        first.open()
        func countOfOthers() -> Int {
            engine.seen.count {
                guard case .bytes(let input) = $0.standardInput else { return false }
                return input == Array("other".utf8)
            }
        }
        try await until { countOfOthers() == 2 }
        #expect(engine.seen.count == 5)
        gate.open()
        // As long as they run, nothing more is borrowed than what the two leave: the job's own slot.
        #expect(try await task.value.cases?.summary.accepted == 20)
        #expect(engine.mostRunning == 4)
        #expect(slots.figures.taken == 2)
        for other in others {
            other.cancel()
            let result = try await other.value
            #expect(result.status == .cancelled)
        }
        #expect(slots.figures.taken == 0)
    }

    @Test("cases take memory beside the first only where it is free and nobody waits for it")
    func memory() async throws {
        // Room for two, and for no third.
        let memory = MemoryBudget(bytes: 300 << 20)
        let gate = Gate()
        let engine = TableEngine(byInput: held(6, by: gate))
        let slots = SlotShares(slots: 8)
        let task = Task { try await run(json(6), engine, memory: memory, slots: slots) }
        // A third is borrowed for as long as the look for its memory takes.
        try await until { engine.running == 2 && slots.figures.taken == 2 }
        // A large one waits: it is next, and no case is let in before it.
        let large = Task { try await memory.holding(300 << 20) { engine.running } }
        try await until { memory.figures.waiting == 1 }
        #expect(!memory.takeNow(1))
        gate.open()
        #expect(try await task.value.cases?.summary.accepted == 6)
        #expect(try await large.value == 0)
        #expect(engine.mostRunning == 2)
        #expect(memory.figures.taken == 0)
        #expect(slots.figures.taken == 0)
    }

    // MARK: Ends

    @Test("after a failure nothing more starts, what is behind it is ended, and what is before it judged")
    func stopOnFailure() async throws {
        let (first, second) = (Gate(), Gate())
        var rows = Dictionary(uniqueKeysWithValues: (0..<10).map { ("\($0)", Self.yes) })
        rows["0"] = .held(first, Self.yes)
        rows["1"] = .held(second, Self.no)
        rows["2"] = .untilCancelled
        let engine = TableEngine(byInput: rows)
        let slots = SlotShares(slots: 4)
        let task = Task { try await run(json(10, #","stopOnFailure":true"#), engine, slots: slots) }
        try await until { engine.running == 3 }
        second.open()
        try await until { engine.cancellations == 1 }
        first.open()
        let result = try await task.value
        #expect(verdicts(result) == ["accepted", "wrong_answer"] + Array(repeating: "skipped", count: 8))
        #expect(result.status == .ok)
        #expect(engine.seen.count == 3)
        #expect(slots.figures.taken == 0)
    }

    @Test("the first failure is the one that counts, also where a later case failed before it")
    func firstFailure() async throws {
        let gate = Gate()
        let engine = TableEngine(byInput: ["0": .held(gate, .outcome(Samples.outcome(.exited(1)))), "1": Self.no])
        let task = Task { try await run(json(5, #","stopOnFailure":true"#), engine, slots: SlotShares(slots: 3)) }
        try await until { engine.seen.count == 2 && engine.running == 1 }
        gate.open()
        let result = try await task.value
        #expect(verdicts(result) == ["nonzero_exit"] + Array(repeating: "skipped", count: 4))
        #expect(result.status == .nonzeroExit)
        #expect(result.cases?.results[1].stdout.isEmpty == true)
    }

    @Test("what has not come to its end when the time of all cases is over is skipped, and nothing of it judged")
    func overdue() async throws {
        let clock = ManualClock()
        let gate = Gate()
        let engine = TableEngine(byInput: [
            "0": Self.yes, "1": .held(gate, .untilCancelled), "2": .untilCancelled, "3": .untilCancelled,
        ])
        let slots = SlotShares(slots: 3)
        let time = CaseTime(limit: .seconds(300), clock: clock)
        let task = Task { try await run(json(9), engine, slots: slots, caseTime: time) }
        try await until { engine.seen.count == 3 && engine.running == 2 }
        clock.advance(by: .milliseconds(299_999))
        #expect(engine.cancellations == 0)
        clock.advance(by: .milliseconds(1))
        try await until { engine.cancellations == 1 }
        gate.open()
        let result = try await task.value
        #expect(verdicts(result) == ["accepted"] + Array(repeating: "skipped", count: 8))
        let words = "not run to its end: the 300000 ms for all cases were over"
        #expect(result.cases?.results.map(\.message) == [nil] + Array(repeating: words, count: 8))
        #expect(result.cases?.results.allSatisfy { $0.verdict != .skipped || $0.status == nil } == true)
        #expect(result.cases?.summary.skipped == 8 && result.cases?.summary.failed == 0)
        #expect(result.status == .wallTimeLimit && result.exitCode == nil)
        #expect(result.evidence.firedLimit == "jobTimeMs" && result.evidence.firedAtMs == 300_000)
        #expect(result.message == "the 300000 ms for all its cases were over before each had come to its end")
        #expect(engine.seen.count == 3)
        #expect(slots.figures.taken == 0)
        #expect(clock.sleepers == 0)
    }

    @Test("a job that is done just before is judged as ever, and waits for memory do not count")
    func inTime() async throws {
        let clock = ManualClock()
        let (first, second) = (Gate(), Gate())
        let engine = TableEngine(byInput: ["0": .held(first, Self.yes), "1": .held(second, Self.no)])
        let memory = MemoryBudget(bytes: 128 << 20)
        let time = CaseTime(limit: .seconds(300), clock: clock)
        let task = Task { try await run(json(2), engine, memory: memory, caseTime: time) }
        try await until { engine.running == 1 && clock.sleepers == 1 }
        // Somebody else gets the memory between the two cases, and has it for longer than the job may take.
        let held = Gate()
        let other = Task { try await memory.holding(128 << 20) { await held.pass() } }
        try await until { memory.figures.waiting == 1 }
        clock.advance(by: .seconds(200))
        first.open()
        try await until { memory.figures.waits == 2 }
        clock.advance(by: .seconds(500))
        held.open()
        _ = try await other.value
        try await until { engine.running == 1 }
        clock.advance(by: .milliseconds(99_999))
        second.open()
        let result = try await task.value
        #expect(verdicts(result) == ["accepted", "wrong_answer"])
        #expect(result.status == .ok && result.message == nil && result.evidence.firedLimit == nil)
        #expect(result.queueTimeMs == 500_000)
        #expect(clock.sleepers == 0 && memory.figures.taken == 0)
    }

    @Test("after a failure that stops the rest there is nothing that the time could be too short for")
    func stoppedInTime() async throws {
        let clock = ManualClock()
        let gate = Gate()
        let engine = TableEngine(byInput: ["0": .held(gate, Self.no)])
        let time = CaseTime(limit: .seconds(1), clock: clock)
        let task = Task { try await run(json(2, #","stopOnFailure":true"#), engine, caseTime: time) }
        try await until { engine.running == 1 }
        clock.advance(by: .seconds(2))
        gate.open()
        let result = try await task.value
        // The verdict was there when the time was over, and stays.
        #expect(verdicts(result) == ["wrong_answer", "skipped"])
        #expect(result.status == .ok && result.cases?.results[1].message == nil)
    }

    @Test("a cancelled job's cases are ended, and no other begins")
    func cancelled() async throws {
        let engine = TableEngine(byInput: ["0": Self.yes, "1": .untilCancelled, "2": .untilCancelled])
        let slots = SlotShares(slots: 3)
        let task = Task { try await run(json(9), engine, slots: slots) }
        try await until { engine.seen.count == 3 && engine.running == 2 }
        task.cancel()
        let result = try await task.value
        #expect(result.status == .cancelled)
        #expect(result.message == "case 1: cancelled while it ran")
        #expect(verdicts(result) == ["accepted", "cancelled", "cancelled"] + Array(repeating: "skipped", count: 6))
        #expect(engine.cancellations == 2)
        #expect(engine.seen.count == 3)
        #expect(slots.figures.taken == 0)
    }

    @Test("an engine that fails in one case fails the job; the others are ended")
    func engineFails() async throws {
        let gate = Gate()
        let failure = TableEngine.Row.failure(IsolationError(.slotDied, "the slot has ended"))
        let engine = TableEngine(byInput: [
            "0": .outcome(Samples.outcome(.exited(1))), "1": .held(gate, failure), "2": .untilCancelled,
        ])
        let slots = SlotShares(slots: 3)
        let task = Task { try await run(json(9), engine, slots: slots) }
        try await until { engine.seen.count == 3 && engine.running == 2 }
        gate.open()
        let result = try await task.value
        #expect(result.status == .internalError)
        #expect(result.message == "the slot has ended")
        #expect(result.exitCode == nil)
        #expect(verdicts(result) == ["nonzero_exit", "internal_error"] + Array(repeating: "skipped", count: 7))
        #expect(engine.cancellations == 1)
        #expect(engine.seen.count == 3)
        #expect(slots.figures.taken == 0)
    }

    @Test("a job whose engine failed in one case is tried again from the first")
    func retried() async throws {
        let engine = TableEngine(
            Self.yes, .failure(IsolationError(.slotDied, "the slot has ended")), Self.yes, Self.yes)
        let queue = EmbeddedJobQueue()
        let worker = WorkerService(
            queue: queue, runner: Samples.runner(engine), name: "here", concurrency: 1,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await worker.run() }
        let request = #"{"language":"python","code":"x","cases":[{"expectedOutput":"yes"},{"expectedOutput":"yes"}]}"#
        try await queue.add(NewJob(id: "j-1", request: Data(request.utf8), attempts: 2))
        let result = try #require(try await queue.result(of: "j-1", waitingAtMost: .seconds(30)))
        #expect(result.attempt == 2)
        #expect(verdicts(result) == ["accepted", "accepted"])
        #expect(engine.seen.count == 4)
        running.cancel()
        await queue.close()
        _ = await running.result
    }

    @Test("what is started ahead serves cases without arguments")
    func ahead() async throws {
        var language = Samples.python
        language.ahead = .init(opens: "{file}")
        let engine = TableEngine(Self.yes, Self.yes)
        let runner = JobRunner(
            engine: engine,
            languages: ServedLanguages(images: [("default", [language])], policies: ["default"]),
            maxima: Samples.maxima, worker: "here")
        let request = #"{"language":"python","code":"x","cases":[{"stdin":"1"},{"args":["a"]}]}"#
        _ = try await runner.run(json: Data(request.utf8), .init(id: "j-1"))
        #expect(engine.seen.map { $0.ahead != nil } == [true, false])
    }
}
