import Foundation
import Jobs
import Testing

@testable import Isolation
@testable import Worker

@Suite("Memory budget", .timeLimit(.minutes(1)))
struct MemoryBudgetTests {
    private static let ran = TableEngine.Row.outcome(Samples.outcome(output: "ran"))

    private func run(
        _ engine: TableEngine, _ budget: MemoryBudget, mebibytes: Int = 128
    ) async throws -> ExecutionResult {
        let json = #"{"language":"python","code":"x","limits":{"memoryBytes":\#(mebibytes << 20)}}"#
        return await Samples.runner(engine, memory: budget).run(
            try Samples.request(json), .init(id: "j-1", queueTimeMs: 1))
    }

    /// A job in a task of its own, begun as soon as the engine or the line has it.
    private func start(
        _ engine: TableEngine, _ budget: MemoryBudget, mebibytes: Int = 128
    ) async throws -> Task<ExecutionResult, any Error> {
        let (runs, waiting) = (engine.seen.count, budget.figures.waiting)
        let task = Task { try await run(engine, budget, mebibytes: mebibytes) }
        try await until { engine.seen.count > runs || budget.figures.waiting > waiting }
        return task
    }

    /// The memory limits of the programs that were started, in MiB.
    private func started(_ engine: TableEngine) -> [UInt64] { engine.seen.map { $0.limits.memory >> 20 } }

    @Test("a program that does not fit beside those that run waits; the wait is time in the queue and no wall time")
    func waits() async throws {
        let gate = Gate()
        let engine = TableEngine(.held(gate, Self.ran), .held(gate, Self.ran), Self.ran)
        let budget = MemoryBudget(bytes: 300 << 20)
        let first = [try await start(engine, budget), try await start(engine, budget)]
        let third = try await start(engine, budget)
        #expect(budget.figures.waiting == 1)
        try await Task.sleep(for: .milliseconds(60))
        #expect(engine.seen.count == 2)
        gate.open()
        try await until { engine.seen.count == 3 }
        for task in first { #expect(try await task.value.queueTimeMs < 50) }
        let result = try await third.value
        #expect(result.status == .ok)
        #expect(result.queueTimeMs >= 61)
        #expect(result.wallTimeMs == 4.2)
        #expect(budget.figures == .init(taken: 0, peak: 256 << 20, waiting: 0, waits: 1))
    }

    @Test("first come, first served: small ones that would fit do not pass a large one")
    func inOrder() async throws {
        let (first, second) = (Gate(), Gate())
        let engine = TableEngine(.held(first, Self.ran), .held(second, Self.ran), Self.ran, Self.ran)
        let budget = MemoryBudget(bytes: 256 << 20)
        let small = try await start(engine, budget)
        let large = try await start(engine, budget, mebibytes: 256)
        let late = [
            try await start(engine, budget, mebibytes: 16), try await start(engine, budget, mebibytes: 32),
        ]
        #expect(budget.figures.waiting == 3)
        #expect(started(engine) == [128])
        first.open()
        #expect(try await small.value.status == .ok)
        try await until { engine.seen.count == 2 }
        #expect(started(engine) == [128, 256])
        #expect(budget.figures.waiting == 2)
        second.open()
        try await until { engine.seen.count == 4 }
        for task in [large] + late { #expect(try await task.value.status == .ok) }
        #expect(Set(started(engine)[2...]) == [16, 32])
        #expect(budget.figures.peak == 256 << 20)
    }

    @Test("a cancelled job leaves the line without having run, and lets those behind it in")
    func cancels() async throws {
        let gate = Gate()
        let engine = TableEngine(.held(gate, Self.ran), Self.ran)
        let budget = MemoryBudget(bytes: 256 << 20)
        let first = try await start(engine, budget)
        let large = try await start(engine, budget, mebibytes: 256)
        let last = try await start(engine, budget)
        #expect(budget.figures.waiting == 2)
        large.cancel()
        try await until { budget.figures.waiting == 0 }
        let cancelled = try await large.value
        #expect(cancelled.status == .cancelled)
        #expect(cancelled.message == "cancelled before it ran")
        #expect(cancelled.queueTimeMs > 1)
        #expect(try await last.value.status == .ok)
        #expect(started(engine) == [128, 128])
        gate.open()
        #expect(try await first.value.status == .ok)
        #expect(budget.figures.taken == 0)
    }

    @Test("what the whole budget does not hold is refused in words, and nothing runs")
    func tooLarge() async throws {
        let engine = TableEngine(Self.ran)
        let budget = MemoryBudget(bytes: 64 << 20)
        let result = try await run(engine, budget)
        #expect(result.status == .internalError)
        #expect(result.message == "needs 134217728 bytes of memory, and all programs together may take 67108864")
        #expect(engine.seen.isEmpty)
    }

    @Test("memory comes back whatever the engine says")
    func comesBack() async throws {
        let engine = TableEngine(.failure(IsolationError(.slotDied, "the slot has ended")), Self.ran)
        let budget = MemoryBudget(bytes: 128 << 20)
        #expect(try await run(engine, budget).status == .internalError)
        #expect(budget.figures.taken == 0)
        #expect(try await run(engine, budget).status == .ok)
    }

    @Test("each stage takes its own limit, and gives it back before the next")
    func stages() async throws {
        let gate = Gate()
        let engine = TableEngine(
            .outcome(Samples.outcome(files: [Samples.product])), .held(gate, Self.ran))
        let budget = MemoryBudget(bytes: 512 << 20)
        let runner = Samples.runner(engine, memory: budget)
        let request = try Samples.request(#"{"language":"c","code":"x"}"#)
        let job = Task { await runner.run(request, .init(id: "j-1")) }
        try await until { engine.seen.count == 2 }
        #expect(budget.figures.peak == 512 << 20)
        #expect(budget.figures.taken == 128 << 20)
        gate.open()
        #expect(await job.value.status == .ok)
        #expect(budget.figures.taken == 0)
    }

    @Test("random programs in any order stay within the budget, and all get their turn")
    func random() async throws {
        let budget = MemoryBudget(bytes: 100)
        let wishes = (0..<300).map { _ in UInt64.random(in: 1...100) }
        let served = try await withThrowingTaskGroup(of: Bool.self) { group in
            for wish in wishes {
                group.addTask {
                    try await budget.holding(wish) { () async throws(IsolationError) in await Task.yield() } != nil
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(served == wishes.count)
        #expect(budget.figures.peak <= 100)
        #expect(budget.figures.taken == 0)
        #expect(budget.figures.waiting == 0)
    }

    @Test("a budget must hold one stage of every language at its usual limits")
    func need() {
        #expect(ServedLanguages.memoryNeeded(by: [Samples.python]) == 128 << 20)
        #expect(ServedLanguages.memoryNeeded(by: [Samples.python, Samples.c]) == 512 << 20)
        var java = Samples.java
        java.memoryBytes = 768 << 20
        #expect(ServedLanguages.memoryNeeded(by: [java]) == 768 << 20)
        java.compileMemoryBytes = 1 << 30
        #expect(ServedLanguages.memoryNeeded(by: [Samples.c, java]) == 1 << 30)
    }
}
