import Foundation
import JobQueue
import Jobs
import RedisTestServer
import Testing

@testable import RedisJobQueue

/// A Redis that goes away, refuses, forgets, or is cut off in the middle.
@Suite("Faults of Redis", .timeLimit(.minutes(2)), .enabled(if: RedisTestServer.shared != nil))
struct FaultTests {
    private func place(_ arguments: [String] = []) throws -> QueueOnServer {
        QueueOnServer(server: try RedisTestServer(arguments))
    }

    /// Whether the job is there; without an error where Redis is not.
    private func isAdded(_ id: String, to queue: RedisJobQueue) async throws(QueueError) -> Bool {
        do {
            try await queue.add(.sample(id))
            return true
        } catch  where error.code == .unavailable {
            return false
        } catch  where error.code == .duplicateJob {
            return true
        }
    }

    @Test("scripts that the server forgot are loaded again")
    func scriptsFlushed() async throws {
        let place = QueueOnServer(server: try #require(RedisTestServer.shared))
        let queue = try place.queue()
        for id in ["j-a", "j-b"] {
            try await queue.add(.sample(id))
            try place.redis("SCRIPT", "FLUSH")
            let lease = try await queue.take(by: "w")
            try place.redis("SCRIPT", "FLUSH")
            try await queue.complete(lease.token, with: .sample(id))
        }
        #expect(try await queue.counts() == QueueCounts(finished: 2))
        await queue.close()
    }

    @Test("a connection that was killed is made again, and nobody notices")
    func connectionsKilled() async throws {
        let place = try place()
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        let waiting = Task { try await queue.result(of: "j-a", waitingAtMost: .seconds(30)) }
        let taking = Task { try await queue.take(by: "w") }
        try await eventually { try await queue.counts().takers == 1 }
        try place.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try place.redis("CLIENT", "KILL", "TYPE", "pubsub")
        try await queue.complete(lease.token, with: .sample("j-a"))
        #expect(try await waiting.value?.status == .ok)
        try await queue.add(.sample("j-b"))
        #expect(try await taking.value.id == "j-b")
        await queue.close()
    }

    @Test("a cancellation reaches the worker after its ears were cut off")
    func cancelsAfterReconnect() async throws {
        let place = try place()
        let worker = try place.queue()
        let api = try place.queue()
        try await api.add(.sample("j-a"))
        let lease = try await worker.take(by: "w")
        try place.redis("CLIENT", "KILL", "TYPE", "pubsub")
        #expect(try await api.cancel("j-a") == .requested)
        var signals = lease.signals.makeAsyncIterator()
        #expect(await signals.next() == .cancelRequested)
        await worker.close()
        await api.close()
    }

    /// Cuts each step's connection after Redis has done it and before its answer arrived.
    @Test("a step whose answer got lost is neither lost nor done twice")
    func answersLost() async throws {
        let place = try place()
        let proxy = try CuttingProxy(to: place.server.socketPath)
        let queue = try place.queue(at: try RedisServer(url: "unix://\(proxy.path)"))
        // Scripts are loaded and connections made before anything is cut.
        try await queue.add(.sample("j-warm"))
        let warm = try await queue.take(by: "w")
        try await queue.release(warm.token)
        let again = try await queue.take(by: "w")
        try await queue.renew(again.token)
        let failure = ExecutionResult.sample("j-warm", .internalError)
        _ = try await queue.fail(again.token, reason: "x", result: failure, mayRetry: false)

        for round in 0..<5 {
            let id = "j-\(round)"
            proxy.cutNextAnswer()
            try await queue.add(.sample(id, attempts: 2))
            #expect(try await queue.counts().queued == 1)

            let taking = Task { try await queue.take(by: "w") }
            let first = try await taking.value
            #expect(first.attempt == 1)
            proxy.cutNextAnswer()
            try await queue.release(first.token)

            proxy.cutNextAnswer(holding: "execute")
            let second = try await queue.take(by: "w")
            #expect(second.id == id)
            #expect(second.attempt == 1)
            proxy.cutNextAnswer()
            let result = ExecutionResult.sample(id, .internalError)
            #expect(try await queue.fail(second.token, reason: "x", result: result, mayRetry: true) == .willRetry)

            let third = try await queue.take(by: "w")
            #expect(third.attempt == 2)
            proxy.cutNextAnswer()
            try await queue.complete(third.token, with: .sample(id, attempt: 2))
            #expect(try await queue.job(id)?.result?.status == .ok)
        }
        #expect(try await queue.counts() == QueueCounts(finished: 6))
        #expect(proxy.cuts >= 20)
        await queue.close()
    }

    @Test("a read-only server, one without memory and one that cannot save are named, and lose nothing")
    func refusals() async throws {
        let place = try place()
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        func expectUnavailable(_ words: String) async {
            do {
                try await queue.add(.sample("j-b"))
                Issue.record("was not refused")
            } catch {
                #expect(error == QueueError(.unavailable, "Redis \(words)"))
            }
        }
        try place.redis("CONFIG", "SET", "maxmemory", "1")
        await expectUnavailable("has no memory left")
        // The worker's word waits until it can be put down.
        let completing = Task { try await queue.complete(lease.token, with: .sample("j-a")) }
        try await Task.sleep(for: .milliseconds(300))
        try place.redis("CONFIG", "SET", "maxmemory", "0")
        try await completing.value
        #expect(try await queue.job("j-a")?.result?.status == .ok)

        // A folder where the dump should go makes every save fail.
        let dump = URL(fileURLWithPath: place.server.socketPath).deletingLastPathComponent()
            .appendingPathComponent("dump.rdb")
        try FileManager.default.createDirectory(at: dump, withIntermediateDirectories: false)
        try place.redis("CONFIG", "SET", "save", "3600 1")
        try place.redis("BGSAVE")
        try await eventually { try place.redis("INFO", "persistence").contains("rdb_last_bgsave_status:err") }
        await expectUnavailable("cannot save its data")
        try place.redis("CONFIG", "SET", "save", "")

        try place.redis("REPLICAOF", "127.0.0.1", "1")
        await expectUnavailable("is read-only")
        try place.redis("REPLICAOF", "NO", "ONE")
        try await eventually { try await isAdded("j-b", to: queue) }
        #expect(try await queue.counts().queued == 1)
        await queue.close()
    }

    @Test("while Redis is away an API is told so at once and a worker waits; both go on when it is back")
    func serverAway() async throws {
        let place = try place()
        let proxy = try CuttingProxy(to: place.server.socketPath)
        let queue = try place.queue(at: try RedisServer(url: "unix://\(proxy.path)"))
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        let waiting = Task { try await queue.result(of: "j-a", waitingAtMost: .seconds(60)) }
        let taking = Task { try await queue.take(by: "w") }
        try await eventually { try await queue.counts().takers == 1 }
        proxy.isOpen = false
        for _ in 0..<5 {
            let began = ContinuousClock.now
            await expectRefusal(.unavailable) { try await queue.add(.sample("j-b")) }
            await expectRefusal(.unavailable) { _ = try await queue.job("j-a") }
            #expect(ContinuousClock.now - began < .seconds(1))
        }
        let completing = Task { try await queue.complete(lease.token, with: .sample("j-a")) }
        try await Task.sleep(for: .seconds(1))
        proxy.isOpen = true
        try await completing.value
        #expect(try await waiting.value?.status == .ok)
        try await eventually { try await isAdded("j-b", to: queue) }
        #expect(try await taking.value.id == "j-b")
        await queue.close()
    }

    @Test("a connection that fell silent is given up in time to keep the lock over another")
    func silence() async throws {
        let place = try place()
        let proxy = try CuttingProxy(to: place.server.socketPath)
        let queue = try place.queue(
            QueueOptions(lockDuration: .seconds(6)), at: try RedisServer(url: "unix://\(proxy.path)"))
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        proxy.silence()
        try await queue.renew(lease.token)
        try await queue.complete(lease.token, with: .sample("j-a"))
        #expect(try await queue.job("j-a")?.attempt == 1)
        await queue.close()
    }

    @Test("user, password and database of the URL are used; a wrong password is no crash")
    func access() async throws {
        let place = try place()
        try place.redis("ACL", "SETUSER", "bulkhead", "on", ">s3:cret/", "~*", "&*", "+@all")
        let path = place.server.socketPath
        let right = try RedisServer(url: "unix://bulkhead:s3%3Acret%2F@\(path)?db=3")
        let queue = try place.queue(at: right)
        try await queue.add(.sample("j-a"))
        #expect(try await queue.take(by: "w").id == "j-a")
        #expect(try place.redis("EXISTS", place.base + "j-a") == "0", "it is in another database")
        await queue.close()
        let wrong = try place.queue(at: try RedisServer(url: "unix://bulkhead:wrong@\(path)"))
        await expectRefusal(.unavailable) { try await wrong.add(.sample("j-b")) }
        await wrong.close()
    }

    @Test("a password over TCP, for the default user and for another; none and a wrong one are refused")
    func accessOverTCP() async throws {
        let place = try place()
        try place.redis("ACL", "SETUSER", "bulkhead", "on", ">word", "~*", "&*", "+@all")
        try place.redis("CONFIG", "SET", "requirepass", "p@ss:word")
        let port = place.server.port
        for (who, database) in [(":p%40ss%3Aword@", 0), ("default:p%40ss%3Aword@", 4), ("bulkhead:word@", 5)] {
            let queue = try place.queue(at: try RedisServer(url: "redis://\(who)127.0.0.1:\(port)/\(database)"))
            try await queue.add(.sample("j-a"))
            let lease = try await queue.take(by: "w")
            #expect(lease.id == "j-a", "alone in its database")
            try await queue.complete(lease.token, with: .sample("j-a"))
            #expect(try await queue.result(of: "j-a", waitingAtMost: .seconds(5))?.status == .ok)
            await queue.close()
        }
        for who in ["", ":wrong@", "bulkhead:wrong@", "nobody:word@"] {
            let queue = try place.queue(at: try RedisServer(url: "redis://\(who)127.0.0.1:\(port)"))
            do {
                try await queue.add(.sample("j-b"))
                Issue.record("was not refused")
            } catch {
                #expect(error == QueueError(.unavailable, "Redis denies access"))
            }
            await queue.close()
        }
    }

    @Test("the rights that docs/queue.md gives its user are enough, and end at the queue's prefix")
    func leastRights() async throws {
        let place = try place()
        let rule = try #require(try Documentation.queue.firstMatch(of: /ACL SETUSER bulkhead on >SECRET ([^\n]+)/))
        let rights = rule.1.split(separator: " ").map(String.init)
        #expect(try place.server.command(["ACL", "SETUSER", "bulkhead", "on", ">word"] + rights) == "OK")
        let server = try RedisServer(url: "redis://bulkhead:word@127.0.0.1:\(place.server.port)")
        let (api, worker) = (try place.queue(at: server), try place.queue(at: server))
        let taking = Task { try await worker.take(by: "w") }
        try await eventually { try await worker.counts().takers == 1 }
        try await api.add(NewJob(id: "j-a", request: Data("{}".utf8), idempotencyKey: IdempotencyKey("k")))
        var lease = try await taking.value
        #expect(try await api.cancel("j-a") == .requested)
        var signals = lease.signals.makeAsyncIterator()
        #expect(await signals.next() == .cancelRequested)
        try await worker.renew(lease.token)
        let feed = try await api.follow("j-a", after: .queued)
        lease.live.enter(.run)
        #expect(try await feed.next(waitingAtMost: .seconds(10)).first?.position == .started(1))
        try await worker.complete(lease.token, with: .sample("j-a", stdout: String(repeating: "x", count: 100_000)))
        try await api.add(NewJob(id: "j-live", request: Data("{}".utf8), isInteractive: true))
        #expect(try await api.send([1], isEnd: true, toInputOf: "j-live") == .taken)
        #expect(try await api.cancel("j-live") == .cancelled)
        #expect(try await api.result(of: "j-a", waitingAtMost: .seconds(5))?.status == .ok)
        try await api.add(.sample("j-b"))
        lease = try await worker.take(by: "w")
        let failure = ExecutionResult.sample("j-b", .internalError)
        _ = try await worker.fail(lease.token, reason: "x", result: failure, mayRetry: true)
        #expect(try await api.retry("j-b") == .retried)
        #expect(try await api.pause())
        #expect(try await api.resume())
        #expect(try await api.cancelWaiting(includingDelayed: true) == 1)
        #expect(try await api.recoverStalled() == 0)
        try await api.tend()
        _ = try await api.run(.reconcile, [])
        #expect(try await api.workers() == [])
        #expect(try await api.status().failed == 2)
        await worker.close()
        await api.close()
        var elsewhere = place
        elsewhere.prefix = "other"
        let other = try elsewhere.queue(at: server)
        await expectRefusal(.unavailable) { try await other.add(.sample("j-a")) }
        await other.close()
    }

    /// The first of two calls was carried out, and its job is done by the time of the second.
    @Test("an add whose answer got lost is no duplicate, however far its job has come")
    func addRepeatedLate() async throws {
        let place = try place()
        let queue = try place.queue()
        let arguments: [RedisArgument] = [
            "j-a", "{}", "{}", "10", "1000", "2", "", "call-1", "", "", "", "", "", "", "",
        ]
        #expect(try await queue.run(.add, arguments)[0].integer == 0)
        let lease = try await queue.take(by: "w")
        try await queue.complete(lease.token, with: .sample("j-a"))
        #expect(try await queue.run(.add, arguments)[0].integer == 0)
        await expectRefusal(.duplicateJob) { try await queue.add(.sample("j-a")) }
        await queue.close()
    }

    @Test("nobody listens: refused at once")
    func nobodyThere() async throws {
        let place = QueueOnServer(server: try #require(RedisTestServer.shared))
        for url in ["redis://127.0.0.1:1", "unix:///nowhere/redis.sock"] {
            let queue = try place.queue(at: try RedisServer(url: url))
            let began = ContinuousClock.now
            await expectRefusal(.unavailable) { try await queue.add(.sample("j-a")) }
            await expectRefusal(.unavailable) { _ = try await queue.counts() }
            let taking = Task { try await queue.take(by: "w") }
            try await Task.sleep(for: .milliseconds(100))
            await queue.close()
            await expectRefusal(.closed) { _ = try await taking.value }
            #expect(ContinuousClock.now - began < .seconds(2))
        }
    }

    @Test("closing ends a blocked wait at once, and the marker it may have eaten is put back")
    func closesWhileBlocked() async throws {
        let place = QueueOnServer(server: try #require(RedisTestServer.shared))
        let first = try place.queue()
        let second = try place.queue()
        let leaving = Task { try await first.take(by: "w") }
        try await eventually { try await first.counts().takers == 1 }
        try await Task.sleep(for: .milliseconds(100))
        let staying = Task { try await second.take(by: "w") }
        try await eventually { try await second.counts().takers == 1 }
        let began = ContinuousClock.now
        await first.close()
        await expectRefusal(.closed) { _ = try await leaving.value }
        #expect(ContinuousClock.now - began < .milliseconds(500))
        try await second.add(.sample("j-a"))
        #expect(try await staying.value.id == "j-a")
        #expect(ContinuousClock.now - began < .seconds(3))
        await second.close()
    }
}
