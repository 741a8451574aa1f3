import Foundation
import JobQueue
import Jobs
import RedisTestServer
import Testing

@testable import RedisJobQueue

/// What lies in Redis, and what only a queue there has to do.
@Suite("Layout in Redis", .timeLimit(.minutes(1)), .enabled(if: RedisTestServer.shared != nil))
struct LayoutTests {
    private var place: QueueOnServer

    init() throws {
        place = QueueOnServer(server: try #require(RedisTestServer.shared))
    }

    @Test("a large result is shortened in its job and whole under its own key, which ends")
    func largeResults() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        let whole = ExecutionResult.sample("j-a", stdout: String(repeating: "\u{1}é", count: 100_000))
        try await queue.complete(lease.token, with: whole)
        let stored = try place.field("returnvalue", of: "j-a")
        #expect(stored.utf8.count <= 64 << 10)
        let short = try JSONValue(parsing: Array(stored.utf8))
        #expect(short["resultTruncated"] == .bool(true))
        let key = try #require(short["resultKey"].text)
        #expect(try ExecutionResult(json: Data(try place.redis("GET", key).utf8)) == whole)
        #expect(try Int(place.redis("PTTL", key)).map { $0 > 3_500_000 && $0 <= 3_600_000 } == true)
        #expect(try ExecutionResult(json: Data(stored.utf8)).stdoutTruncated)
        #expect(try await queue.result(of: "j-a", waitingAtMost: .seconds(5)) == whole)
        // Without the key the shortened one still answers.
        try place.redis("DEL", key)
        #expect(try await queue.job("j-a")?.result?.status == .ok)
        await queue.close()
    }

    @Test("collected files are null in the job and whole under the result's own key")
    func largeFiles() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        var whole = ExecutionResult.sample("j-a", stdout: "out")
        whole.files = [
            CollectedFile(path: "out/é.bin", contents: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }),
            CollectedFile(path: "b.txt", contents: Array("text".utf8)),
        ]
        try await queue.complete(lease.token, with: whole)
        let stored = try ExecutionResult(json: Data(try place.field("returnvalue", of: "j-a").utf8))
        #expect(stored.stdout == "out")
        #expect(stored.files.map(\.path) == ["out/é.bin", "b.txt"])
        #expect(stored.files.map(\.content) == [nil, nil])
        #expect(stored.files.map(\.bytes) == [3_000_000, 4])
        #expect(try await queue.result(of: "j-a", waitingAtMost: .seconds(5)) == whole)
        await queue.close()
    }

    @Test("a failed job keeps its whole result in a field of its own")
    func failedResults() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        let result = ExecutionResult.sample("j-a", .internalError, stdout: "so far")
        _ = try await queue.fail(lease.token, reason: "engine: broke", result: result, mayRetry: true)
        #expect(try place.field("failedReason", of: "j-a") == "engine: broke")
        #expect(try ExecutionResult(json: Data(try place.field("result", of: "j-a").utf8)) == result)
        await queue.close()
    }

    @Test("every key of ours ends by itself")
    func ownKeysEnd() async throws {
        let queue = try place.queue()
        for id in ["j-a", "j-b"] {
            var job = NewJob.sample(id, timeToLive: .seconds(100))
            job.owner = JobOwner(id: "0", name: "zero")
            try await queue.add(job)
        }
        let lease = try await queue.take(by: "w")
        try await queue.complete(lease.token, with: .sample("j-a", stdout: String(repeating: "x", count: 100_000)))
        // One that is followed and sent to.
        try await queue.add(NewJob(id: "j-c", request: Data("{}".utf8), isInteractive: true))
        #expect(try await queue.send([1], isEnd: false, toInputOf: "j-c") == .taken)
        let feed = try await queue.follow("j-c", after: .start)
        for _ in 0..<2 { try await queue.take(by: "w").live.enter(.run) }
        try await eventually { try place.redis("XLEN", place.base + "bh:live:j-c") == "2" }
        #expect(try place.redis("STRLEN", place.base + "bh:input:j-c") == "1")
        withExtendedLifetime(feed) {}
        let endless = try place.redis(
            "EVAL",
            """
            local found = {}
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. 'bh:*')) do
              if redis.call('TTL', key) < 0 then found[#found + 1] = key end
            end
            return table.concat(found, ' ')
            """, "0", place.base)
        #expect(endless == "")
        await queue.close()
    }

    private func add(_ id: String, of owner: String, to queue: RedisJobQueue, maxOpen: Int? = nil) async throws {
        var job = NewJob.sample(id)
        job.owner = JobOwner(id: owner, name: "name-of-\(owner)", maxOpen: maxOpen)
        try await queue.add(job)
    }

    @Test("owners' turns are the order of BullMQ's own list; jobs of nobody's keep their places in it")
    func turns() async throws {
        let queue = try place.queue()
        for id in ["j-a1", "j-a2", "j-a3"] { try await add(id, of: "a", to: queue) }
        try await queue.add(.sample("j-n1"))
        try await queue.add(.sample("j-n2"))
        for id in ["j-b1", "j-b2"] { try await add(id, of: "b", to: queue) }
        for id in ["j-c1", "j-c2"] { try await add(id, of: "c", to: queue) }
        // The next one to be taken is the last.
        let wait = try place.redis(
            "EVAL", "return table.concat(redis.call('LRANGE', ARGV[1], 0, -1), ' ')", "0", place.base + "wait")
        #expect(wait == "j-n2 j-n1 j-a3 j-c2 j-b2 j-a2 j-c1 j-b1 j-a1")
        #expect(try place.field("owner", of: "j-a1") == "a")
        #expect(try place.redis("HEXISTS", place.base + "j-n1", "owner") == "0")
        await queue.close()
    }

    @Test("a job of an owner's that BullMQ's clients removed or took gives its place back")
    func reconcilesOwners() async throws {
        let queue = try place.queue()
        try await add("j-a1", of: "a", to: queue, maxOpen: 1)
        await expectRefusal(.ownerBusy) { try await add("j-a2", of: "a", to: queue, maxOpen: 1) }
        try place.redis("LREM", place.base + "wait", "0", "j-a1")
        try place.redis("DEL", place.base + "j-a1")
        _ = try await queue.run(.reconcile, [])
        try await add("j-a2", of: "a", to: queue, maxOpen: 1)
        // Taken past us: it does not wait any more.
        try place.redis("SET", place.base + "j-a2:lock", "theirs")
        _ = try await queue.run(.reconcile, [])
        #expect(try place.redis("ZSCORE", place.base + "bh:of:a", "j-a2") == "0")
        await queue.close()
    }

    @Test("for as many jobs as workers have free slots nobody is refused, however long they take to fetch them")
    func countsFreeSlots() async throws {
        let queue = try place.queue(QueueOptions(maxQueued: 2))
        func add(_ id: String) async throws {
            var job = NewJob.sample(id)
            job.owner = JobOwner(id: "a", name: "a", maxQueued: 1)
            try await queue.add(job)
        }
        for (worker, slots) in [("w-1", 3), ("w-2", 2)] {
            try await queue.announce(
                WorkerAnnouncement(id: worker, host: "h", languages: [], maxima: .standard, slots: slots))
        }
        for index in 0..<5 { try await add("j-\(index)") }
        await expectRefusal(.full) { try await add("j-more") }
        // What runs takes a slot, what waits as well; one that is done gives it back.
        let lease = try await queue.take(by: "w-1")
        await expectRefusal(.full) { try await add("j-more") }
        try await queue.complete(lease.token, with: .sample(lease.id))
        try await add("j-more")
        // From a queue that is paused nobody takes anything.
        let other = try await queue.take(by: "w-1")
        try await queue.complete(other.token, with: .sample(other.id))
        #expect(try await queue.pause())
        await expectRefusal(.full) { try await add("j-paused") }
        await queue.close()
    }

    @Test("nobody is refused for jobs that BullMQ's clients removed")
    func reconcilesBeforeARefusal() async throws {
        let queue = try place.queue()
        for round in 0..<3 {
            try await add("j-\(round)", of: "a", to: queue, maxOpen: 1)
            try place.redis("LREM", place.base + "wait", "0", "j-\(round)")
            try place.redis("DEL", place.base + "j-\(round)")
            // As if a second had passed: no refusal has it looked at again before.
            try place.redis("DEL", place.base + "bh:reconciled")
        }
        try await add("j-last", of: "a", to: queue, maxOpen: 1)
        await expectRefusal(.ownerBusy) { try await add("j-more", of: "a", to: queue, maxOpen: 1) }
        #expect(try place.redis("GET", place.base + "bh:open-bytes") == "\(NewJob.sample("j-last").request.count)")
        await queue.close()
    }

    @Test("all keys of a queue whose prefix has a hash tag lie in one slot")
    func hashTags() async throws {
        var place = place
        place.prefix = "{bull}"
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        try await queue.complete(lease.token, with: .sample("j-a"))
        let keys = QueueKeys(prefix: place.prefix, queue: place.name)
        let all = keys.all.map { String(decoding: $0.bytes, as: UTF8.self) } + [keys.resultKey(of: "j-a")]
        #expect(all.allSatisfy { $0.hasPrefix("{bull}:\(place.name):") })
        await queue.close()
    }

    @Test("what is added while BullMQ 5 has paused survives its resume")
    func pausedByVersion5() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-before"))
        // What its script pause-7.lua does.
        try place.redis("HSET", place.base + "meta", "paused", "1", "version", "bullmq:5.30.0")
        try place.redis("RENAME", place.base + "wait", place.base + "paused")
        try place.redis("DEL", place.base + "marker")
        try await queue.add(.sample("j-meanwhile"))
        #expect(try await queue.counts().queued == 2)
        let taking = Task { try await queue.take(by: "w") }
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await queue.counts() == QueueCounts(queued: 2, takers: 1))
        #expect(try await queue.cancel("j-before") == .cancelled)
        try place.redis("HDEL", place.base + "meta", "paused")
        try place.redis("RENAME", place.base + "paused", place.base + "wait")
        try place.redis("ZADD", place.base + "marker", "0", "0")
        #expect(try await taking.value.id == "j-meanwhile")
        await queue.close()
    }

    @Test("under one idempotency key two processes make one job, and its key ends with it")
    func idempotency() async throws {
        let queues = try (0..<2).map { _ in try place.queue() }
        let key = try #require(IdempotencyKey("k:{1}", scope: "s"))
        func job(_ index: Int, _ code: String = "1") -> NewJob {
            NewJob(id: "j-\(index)", request: Data(code.utf8), idempotencyKey: key)
        }
        let outcomes = try await withThrowingTaskGroup(of: AddOutcome.self) { group in
            for index in 0..<100 { group.addTask { try await queues[index % 2].add(job(index)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .added }.count == 1)
        let lease = try await queues[0].take(by: "w")
        #expect(outcomes.filter { $0 == .repeated(lease.id) }.count == 99)
        let name = place.base + "bh:key:s:k:{1}"
        #expect(try place.redis("GET", name) == lease.id)
        try await queues[0].complete(lease.token, with: .sample(lease.id))
        let left = try #require(try Int(place.redis("PTTL", name)))
        #expect((3_500_000...3_600_000).contains(left))
        await expectRefusal(.keyReused) { try await queues[1].add(job(200, "2")) }
        // A client of BullMQ's that removes the job frees its key.
        try place.redis("DEL", place.base + lease.id)
        #expect(try await queues[1].add(job(201, "2")) == .added)
        #expect(try place.redis("GET", name) == "j-201")
        for queue in queues { await queue.close() }
    }

    @Test("a job whose failure was put off is failed with that reason and not run")
    func deferredFailures() async throws {
        let queue = try place.queue()
        for id in ["j-a", "j-b"] { try await queue.add(.sample(id)) }
        try place.redis("HSET", place.base + "j-a", "defa", "its child failed")
        #expect(try await queue.take(by: "w").id == "j-b")
        #expect(try place.field("failedReason", of: "j-a") == "its child failed")
        #expect(try place.redis("ZSCORE", place.base + "failed", "j-a") != "")
        #expect(try place.redis("EXISTS", place.base + "j-a:lock") == "0")
        await queue.close()
    }

    @Test(
        "a job that has children when it ends is failed with the reason, and the children's records stay",
        arguments: ["dependencies", "unsuccessful"])
    func children(record: String) async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        let lease = try await queue.take(by: "w")
        let children = place.base + "j-a:" + record
        if record == "dependencies" {
            try place.redis("SADD", children, place.base + "child")
        } else {
            try place.redis("ZADD", children, "1", place.base + "child")
        }
        try await queue.complete(lease.token, with: .sample("j-a"))
        #expect(try place.field("failedReason", of: "j-a").contains("flows are not supported"))
        #expect(try place.field("returnvalue", of: "j-a") == "")
        #expect(try place.redis("EXISTS", children) == "1")
        #expect(try place.redis("LLEN", place.base + "active") == "0")
        #expect(try place.redis("ZCARD", place.base + "completed") == "0")
        #expect(try await queue.job("j-a")?.result?.status == .internalError)
        await queue.close()
    }

    @Test("of many processes one sweeps in an interval")
    func sweepsOnce() async throws {
        func process() throws -> RedisJobQueue {
            try place.queue(QueueOptions(lockDuration: .milliseconds(50))) { $0.sweepInterval = .seconds(600) }
        }
        let (first, second) = (try process(), try process())
        func abandon(_ id: String) async throws {
            try await first.add(.sample(id))
            _ = try await first.take(by: "w")
            try await Task.sleep(for: .milliseconds(60))
        }
        try await abandon("j-a")
        // The one that the first take began has passed or passes now: the key is there afterwards either way.
        _ = try await first.sweep(isForced: false)
        try await eventually { try place.redis("LLEN", place.base + "active") == "0" }
        let left = try #require(try Int(place.redis("PTTL", place.base + "stalled-check")))
        #expect(left > 500_000)
        try place.redis("DEL", place.base + "wait")
        try await abandon("j-b")
        #expect(try await second.sweep(isForced: false) == 0)
        #expect(try place.redis("LLEN", place.base + "active") == "1")
        // Were it only the interval's last turn that looked, the one who swept last could put all others off for another.
        #expect(left < 599_500, "shorter than the interval by a turn")
        try place.redis("DEL", place.base + "stalled-check")
        try await eventually { try place.redis("LLEN", place.base + "active") == "0" }
        #expect(try place.redis("LLEN", place.base + "wait") == "1")
        await first.close()
        await second.close()
    }

    @Test(
        "our pause is BullMQ 6's, and our resume brings back what version 5 left in its list", arguments: [false, true])
    func ownPause(isVersion5: Bool) async throws {
        let queue = try place.queue()
        if isVersion5 { try place.redis("HSET", place.base + "meta", "version", "bullmq:5.30.0") }
        for id in ["j-1", "j-2"] { try await queue.add(.sample(id)) }
        #expect(try await queue.pause())
        #expect(try await !queue.pause())
        #expect(try place.redis("HGET", place.base + "meta", "paused") == "1")
        // Version 5's resume renames `paused` over `wait`: nothing may be left there then.
        #expect(try place.redis("LLEN", place.base + "wait") == (isVersion5 ? "0" : "2"))
        #expect(try place.redis("LLEN", place.base + "paused") == (isVersion5 ? "2" : "0"))
        try await queue.add(.sample("j-3"))
        #expect(try await queue.status().isPaused)
        #expect(try await queue.status().waiting == 3)
        let taking = Task { try await queue.take(by: "w") }
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await queue.counts() == QueueCounts(queued: 3, takers: 1))
        // Left behind by version 5 while another client added to `wait`.
        if isVersion5 { try place.redis("LPUSH", place.base + "wait", "j-3") }
        if isVersion5 { try place.redis("LREM", place.base + "paused", "1", "j-3") }
        let began = ContinuousClock.now
        #expect(try await queue.resume())
        #expect(try await !queue.resume())
        var taken = [try await taking.value.id]
        #expect(ContinuousClock.now - began < .seconds(2), "woken, not found by the watchdog")
        for _ in 0..<2 { taken.append(try await queue.take(by: "w").id) }
        #expect(taken == ["j-1", "j-2", "j-3"])
        #expect(try place.redis("EXISTS", place.base + "paused") == "0")
        await queue.close()
    }

    @Test("a failed job is tried again, and is one of those that wait in every book")
    func retriesFailed() async throws {
        let queue = try place.queue()
        for (id, status) in [("j-a", Status.internalError), ("j-b", .cancelled), ("j-c", .ok)] {
            try await queue.add(.sample(id))
            let lease = try await queue.take(by: "w")
            if status == .ok {
                try await queue.complete(lease.token, with: .sample(id))
            } else {
                let large = ExecutionResult.sample(id, status, stdout: String(repeating: "x", count: 100_000))
                _ = try await queue.fail(lease.token, reason: "x", result: large, mayRetry: false)
            }
        }
        #expect(try await queue.failedJobs(atMost: 10) == ["j-a"], "cancelled stays cancelled")
        #expect(try await queue.retry("j-a") == .retried)
        #expect(try await queue.retry("j-a") == .notFailed)
        #expect(try await queue.retry("j-c") == .notFailed)
        #expect(try await queue.retry("j-z") == .unknownJob)
        #expect(try await queue.job("j-a")?.state == .queued)
        #expect(try place.redis("HEXISTS", place.base + "bh:open", "j-a") == "1")
        #expect(try place.redis("EXISTS", place.base + "bh:result:j-a") == "0")
        #expect(try place.redis("ZSCORE", place.base + "bh:kept", "j-a") == "")
        let lease = try await queue.take(by: "w")
        #expect(lease.id == "j-a" && lease.attempt == 2)
        try await queue.complete(lease.token, with: .sample("j-a", attempt: 2))
        #expect(try await queue.job("j-a")?.result?.status == .ok)
        #expect(try place.redis("GET", place.base + "bh:open-bytes") == "0")
        await queue.close()
    }

    @Test("what waits can be cancelled as a whole; who waits for it is answered, and what runs goes on")
    func clears() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-runs"))
        let lease = try await queue.take(by: "w")
        for index in 0..<600 { try await queue.add(.sample("j-\(index)")) }
        try place.redis("HSET", place.base + "later", "name", "execute", "data", "{}", "timestamp", "1700000000000")
        try place.redis("ZADD", place.base + "delayed", "99999999999999999", "later")
        let waiting = Task { try await queue.result(of: "j-599", waitingAtMost: .seconds(30)) }
        try await eventually { try await queue.counts().waiters == 1 }
        #expect(try await queue.cancelWaiting(includingDelayed: false) == 600)
        #expect(try await waiting.value?.status == .cancelled)
        try await queue.complete(lease.token, with: .sample("j-runs"))
        #expect(try await queue.job("j-runs")?.result?.status == .ok)
        let status = try await queue.status()
        #expect(status.waiting == 0 && status.delayed == 1 && status.running == 0 && status.failed == 600)
        #expect(try await queue.cancelWaiting(includingDelayed: true) == 1)
        await queue.close()
    }

    @Test("on a server of a cluster every step is one slot's, with a hash tag in the prefix")
    func cluster() async throws {
        var place = QueueOnServer(
            server: try RedisTestServer([
                // The bus would be at the port plus 10,000, which may be none.
                "--cluster-enabled", "yes", "--cluster-port", "\(RedisTestServer.freePort())",
            ]))
        try place.redis("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        try await eventually { try place.redis("CLUSTER", "INFO").contains("cluster_state:ok") }
        place.prefix = "{bull}"
        let queue = try place.queue()
        let key = try #require(IdempotencyKey("k"))
        for id in ["j-a", "j-b", "j-c"] {
            try await queue.add(NewJob(id: id, request: Data("{}".utf8), idempotencyKey: id == "j-a" ? key : nil))
        }
        let interactive = NewJob(id: "j-live", request: Data("{}".utf8), isInteractive: true)
        var lease = try await queue.take(by: "w")
        try await queue.renew(lease.token)
        try await queue.release(lease.token)
        lease = try await queue.take(by: "w")
        let feed = try await queue.follow("j-a", after: .queued)
        lease.live.enter(.run)
        #expect(try await feed.next(waitingAtMost: .seconds(10)).first?.position == .started(1))
        try await queue.add(interactive)
        #expect(try await queue.send([1], isEnd: true, toInputOf: "j-live") == .taken)
        #expect(try await queue.cancel("j-live") == .cancelled)
        let waiting = Task { try await queue.result(of: "j-a", waitingAtMost: .seconds(10)) }
        try await queue.complete(lease.token, with: .sample("j-a", stdout: String(repeating: "x", count: 100_000)))
        #expect(try await waiting.value?.stdout.count == 100_000)
        lease = try await queue.take(by: "w")
        let failure = ExecutionResult.sample("j-b", .internalError)
        _ = try await queue.fail(lease.token, reason: "x", result: failure, mayRetry: true)
        #expect(try await queue.retry("j-b") == .retried)
        #expect(try await queue.recoverStalled() == 0)
        #expect(try await queue.pause())
        #expect(try await queue.resume())
        #expect(try await queue.cancel("j-b") == .cancelled)
        #expect(try await queue.cancelWaiting(includingDelayed: true) == 1)
        try await queue.tend()
        _ = try await queue.run(.reconcile, [])
        #expect(try await queue.counts() == QueueCounts(finished: 4))
        await queue.close()
        // Without one the server refuses, and nothing is half done.
        place.prefix = "bull"
        let other = try place.queue()
        do {
            try await other.add(.sample("j-a"))
            Issue.record("was not refused")
        } catch {
            #expect(error.detail.contains("hash tag"), "\(error)")
        }
        #expect(try place.redis("EXISTS", place.base + "j-a") == "0")
        await other.close()
    }

    @Test("a node of a cluster that has not the queue's slot is named as such")
    func wrongNode() async throws {
        let buses = [try RedisTestServer.freePort(), try RedisTestServer.freePort()]
        let nodes = try buses.map {
            try RedisTestServer(["--cluster-enabled", "yes", "--cluster-port", "\($0)"])
        }
        _ = try nodes[0].command(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])
        _ = try nodes[1].command(["CLUSTER", "MEET", "127.0.0.1", "\(nodes[0].port)", "\(buses[0])"])
        try await eventually { try nodes[1].command(["GET", "{bull}"]).hasPrefix("MOVED ") }
        var place = QueueOnServer(server: nodes[1])
        place.prefix = "{bull}"
        let queue = try place.queue()
        do {
            try await queue.add(.sample("j-a"))
            Issue.record("was not refused")
        } catch {
            #expect(error == QueueError(.unavailable, "the queue is on another node of the Redis cluster"))
        }
        await queue.close()
    }

    @Test("no more are active than the queue's global concurrency, and each finish lets one more in")
    func concurrency() async throws {
        let queue = try place.queue()
        let other = try place.queue()
        try place.redis("HSET", place.base + "meta", "concurrency", "1")
        for id in ["j-a", "j-b"] { try await queue.add(.sample(id)) }
        let first = try await queue.take(by: "w")
        let waiting = Task { try await other.take(by: "v") }
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await queue.counts().running == 1)
        let began = ContinuousClock.now
        try await queue.complete(first.token, with: .sample("j-a"))
        #expect(try await waiting.value.id == "j-b")
        #expect(ContinuousClock.now - began < .seconds(2), "woken, not found by the watchdog")
        await queue.close()
        await other.close()
    }

    @Test("the queue's rate limit is kept")
    func rateLimit() async throws {
        let queue = try place.queue()
        try place.redis("HSET", place.base + "meta", "max", "2", "duration", "600")
        for index in 0..<3 { try await queue.add(.sample("j-\(index)")) }
        let began = ContinuousClock.now
        for _ in 0..<3 { _ = try await queue.take(by: "w") }
        #expect((Duration.milliseconds(400)...Duration.seconds(2)).contains(ContinuousClock.now - began))
        await queue.close()
    }

    @Test("a request that is larger than it may be is failed without being read")
    func hugeRequests() async throws {
        let queue = try place.queue { $0.maxRequestBytes = 100 }
        try await queue.add(NewJob(id: "j-a", request: Data(repeating: 0x20, count: 200)))
        try await queue.add(.sample("j-b"))
        #expect(try await queue.take(by: "w").id == "j-b")
        #expect(try place.field("failedReason", of: "j-a") == "invalid request: more than 100 bytes")
        await queue.close()
    }

    @Test("a worker that lost its lock writes nothing, whoever has the job by now")
    func fencing() async throws {
        let lost = try place.queue(QueueOptions(lockDuration: .milliseconds(300)))
        let other = try place.queue()
        try await lost.add(.sample("j-a"))
        let first = try await lost.take(by: "lost")
        try await Task.sleep(for: .milliseconds(350))
        // Either sweep may have come first.
        #expect(try await other.recoverStalled() <= 1)
        let second = try await other.take(by: "other")
        #expect(second.attempt == 2)
        await expectRefusal(.staleLease) { try await lost.complete(first.token, with: .sample("j-a", .signaled)) }
        #expect(await first.signals.reduce(into: []) { $0.append($1) } == [.lost])
        try await other.complete(second.token, with: .sample("j-a", attempt: 2))
        #expect(try await lost.result(of: "j-a", waitingAtMost: .seconds(5))?.status == .ok)
        #expect(try place.redis("ZCARD", place.base + "completed") == "1")
        await lost.close()
        await other.close()
    }

    @Test("a job that is taken again because the answer got lost has its full time")
    func takenTwice() async throws {
        let queue = try place.queue()
        try await queue.add(.sample("j-a"))
        func take(isRepeated: Bool) async throws -> String? {
            let arguments: [RedisArgument] = ["token", "60000", "w", "1000000", isRepeated ? "1" : "0"]
            return try await queue.run(.take, arguments)[1].string
        }
        #expect(try await take(isRepeated: false) == "j-a")
        try place.redis("PEXPIRE", place.base + "j-a:lock", "5000")
        #expect(try await take(isRepeated: true) == "j-a")
        #expect(try #require(try Int(place.redis("PTTL", place.base + "j-a:lock"))) > 50_000)
        #expect(try place.field("ats", of: "j-a") == "1")
        await queue.close()
    }

    @Test("a dead worker's job is found without anybody asking")
    func sweeps() async throws {
        let dead = try place.queue(QueueOptions(lockDuration: .milliseconds(300))) { $0.sweepInterval = .seconds(600) }
        try await dead.add(.sample("j-a"))
        _ = try await dead.take(by: "dead")
        let alive = try place.queue { $0.sweepInterval = .seconds(1) }
        let began = ContinuousClock.now
        #expect(try await alive.take(by: "alive").attempt == 2)
        #expect(ContinuousClock.now - began < .seconds(4))
        await dead.close()
        await alive.close()
    }

    @Test("a job that an official worker finishes or removes leaves our books")
    func reconciles() async throws {
        let queue = try place.queue()
        for id in ["j-done", "j-gone", "j-waits"] { try await queue.add(.sample(id)) }
        try place.redis("LREM", place.base + "wait", "0", "j-done")
        try place.redis("LREM", place.base + "wait", "0", "j-gone")
        try place.redis("HSET", place.base + "j-done", "finishedOn", "1700000000000", "returnvalue", "1")
        try place.redis("ZADD", place.base + "completed", "1700000000000", "j-done")
        try place.redis("DEL", place.base + "j-gone")
        #expect(try await queue.run(.reconcile, []).integer == 2)
        #expect(try place.redis("HLEN", place.base + "bh:open") == "1")
        #expect(try place.redis("GET", place.base + "bh:open-bytes") == "33")
        // Kept since 2023 is kept long enough.
        #expect(try await queue.job("j-done") == nil)
        await queue.close()
    }

    @Test("a thousand waiters share one subscription, and a process has three connections")
    func connections() async throws {
        let server = try RedisTestServer()
        let place = QueueOnServer(server: server)
        let queue = try place.queue()
        for index in 0..<50 { try await queue.add(.sample("j-\(index)")) }
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<1_000 {
                group.addTask {
                    try await queue.result(of: "j-\(index % 50)", waitingAtMost: .seconds(30))?.id == "j-\(index % 50)"
                }
            }
            try await eventually { try await queue.counts().waiters == 1_000 }
            let lease = try await queue.take(by: "w")
            try await eventually {
                try place.redis("PUBSUB", "NUMSUB", place.base + "bh:finished") == "2"
            }
            let clients = try place.redis("CLIENT", "LIST").split(separator: "\n").count
            #expect(clients <= 4, "three of ours and the one that asks")
            try await queue.complete(lease.token, with: .sample(lease.id))
            for _ in 1..<50 {
                let lease = try await queue.take(by: "w")
                try await queue.complete(lease.token, with: .sample(lease.id))
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answers == 1_000)
        await queue.close()
    }

    @Test("a job that ends before anybody waits for it is answered all the same")
    func endsBeforeTheWait() async throws {
        let api = try place.queue()
        let worker = try place.queue()
        await api.hear()
        for index in 0..<20 {
            let id = "j-\(index)"
            try await api.add(.sample(id))
            #expect(await api.newborn == [id])
            let lease = try await worker.take(by: "w")
            try await worker.complete(lease.token, with: .sample(id))
            if index % 2 == 0 { try await eventually { await api.newborn.isEmpty } }
            #expect(try await api.result(of: id, waitingAtMost: .seconds(4))?.id == id)
        }
        #expect(await api.newborn.isEmpty)
        await api.close()
        await worker.close()
    }

    @Test("what was added before the ears were lost is looked for")
    func endsUnheard() async throws {
        let api = try place.queue()
        let worker = try place.queue()
        await api.hear()
        try await api.add(.sample("j-a"))
        let lease = try await worker.take(by: "w")
        await api.setHearing(.no)
        #expect(await api.newborn.isEmpty)
        try await worker.complete(lease.token, with: .sample("j-a"))
        #expect(try await api.result(of: "j-a", waitingAtMost: .seconds(4))?.id == "j-a")
        await api.close()
        await worker.close()
    }

    @Test("a cancellation by one process stops what another runs, at once")
    func cancelsElsewhere() async throws {
        let api = try place.queue()
        let worker = try place.queue()
        var times: [Duration] = []
        for index in 0..<50 {
            try await api.add(.sample("j-\(index)"))
            let lease = try await worker.take(by: "w")
            var signals = lease.signals.makeAsyncIterator()
            let began = ContinuousClock.now
            #expect(try await api.cancel(lease.id) == .requested)
            #expect(await signals.next() == .cancelRequested)
            times.append(.now - began)
            let result = ExecutionResult.sample(lease.id, .cancelled)
            _ = try await worker.fail(lease.token, reason: "cancelled", result: result, mayRetry: true)
        }
        #expect(times.sorted()[49] < .milliseconds(500))
        #expect(try await api.job("j-0")?.result?.status == .cancelled)
        await api.close()
        await worker.close()
    }

    @Test("many producers, workers and waiters: every job is run once and answered")
    func crowd() async throws {
        let apis = try (0..<2).map { _ in try place.queue(QueueOptions(maxQueued: 5_000)) }
        let workers = try (0..<3).map { _ in try place.queue() }
        let count = 600
        let runs = try await withThrowingTaskGroup(of: [String].self) { group in
            for worker in workers {
                for slot in 0..<4 {
                    group.addTask {
                        var ran: [String] = []
                        while true {
                            do {
                                let lease = try await worker.take(by: "w\(slot)")
                                ran.append(lease.id)
                                try await worker.complete(lease.token, with: .sample(lease.id))
                            } catch let error as QueueError where error.code == .closed {
                                return ran
                            }
                        }
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { clients in
                for index in 0..<count {
                    let api = apis[index % 2]
                    clients.addTask {
                        try await api.add(.sample("j-\(index)"))
                        let result = try await api.result(of: "j-\(index)", waitingAtMost: .seconds(40))
                        #expect(result?.id == "j-\(index)")
                    }
                }
                try await clients.waitForAll()
            }
            for worker in workers { await worker.close() }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(runs.count == count)
        #expect(Set(runs).count == count)
        #expect(try await apis[0].counts() == QueueCounts(finished: count))
        for api in apis { await api.close() }
    }

    @Test("workers are known while they live, and not longer")
    func workers() async throws {
        let queue = try place.queue()
        let language = Language(name: "c", version: "12.2.0", image: "default", fileName: "main.c", run: ["./main"])
        func worker(_ id: String) -> WorkerAnnouncement {
            WorkerAnnouncement(
                id: id, host: "host-1", languages: [language], maxima: .maximum(cores: 2), slots: 4)
        }
        #expect(try await queue.workers() == [])
        try await queue.announce(worker("a"))
        var known = worker("b")
        known.version = "0.1.0"
        known.since = Date(timeIntervalSince1970: 1_750_000_000.25)
        let living = Task { [known] in await queue.keepAnnouncing(known) { 3 } }
        known.busy = 3
        try await eventually { try await queue.workers().count == 2 }
        #expect(try await queue.workers().contains(worker("a")))
        try place.server.age(place.base + "bh:worker:a", by: RedisJobQueue.announcementLease)
        #expect(try await queue.workers() == [known])
        living.cancel()
        await living.value
        #expect(try await queue.workers() == [])
        // One that can run nothing now takes its announcement back.
        try await queue.announce(worker("c"))
        let unable = Task { await queue.keepAnnouncing(worker("c"), while: { false }) }
        try await eventually { try await queue.workers() == [] }
        unable.cancel()
        await unable.value
        await queue.close()
    }

    /// What workers said of themselves before they told their version.
    private struct EarlierAnnouncement: Codable {
        var id: String
        var host: String
        var languages: [Language]
        var maxima: Limits
        var slots: Int
    }

    @Test("a worker of an earlier version is known, and its reader knows one of this")
    func earlierWorkers() async throws {
        let queue = try place.queue()
        let earlier = EarlierAnnouncement(
            id: "a", host: "host-1", languages: [], maxima: .maximum(cores: 2), slots: 4)
        let text = String(decoding: try JSONEncoder().encode(earlier), as: UTF8.self)
        try place.server.command(["SET", place.base + "bh:worker:a", text, "PX", "15000"])
        try place.server.command(["ZADD", place.base + "bh:workers", "1", "a"])
        let worker = WorkerAnnouncement(
            id: "b", host: "host-1", languages: [], maxima: .maximum(cores: 2), slots: 4, busy: 1, version: "0.1.0",
            since: Date(timeIntervalSince1970: 1_750_000_000))
        try await queue.announce(worker)
        var plain = worker
        (plain.id, plain.busy, plain.version, plain.since) = ("a", nil, nil, nil)
        #expect(try await queue.workers() == [plain, worker])
        let told = try place.server.command(["GET", place.base + "bh:worker:b"])
        #expect(try JSONDecoder().decode(EarlierAnnouncement.self, from: Data(told.utf8)).slots == 4)
        await queue.close()
    }
}
