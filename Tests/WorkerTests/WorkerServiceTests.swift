import Foundation
import JobQueue
import Jobs
import Logging
import ServiceLifecycle
import Testing

@testable import Isolation
@testable import Worker

@Suite("Worker service", .timeLimit(.minutes(1)))
struct WorkerServiceTests {
    private static let hello = #"{"language":"python","code":"print('hello')"}"#

    /// Runs `test` beside a worker that takes from `queue`, closes the queue, and waits for the worker's end.
    private func withWorker(
        _ engine: TableEngine, concurrency: Int = 2, options: QueueOptions = QueueOptions(),
        memory: MemoryBudget? = nil,
        seenAs: (EmbeddedJobQueue) -> any JobQueue = { $0 },
        _ test: @escaping @Sendable (EmbeddedJobQueue) async throws -> Void
    ) async throws {
        let queue = EmbeddedJobQueue(options: options)
        let worker = service(engine, seenAs(queue), concurrency: concurrency, memory: memory)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: Self.silent))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do { try await test(queue) } catch {
                await queue.close()
                await group.triggerGracefulShutdown()
                throw error
            }
            await queue.close()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func service(
        _ engine: TableEngine, _ queue: any JobQueue, concurrency: Int, memory: MemoryBudget? = nil
    ) -> WorkerService {
        WorkerService(
            queue: queue, runner: Samples.runner(engine, memory: memory), name: "here", concurrency: concurrency,
            logger: Self.silent)
    }

    private func add(_ queue: EmbeddedJobQueue, _ id: String, _ request: String = hello, attempts: Int = 1) async throws
    {
        try await queue.add(NewJob(id: id, request: Data(request.utf8), attempts: attempts))
    }

    private func result(_ queue: EmbeddedJobQueue, _ id: String) async throws -> ExecutionResult {
        try #require(try await queue.result(of: id, waitingAtMost: .seconds(30)))
    }

    @Test("a job is completed with its result")
    func completes() async throws {
        let engine = TableEngine(.outcome(Samples.outcome(output: "hello\n")))
        try await withWorker(engine) { queue in
            try await add(queue, "a")
            let result = try await result(queue, "a")
            #expect(result.status == .ok)
            #expect(result.stdout == "hello\n")
            #expect(result.id == "a")
            #expect(result.attempt == 1)
            #expect(result.worker == "here")
            #expect(result.queueTimeMs >= 0)
            #expect(await queue.job("a")?.state == .finished)
        }
        #expect(engine.seen.count == 1)
    }

    @Test("a verdict about the program is never tried again, whatever attempts the job allows")
    func verdictsAreFinal() async throws {
        let engine = TableEngine(.outcome(Samples.outcome(.exited(3))), .outcome(Samples.outcome(.exited(1))))
        try await withWorker(engine) { queue in
            try await add(queue, "a", attempts: 5)
            #expect(try await result(queue, "a").status == .nonzeroExit)
            try await add(queue, "b", #"{"language":"c","code":"x"}"#, attempts: 5)
            #expect(try await result(queue, "b").status == .compileError)
        }
        #expect(engine.seen.count == 2)
    }

    @Test("an internal_error without attempts left is the job's answer")
    func fails() async throws {
        let engine = TableEngine(.failure(IsolationError(.step, "pivot_root: Invalid argument")))
        try await withWorker(engine) { queue in
            try await add(queue, "a")
            let result = try await result(queue, "a")
            #expect(result.status == .internalError)
            #expect(result.message == "pivot_root: Invalid argument")
        }
    }

    @Test("while the engine can run nothing, jobs stay in the queue; then they are run")
    func waitsForTheEngine() async throws {
        let engine = TableEngine(.outcome(Samples.outcome(output: "hello")))
        engine.isUsable = false
        try await withWorker(engine) { queue in
            try await add(queue, "a")
            #expect(try await queue.result(of: "a", waitingAtMost: .milliseconds(500)) == nil)
            #expect(await queue.job("a")?.state == .queued)
            engine.isUsable = true
            #expect(try await result(queue, "a").stdout == "hello")
        }
    }

    @Test("a worker whose engine can run nothing ends when it is told to")
    func endsWithoutEngine() async throws {
        let engine = TableEngine()
        engine.isUsable = false
        try await withWorker(engine) { _ in }
        #expect(engine.seen.isEmpty)
    }

    @Test("an internal_error is tried again while the job allows it")
    func retries() async throws {
        let engine = TableEngine(
            .failure(IsolationError(.slotDied, "the slot has ended")),
            .failure(IsolationError(.slotDied, "the slot has ended")),
            .outcome(Samples.outcome(output: "third")))
        try await withWorker(engine) { queue in
            try await add(queue, "a", attempts: 3)
            let result = try await result(queue, "a")
            #expect(result.status == .ok)
            #expect(result.stdout == "third")
            #expect(result.attempt == 3)
        }
        #expect(engine.seen.count == 3)
    }

    @Test("attempts come to an end")
    func retriesEnd() async throws {
        let engine = TableEngine(
            .failure(IsolationError(.slotDied, "first")), .failure(IsolationError(.slotDied, "second")),
            .outcome(Samples.outcome()))
        try await withWorker(engine) { queue in
            try await add(queue, "a", attempts: 2)
            let result = try await result(queue, "a")
            #expect(result.status == .internalError)
            #expect(result.message == "second")
            #expect(result.attempt == 2)
        }
        #expect(engine.seen.count == 2)
    }

    @Test("an invalid request is never tried again, and its answer says what is wrong")
    func invalid() async throws {
        let engine = TableEngine(.outcome(Samples.outcome()))
        try await withWorker(engine) { queue in
            try await add(
                queue, "a", #"{"language":"python","code":"x","limits":{"processes":0},"metadata":{"m":1}}"#,
                attempts: 5)
            let result = try await result(queue, "a")
            #expect(result.status == .internalError)
            let message = try #require(result.message)
            #expect(message.hasPrefix("invalid request: "))
            #expect(message.contains("#/limits/processes"))
            // No Swift type's name, no dump of a structure.
            #expect(!message.contains("FieldProblem"))
            #expect(result.language == "python")
            #expect(result.metadata == ["m": .integer(1)])
            #expect(result.attempt == 1)
        }
        #expect(engine.seen.isEmpty)
    }

    private static let interactive = #"{"language":"python","code":"x","stdin":"first","interactive":true}"#

    @Test("an interactive job reads what it is sent behind its stdin, and is followed")
    func interactive() async throws {
        let gate = Gate()
        let engine = TableEngine(.held(gate, .outcome(Samples.outcome(output: "hello\n"))))
        try await withWorker(engine) { queue in
            try await queue.add(NewJob(id: "a", request: Data(Self.interactive.utf8), isInteractive: true))
            #expect(await queue.send(Array("second".utf8), isEnd: true, toInputOf: "a") == .taken)
            let feed = try await queue.follow("a", after: .queued)
            await engine.waitForRun()
            let seen = try #require(engine.seen.first)
            guard case .live(let input) = seen.standardInput else {
                Issue.record("not live")
                return gate.open()
            }
            #expect(input.beginning == Array("first".utf8))
            let sent = input.take()
            #expect(sent.bytes == Array("second".utf8) && sent.isOver)
            #expect(seen.ahead == nil)
            let events = try await feed.next(waitingAtMost: .seconds(30))
            #expect(events == [.started(1, worker: "here"), .stage(.run, of: 1)])
            gate.open()
            #expect(try await result(queue, "a").status == .ok)
        }
    }

    @Test("an interactive job is not run again, nor one that nobody could send to; no other worker is asked")
    func notAgain() async throws {
        let engine = TableEngine()
        let queue = EmbeddedJobQueue()
        try await queue.add(
            NewJob(id: "a", request: Data(Self.interactive.utf8), attempts: 3, isInteractive: true))
        let lease = try await queue.take(by: "dead")
        let failure = ExecutionResult(
            notRun: "a", status: .internalError, message: "x", request: lease.request, attempt: 1)
        _ = try await queue.fail(lease.token, reason: "x", result: failure, mayRetry: true)
        try await queue.add(NewJob(id: "b", request: Data(Self.interactive.utf8), attempts: 3))
        let worker = WorkerService(
            queue: queue, runner: Samples.runner(engine), name: "here", concurrency: 1, logger: Self.silent,
            canRunElsewhere: { _ in true })
        let working = Task { try await worker.run() }
        let again = try await result(queue, "a")
        #expect(again.status == .internalError && again.attempt == 2)
        #expect(again.message?.contains("not run again") == true)
        let unreachable = try await result(queue, "b")
        #expect(unreachable.status == .internalError && unreachable.attempt == 1)
        #expect(unreachable.message?.contains("POST /api/jobs") == true)
        #expect(engine.seen.isEmpty)
        await queue.close()
        working.cancel()
        _ = await working.result
    }

    @Test("what another worker can run is passed on until that one takes it; what nobody can run is failed")
    func passesOn() async throws {
        let queue = EmbeddedJobQueue()
        var larger = Samples.maxima
        larger.cpus = 16
        let offers = [(Samples.maxima, "small"), (larger, "large")]
        let offer = Offer(offers.map { WorkerOffer(languages: Samples.languages.all, maxima: $0.0) })
        let engines = offers.map { _ in TableEngine(.outcome(Samples.outcome(output: "hello\n"))) }
        let workers = zip(offers, engines).map { own, engine in
            WorkerService(
                queue: queue,
                runner: JobRunner(
                    engine: engine, languages: Samples.languages, maxima: own.0, worker: own.1), name: own.1,
                concurrency: 1, logger: Self.silent,
                canRunElsewhere: { request in
                    do {
                        _ = try ExecutionRequest(json: request, offer: offer)
                        return true
                    } catch {
                        return false
                    }
                })
        }
        // The small one is alone at first: it must take the job, and not keep it.
        let small = Task { try await workers[0].run() }
        try await add(queue, "a", #"{"language":"python","code":"x","limits":{"cpus":16}}"#)
        try await add(queue, "b")
        #expect(try await result(queue, "b").worker == "small")
        #expect(await queue.job("a")?.state != .finished)
        let large = Task { try await workers[1].run() }
        let passedOn = try await result(queue, "a")
        #expect(passedOn.worker == "large")
        #expect(passedOn.attempt == 1)
        try await add(queue, "c", #"{"language":"python","code":"x","limits":{"cpus":17}}"#, attempts: 5)
        #expect(try await result(queue, "c").message?.contains("#/limits/cpus") == true)
        await queue.close()
        small.cancel()
        large.cancel()
        _ = await (small.result, large.result)
        #expect(engines.map(\.seen.count) == [1, 1])
    }

    @Test("cancelling a job that runs cancels the engine's task; the job is not tried again")
    func cancels() async throws {
        let engine = TableEngine(.untilCancelled, .outcome(Samples.outcome()))
        try await withWorker(engine) { queue in
            try await add(queue, "a", attempts: 5)
            await engine.waitForRun()
            #expect(await queue.cancel("a") == .requested)
            let result = try await result(queue, "a")
            #expect(result.status == .cancelled)
            #expect(result.message == "cancelled while it ran")
        }
        #expect(engine.cancellations == 1)
        #expect(engine.seen.count == 1)
    }

    @Test("a lease is kept for as long as its job runs")
    func keeps() async throws {
        let engine = TableEngine(.untilCancelled)
        // A lease of 300 ms, held for over four times as long: without renewals the queue would take the job away.
        try await withWorker(engine, options: QueueOptions(lockDuration: .milliseconds(300), maxStalls: 0)) { queue in
            try await add(queue, "a")
            await engine.waitForRun()
            #expect(try await queue.result(of: "a", waitingAtMost: .milliseconds(1_300)) == nil)
            #expect(await queue.job("a")?.state == .running)
            #expect(await queue.job("a")?.attempt == 1)
            #expect(await queue.cancel("a") == .requested)
            #expect(try await result(queue, "a").status == .cancelled)
        }
    }

    @Test("a lease is kept for as long as its job waits for memory, and a cancel ends that wait")
    func keepsWaiting() async throws {
        let engine = TableEngine()
        let budget = MemoryBudget(bytes: 128 << 20)
        let gate = Gate()
        let other = Task {
            try await budget.holding(1) { () async throws(IsolationError) in await gate.pass() }
        }
        try await until { budget.figures.taken == 1 }
        try await withWorker(
            engine, options: QueueOptions(lockDuration: .milliseconds(300), maxStalls: 0), memory: budget
        ) { queue in
            try await add(queue, "a")
            try await until { budget.figures.waiting == 1 }
            #expect(try await queue.result(of: "a", waitingAtMost: .milliseconds(1_300)) == nil)
            #expect(await queue.job("a")?.state == .running)
            #expect(await queue.job("a")?.attempt == 1)
            #expect(await queue.cancel("a") == .requested)
            #expect(try await result(queue, "a").status == .cancelled)
        }
        #expect(engine.seen.isEmpty)
        #expect(budget.figures.waiting == 0)
        gate.open()
        _ = try await other.value
    }

    @Test("a queue that is away when the lease should be renewed is asked again soon")
    func keepsAfterFailures() async throws {
        let engine = TableEngine(.untilCancelled)
        // Asked every third of the lease only, the fourth answer would come when it has run out.
        try await withWorker(
            engine, options: QueueOptions(lockDuration: .seconds(3), maxStalls: 0),
            seenAs: { AwayQueue(queue: $0, failures: 3) }
        ) { queue in
            try await add(queue, "a")
            await engine.waitForRun()
            #expect(try await queue.result(of: "a", waitingAtMost: .milliseconds(3_500)) == nil)
            #expect(await queue.job("a")?.state == .running)
            #expect(await queue.cancel("a") == .requested)
            #expect(try await result(queue, "a").status == .cancelled)
        }
    }

    @Test("a job whose engine ended under it is not failed: another worker will find it")
    func leavesBehind() async throws {
        let engine = TableEngine(.end(IsolationError(.launcherDied, "the launcher has ended")))
        try await withWorker(engine) { queue in
            try await add(queue, "a", attempts: 1)
            await engine.waitForRun()
            #expect(try await queue.result(of: "a", waitingAtMost: .milliseconds(500)) == nil)
            #expect(await queue.job("a")?.state == .running)
        }
    }

    @Test("as many jobs run at once as the worker may, and no more")
    func concurrency() async throws {
        let engine = TableEngine(.untilCancelled, .untilCancelled, .outcome(Samples.outcome()))
        try await withWorker(engine, concurrency: 2) { queue in
            for id in ["a", "b", "c"] { try await add(queue, id) }
            while await queue.counts().running < 2 { try await Task.sleep(for: .milliseconds(5)) }
            while engine.seen.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(await queue.counts() == QueueCounts(queued: 1, running: 2))
            #expect(await queue.cancel("b") == .requested)
            #expect(try await result(queue, "c").status == .ok)
            #expect(await queue.cancel("a") == .requested)
            #expect(try await result(queue, "a").status == .cancelled)
        }
    }

    @Test("a queue that drains gives out no job; the one that runs is finished, and then the worker ends")
    func drains() async throws {
        let engine = TableEngine(.untilCancelled, .outcome(Samples.outcome()))
        try await withWorker(engine, concurrency: 1) { queue in
            try await add(queue, "a")
            try await add(queue, "b")
            await engine.waitForRun()
            await queue.drain()
            #expect(await queue.job("a")?.state == .running)
            #expect(await queue.cancel("a") == .requested)
            #expect(try await result(queue, "a").status == .cancelled)
            #expect(await queue.job("b")?.state == .queued)
        }
        #expect(engine.seen.count == 1)
    }

    @Test("a worker that is stopped, not shut down, ends the jobs that run")
    func stops() async throws {
        let engine = TableEngine(.untilCancelled)
        let queue = EmbeddedJobQueue()
        let worker = service(engine, queue, concurrency: 1)
        let task = Task { try await worker.run() }
        try await add(queue, "a")
        await engine.waitForRun()
        task.cancel()
        // Comes back at all: the job would otherwise run for a day.
        _ = await task.result
        #expect(engine.cancellations == 1)
        #expect(await queue.job("a")?.result?.status == .cancelled)
        await queue.close()
    }
}
