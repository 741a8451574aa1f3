import Foundation
import JobQueue
import Jobs
import Logging
import RedisTestServer
import Testing

@testable import RedisJobQueue

/// Beside BullMQ's official client on one queue, in every role that it has.
@Suite(
    "Interoperation with BullMQ", .timeLimit(.minutes(2)), .serialized,
    .enabled(if: RedisTestServer.shared != nil && OfficialClient.python != nil))
struct InteropTests {
    private let place: QueueOnServer

    init() throws {
        place = QueueOnServer(server: try #require(RedisTestServer.shared))
    }

    private func start() async throws -> (queue: RedisJobQueue, client: OfficialClient) {
        (try place.queue(), try await OfficialClient(on: place.server, queue: place.name))
    }

    private let request: JSONValue = .object(["language": .string("c"), "code": .string("main(){}")])

    @Test("a job of the official producer is taken, and its listener hears the result as an object")
    func completes() async throws {
        let (queue, client) = try await start()
        let id = try #require(try await client("add", ["data": request]).text)
        let lease = try await queue.take(by: "ours")
        #expect(lease.id == id)
        #expect(try JSONValue(parsing: Array(lease.request)) == request)
        #expect(try await client("job", ["id": .string(id)])["state"].text == "active")
        try await queue.complete(lease.token, with: .sample(id, stdout: "héllo\u{1}\n"))
        let heard = try await client("hears", ["event": .string("completed"), "id": .string(id)])
        #expect(heard["returnvalue"]["stdout"].text == "héllo\u{1}\n")
        #expect(heard["prev"].text == "active")
        let job = try await client("job", ["id": .string(id)])
        #expect(job["state"].text == "completed")
        #expect(job["returnvalue"]["status"].text == "ok")
        #expect(job["attemptsMade"].integer == 1)
        let counts = try await client("counts")
        #expect(counts["completed"].integer == 1)
        #expect(counts["active"].integer == 0)
        #expect(
            try await client("events", ["id": .string(id)])
                == .array(["added", "waiting", "active", "completed"].map(JSONValue.string)))
        await queue.close()
    }

    @Test("a failure has a plain reason, is tried as often as the producer says, and then is failed")
    func retries() async throws {
        let (queue, client) = try await start()
        let id = try #require(
            try await client("add", ["data": request, "opts": .object(["attempts": .integer(2)])]).text)
        for attempt in 1...2 {
            let lease = try await queue.take(by: "ours")
            #expect(lease.attempt == attempt)
            let result = ExecutionResult.sample(id, .internalError, attempt: attempt)
            let fate = try await queue.fail(lease.token, reason: "engine: no slot", result: result, mayRetry: true)
            #expect(fate == (attempt == 1 ? .willRetry : .finished))
        }
        let heard = try await client("hears", ["event": .string("failed"), "id": .string(id)])
        #expect(heard["failedReason"].text == "engine: no slot")
        _ = try await client("hears", ["event": .string("retries-exhausted"), "id": .string(id)])
        let job = try await client("job", ["id": .string(id)])
        #expect(job["state"].text == "failed")
        #expect(job["failedReason"].text == "engine: no slot")
        #expect(job["attemptsMade"].integer == 2)
        #expect(job["stacktrace"] == .array([.string("engine: no slot")]))
        #expect(try await client("counts")["failed"].integer == 1)
        #expect(try await queue.job(id)?.result?.attempt == 2)
        // Its own way to try again.
        try await client("retry", ["id": .string(id)])
        let again = try await queue.take(by: "ours")
        try await queue.complete(again.token, with: .sample(id))
        #expect(try await client("job", ["id": .string(id)])["state"].text == "completed")
        #expect(try await queue.job(id)?.result?.status == .ok)
        await queue.close()
    }

    @Test("back-off goes through delayed and comes back")
    func backsOff() async throws {
        let (queue, client) = try await start()
        let wishes: JSONValue = .object([
            "attempts": .integer(3),
            "backoff": .object(["type": .string("exponential"), "delay": .integer(300)]),
        ])
        let id = try #require(try await client("add", ["data": request, "opts": wishes]).text)
        var waits: [Duration] = []
        for attempt in 1...3 {
            let began = ContinuousClock.now
            let lease = try await queue.take(by: "ours")
            waits.append(.now - began)
            #expect(lease.attempt == attempt)
            let result = ExecutionResult.sample(id, .internalError, attempt: attempt)
            _ = try await queue.fail(lease.token, reason: "x", result: result, mayRetry: true)
            if attempt < 3 { #expect(try await client("job", ["id": .string(id)])["state"].text == "delayed") }
        }
        #expect((Duration.milliseconds(250)...Duration.milliseconds(1_000)).contains(waits[1]), "\(waits)")
        #expect((Duration.milliseconds(550)...Duration.milliseconds(1_500)).contains(waits[2]), "\(waits)")
        #expect(try await client("job", ["id": .string(id)])["state"].text == "failed")
        await queue.close()
    }

    @Test("priority, delay and last-in-first-out are honoured")
    func orders() async throws {
        let (queue, client) = try await start()
        func add(_ wishes: JSONObject) async throws -> String {
            try #require(try await client("add", ["data": request, "opts": .object(wishes)]).text)
        }
        let delayed = try await add(["delay": .integer(700)])
        let low = try await add(["priority": .integer(9)])
        let high = try await add(["priority": .integer(1)])
        let first = try await add([:])
        let jumped = try await add(["lifo": .bool(true)])
        var taken: [String] = []
        for _ in 0..<5 {
            let lease = try await queue.take(by: "ours")
            taken.append(lease.id)
            try await queue.complete(lease.token, with: .sample(lease.id))
        }
        #expect(taken == [jumped, first, high, low, delayed])
        await queue.close()
    }

    @Test("our jobs are BullMQ's: its queue shows them, its worker runs them, and we get to know")
    func isSeen() async throws {
        let (queue, client) = try await start()
        try await queue.add(.sample("j-one"))
        let job = try await client("job", ["id": .string("j-one")])
        #expect(job["name"].text == "execute")
        #expect(job["state"].text == "waiting")
        #expect(job["data"]["code"].text == "j-one")
        #expect(try await client("counts")["wait"].integer == 1)
        let waiting = Task { try await queue.result(of: "j-one", waitingAtMost: .seconds(30)) }
        try await client("work")
        let result = try #require(try await waiting.value)
        #expect(result.status == .internalError, "not a result of ours, and said so")
        #expect(try await queue.job("j-one")?.state == .finished)
        await queue.close()
    }

    @Test("what its client pauses is not taken until it resumes, also what is added meanwhile")
    func pauses() async throws {
        let (queue, client) = try await start()
        try await client("pause")
        let id = try #require(try await client("add", ["data": request]).text)
        try await queue.add(.sample("j-paused"))
        let taking = Task { try await queue.take(by: "ours") }
        try await Task.sleep(for: .milliseconds(500))
        #expect(try await queue.counts() == QueueCounts(queued: 2, takers: 1))
        try await client("resume")
        #expect(try await taking.value.id == id)
        #expect(try await queue.take(by: "ours").id == "j-paused")
        await queue.close()
    }

    @Test("our pause and resume are heard by its listener, and its producer and worker keep to them")
    func ownPause() async throws {
        let (queue, client) = try await start()
        #expect(try await queue.pause())
        _ = try await client("hears", ["event": .string("paused"), "id": .null])
        let id = try #require(try await client("add", ["data": request]).text)
        try await queue.add(.sample("j-paused"))
        try await client("work")
        try await Task.sleep(for: .milliseconds(500))
        #expect(try await queue.counts() == QueueCounts(queued: 2))
        #expect(try await queue.resume())
        _ = try await client("hears", ["event": .string("resumed"), "id": .null])
        for id in [id, "j-paused"] {
            _ = try await client("hears", ["event": .string("completed"), "id": .string(id)])
        }
        _ = try await client("hears", ["event": .string("drained"), "id": .null])
        await queue.close()
    }

    @Test("a custom id names one job, whoever adds it")
    func customIDs() async throws {
        let (queue, client) = try await start()
        let wishes: JSONValue = .object(["jobId": .string("theirs")])
        #expect(try await client("add", ["data": request, "opts": wishes]).text == "theirs")
        #expect(try await client("add", ["data": request, "opts": wishes]).text == "theirs")
        await expectRefusal(.duplicateJob) { try await queue.add(.sample("theirs")) }
        _ = try await client("hears", ["event": .string("duplicated"), "id": .string("theirs")])
        try await queue.add(.sample("ours"))
        _ = try await client("add", ["data": request, "opts": .object(["jobId": .string("ours")])])
        #expect(try await queue.counts().queued == 2)
        for id in ["theirs", "ours"] {
            let lease = try await queue.take(by: "w")
            #expect(lease.id == id)
            try await queue.complete(lease.token, with: .sample(id))
        }
        #expect(try await client("job", ["id": .string("ours")])["state"].text == "completed")
        await queue.close()
    }

    @Test("what we try again is BullMQ's own job again, for its worker to run")
    func retriedByUs() async throws {
        let (queue, client) = try await start()
        let id = try #require(try await client("add", ["data": request]).text)
        let lease = try await queue.take(by: "ours")
        let failure = ExecutionResult.sample(id, .internalError)
        _ = try await queue.fail(lease.token, reason: "x", result: failure, mayRetry: true)
        _ = try await client("hears", ["event": .string("failed"), "id": .string(id)])
        #expect(try await queue.retry(id) == .retried)
        let job = try await client("job", ["id": .string(id)])
        #expect(job["state"].text == "waiting")
        #expect(job["failedReason"] == .null)
        try await client("work")
        let heard = try await client("hears", ["event": .string("completed"), "id": .string(id)])
        #expect(heard["returnvalue"]["by"].text == "bullmq")
        await queue.close()
    }

    @Test("the producer of docs/queue.md gets its answer")
    func documentedProducer() async throws {
        let code = try #require(try Documentation.queueCode("python"))
        let lines = code.split(separator: "\n").filter { !$0.contains("import") && !$0.isEmpty }
        #expect(lines.count <= 10)
        let queue = RedisJobQueue(
            server: try place.server.server(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let working = Task {
            let lease = try await queue.take(by: "w")
            try await queue.complete(lease.token, with: .sample(lease.id, stdout: "42\n"))
            return lease.request
        }
        let url = "redis://127.0.0.1:\(place.server.port)"
        let printed = try await OfficialClient.output(
            of: code + "\nasyncio.run(asyncio.wait_for(main(\"\(url)\"), 20))\n")
        #expect(printed == "42\n\n")
        let request = try JSONValue(parsing: Array(try await working.value))
        #expect(request["code"].text == "print(6 * 7)")
        await queue.close()
    }

    @Test("a job that our worker abandons is run by its worker")
    func isRecoveredByThem() async throws {
        let place = place
        let client = try await OfficialClient(on: place.server, queue: place.name)
        // Abandoned by a process that does not even sweep: its lock runs out.
        let lost = try place.queue(QueueOptions(lockDuration: .milliseconds(500))) { $0.sweepInterval = .seconds(600) }
        let id = try #require(
            try await client("add", ["data": request, "opts": .object(["attempts": .integer(2)])]).text)
        let lease = try await lost.take(by: "ours")
        try await client("work")
        let heard = try await client("hears", ["event": .string("completed"), "id": .string(id)])
        #expect(heard["returnvalue"]["by"].text == "bullmq")
        _ = try await client("hears", ["event": .string("stalled"), "id": .string(id)])
        // The first worker comes back too late.
        await expectRefusal(.staleLease) { try await lost.complete(lease.token, with: .sample(id)) }
        #expect(try await client("job", ["id": .string(id)])["returnvalue"]["by"].text == "bullmq")
        await lost.close()
    }

    @Test("a job that its worker abandons is run by ours")
    func isRecoveredByUs() async throws {
        let (queue, client) = try await start()
        let id = try #require(try await client("add", ["data": request]).text)
        try await client("work", ["hangs": .bool(true)])
        client.kill()
        let began = ContinuousClock.now
        let lease = try await queue.take(by: "ours")
        #expect(lease.id == id)
        #expect(lease.attempt == 2)
        // Its lock lasted one second, and we look every five.
        #expect(ContinuousClock.now - began < .seconds(9))
        try await queue.complete(lease.token, with: .sample(id, attempt: 2))
        let other = try await OfficialClient(on: place.server, queue: place.name)
        #expect(try await other("job", ["id": .string(id)])["state"].text == "completed")
        await queue.close()
    }

    @Test("another name is failed at once, whatever its attempts")
    func refusesNames() async throws {
        let (queue, client) = try await start()
        let id = try #require(
            try await client(
                "add", ["name": .string("email"), "data": request, "opts": .object(["attempts": .integer(5)])]
            ).text)
        let taking = Task { try await queue.take(by: "ours") }
        let heard = try await client("hears", ["event": .string("failed"), "id": .string(id)])
        #expect(heard["failedReason"].text?.contains("execute") == true)
        #expect(try await client("job", ["id": .string(id)])["state"].text == "failed")
        taking.cancel()
        await expectRefusal(.interrupted) { _ = try await taking.value }
        await queue.close()
    }

    @Test("a job's log says why attempts came to nothing, and what others wrote of it stays")
    func logs() async throws {
        let (queue, client) = try await start()
        let wishes: JSONObject = ["attempts": .integer(2)]
        let id = try #require(try await client("add", ["data": request, "opts": .object(wishes)]).text)
        try await client("note", ["id": .string(id)])
        let failure = ExecutionResult.sample(id, .internalError)
        var lease = try await queue.take(by: "ours")
        _ = try await queue.fail(lease.token, reason: "no slot", result: failure, mayRetry: true)
        _ = try await queue.take(by: "dying")
        try place.redis("DEL", "\(place.base)\(id):lock")
        try await queue.recoverStalled()
        lease = try await queue.take(by: "ours")
        _ = try await queue.fail(lease.token, reason: "no slot either", result: failure, mayRetry: true)
        let lines = [
            "by hand", "attempt 1 by ours: no slot", "attempt 2 by dying: stalled: its worker was heard of no more",
            "attempt 3 by ours: no slot either",
        ]
        #expect(try await client("logs", ["id": .string(id)]) == .array(lines.map { .string($0) }))
        #expect(try await client("progress", ["id": .string(id)])["by"].text == "hand")
        // As few as the producer wants.
        let short = try #require(
            try await client("add", ["data": request, "opts": .object(["keepLogs": .integer(1)])]).text)
        try await client("note", ["id": .string(short)])
        lease = try await queue.take(by: "ours")
        _ = try await queue.fail(lease.token, reason: "x", result: failure, mayRetry: true)
        #expect(try await client("logs", ["id": .string(short)]) == .array([.string("attempt 1 by ours: x")]))
        await queue.close()
    }

    @Test("a flow is refused with its reason, and its parent stays whole")
    func refusesFlows() async throws {
        let (queue, client) = try await start()
        let ids = try await client("flow")
        let child = try #require(ids["child"].text)
        let taking = Task { try await queue.take(by: "ours") }
        let heard = try await client("hears", ["event": .string("failed"), "id": .string(child)])
        #expect(heard["failedReason"].text?.contains("flow") == true)
        #expect(
            try await client("job", ["id": .string(try #require(ids["parent"].text))])["state"].text
                == "waiting-children")
        taking.cancel()
        await expectRefusal(.interrupted) { _ = try await taking.value }
        await queue.close()
    }

    @Test("a producer's removeOnComplete and removeOnFail are obeyed, and jobs of ours survive them")
    func retention() async throws {
        let (queue, client) = try await start()
        try await queue.add(.sample("j-ours"))
        let ours = try await queue.take(by: "ours")
        try await queue.complete(ours.token, with: .sample("j-ours"))
        func run(_ wishes: JSONObject, fails: Bool = false) async throws -> String {
            let id = try #require(try await client("add", ["data": request, "opts": .object(wishes)]).text)
            let lease = try await queue.take(by: "ours")
            if fails {
                let result = ExecutionResult.sample(id, .internalError)
                _ = try await queue.fail(lease.token, reason: "x", result: result, mayRetry: true)
            } else {
                try await queue.complete(lease.token, with: .sample(id))
            }
            return id
        }
        let gone = try await run(["removeOnComplete": .bool(true)])
        #expect(try await client("job", ["id": .string(gone)]) == .null)
        let failed = try await run(["removeOnFail": .bool(true)], fails: true)
        #expect(try await client("job", ["id": .string(failed)]) == .null)
        let old = try await run([:])
        try await Task.sleep(for: .milliseconds(5))
        _ = try await run(["removeOnComplete": .integer(1)])
        #expect(try await client("job", ["id": .string(old)]) == .null)
        #expect(try await queue.job("j-ours")?.state == .finished)
        // By age: what is older than so many seconds goes when the next one ends.
        let aged = try await run([:])
        try await Task.sleep(for: .milliseconds(1_100))
        let young = try await run([:])
        _ = try await run(["removeOnComplete": .object(["age": .integer(1)])])
        #expect(try await client("job", ["id": .string(aged)]) == .null)
        #expect(try await client("job", ["id": .string(young)])["state"].text == "completed")
        #expect(try await queue.job("j-ours")?.state == .finished)
        await queue.close()
    }
}
