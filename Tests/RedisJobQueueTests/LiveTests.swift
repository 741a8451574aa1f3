import Foundation
import JobQueue
import Jobs
import RedisTestServer
import Synchronization
import Testing

@testable import RedisJobQueue

/// What lies in Redis of jobs that are followed and sent to, and what does not.
@Suite("Live jobs in Redis", .enabled(if: RedisTestServer.shared != nil), .timeLimit(.minutes(1)))
struct LiveTests {
    private let place: QueueOnServer

    init() throws {
        place = QueueOnServer(server: try #require(RedisTestServer.shared))
    }

    private final class Written: LiveOutput {
        private let state = Mutex<(bytes: [UInt8], onMore: (@Sendable () -> Void)?)>(([], nil))

        func write(_ text: String) {
            state.withLock { state in
                state.bytes += Array(text.utf8)
                return state.onMore
            }?()
        }

        func bytes(of stream: LiveStream, from offset: Int, atMost most: Int) -> [UInt8] {
            stream == .stderr ? [] : state.withLock { Array($0.bytes.dropFirst(offset).prefix(most)) }
        }

        func whenMore(_ action: (@Sendable () -> Void)?) {
            state.withLock { $0.onMore = action }
            action?()
        }
    }

    private func begin(_ lease: Lease) -> Written {
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        return written
    }

    private func hear(_ feed: LiveFeed, _ text: String) async throws {
        var heard = ""
        while !heard.hasSuffix(text) {
            for event in try await feed.next(waitingAtMost: .seconds(30)) {
                if case .output(_, let bytes) = event.kind { heard += String(decoding: bytes, as: UTF8.self) }
                #expect(!event.position.isResult)
                if event.position.isResult { return }
            }
        }
    }

    private func interactive(_ id: String) -> NewJob {
        NewJob(id: id, request: Data("{}".utf8), isInteractive: true)
    }

    private func keys(_ pattern: String) throws -> Int {
        Int(try place.redis("EVAL", "return #redis.call('KEYS', ARGV[1])", "0", "\(place.base)bh:\(pattern)")) ?? -1
    }

    @Test("one process tells another of a job that it runs, also one that began unfollowed")
    func followsElsewhere() async throws {
        let (api, worker) = (try place.queue(), try place.queue())
        try await api.add(.sample("j-a"))
        let lease = try await worker.take(by: "w")
        let written = begin(lease)
        written.write("early ")
        let feed = try await api.follow("j-a", after: .start)
        try await hear(feed, "early ")
        written.write("late")
        try await hear(feed, "late")
        try await worker.complete(lease.token, with: .sample("j-a"))
        #expect(try await feed.next(waitingAtMost: .seconds(30)).last?.position == .result(of: 1))
        await api.close()
        await worker.close()
    }

    @Test("of a job that nobody follows nothing is told, and no command is sent for it")
    func costsNothing() async throws {
        let server = try RedisTestServer([])
        var place = place
        place = QueueOnServer(server: server)
        let queue = try place.queue()
        func run(_ id: String, output: String) async throws -> [String: Int] {
            try place.redis("CONFIG", "RESETSTAT")
            try await queue.add(.sample(id))
            let lease = try await queue.take(by: "w")
            begin(lease).write(output)
            try await queue.complete(lease.token, with: .sample(id))
            let text = try place.redis("INFO", "commandstats")
            return Dictionary(
                text.matches(of: /cmdstat_([a-z|]+):calls=(\d+)/).map { (String($0.1), Int($0.2) ?? 0) },
                uniquingKeysWith: { $1 })
        }
        _ = try await run("j-first", output: "")
        let quiet = try await run("j-quiet", output: "")
        let loud = try await run("j-loud", output: String(repeating: "x\n", count: 10_000))
        // The step of the wait for a job, and the tending that happens to fall into it, may differ.
        for name in ["xadd", "publish", "xrange", "append", "getrange"] {
            #expect(quiet[name] == loud[name], "\(name): \(quiet) \(loud)")
        }
        #expect(loud["xrange"] == nil && loud["getrange"] == nil)
        #expect(try place.redis("EXISTS", place.base + "bh:live:j-loud") == "0")
        #expect(try place.redis("HEXISTS", place.base + "j-loud", "live") == "0")
        await queue.close()
    }

    @Test("what is told and sent ends by itself, and with its job")
    func ends() async throws {
        let queue = try place.queue()
        try await queue.add(interactive("j-a"))
        #expect(try await queue.send([1, 2], isEnd: false, toInputOf: "j-a") == .taken)
        let feed = try await queue.follow("j-a", after: .start)
        let lease = try await queue.take(by: "w")
        begin(lease).write("told")
        try await hear(feed, "told")
        func timeToLive(_ key: String) throws -> Int { try #require(Int(try place.redis("PTTL", place.base + key))) }
        #expect((3_500_000...3_600_000).contains(try timeToLive("bh:live:j-a")))
        #expect((600_000_000...604_800_000).contains(try timeToLive("bh:input:j-a")))
        // Taken by the program, and gone here.
        lease.input?.attach(Sink())
        lease.input?.took(1)
        try await eventually { try place.redis("STRLEN", place.base + "bh:input:j-a") == "1" }
        #expect((600_000_000...604_800_000).contains(try timeToLive("bh:input:j-a")))
        try await queue.complete(lease.token, with: .sample("j-a"))
        #expect(try place.redis("EXISTS", place.base + "bh:input:j-a") == "0")
        for field in ["live", "in", "inAt", "inOnce"] {
            #expect(try place.redis("HEXISTS", place.base + "j-a", field) == "0")
        }
        await queue.close()
    }

    private struct Sink: JobInputSink {
        func write(_ bytes: [UInt8]) {}
        func close() {}
    }

    @Test("a worker that lost its lock tells nothing any more, and what it told of its attempt goes")
    func fencing() async throws {
        let options = QueueOptions(lockDuration: .seconds(2))
        let (api, first, second) = (try place.queue(), try place.queue(options), try place.queue(options))
        try await api.add(interactive("j-a"))
        let feed = try await api.follow("j-a", after: .start)
        let lost = try await first.take(by: "first")
        let written = begin(lost)
        written.write("void")
        try await hear(feed, "void")
        try place.redis("DEL", place.base + "j-a:lock")
        #expect(try await api.recoverStalled() == 1)
        let lease = try await second.take(by: "second")
        #expect(lease.attempt == 2)
        begin(lease).write("sound")
        written.write("late")
        try await hear(feed, "sound")
        let stream = place.base + "bh:live:j-a"
        #expect(try Int(place.redis("XLEN", stream)) == 3)
        try await second.complete(lease.token, with: .sample("j-a", attempt: 2))
        #expect(try Int(place.redis("XLEN", stream)) == 3)
        for queue in [api, first, second] { await queue.close() }
    }

    @Test("a word that got lost is made good by the next renewal")
    func lostWords() async throws {
        let (api, worker) = (try place.queue(), try place.queue())
        try await api.add(interactive("j-a"))
        let lease = try await worker.take(by: "w")
        begin(lease).write("told")
        // As `follow` and `send` do, and nobody heard of it.
        try place.redis("HSET", place.base + "j-a", "live", "1")
        try place.redis("APPEND", place.base + "bh:input:j-a", "12345")
        #expect(try keys("live:*") == 0)
        try await worker.renew(lease.token)
        try await eventually { try place.redis("XLEN", place.base + "bh:live:j-a") == "3" }
        lease.input?.attach(Sink())
        lease.input?.took(5)
        try await eventually { try place.redis("STRLEN", place.base + "bh:input:j-a") == "0" }
        await api.close()
        await worker.close()
    }

    @Test("a step whose answer got lost is repeated without telling or sending twice")
    func repeats() async throws {
        let queue = try place.queue()
        try await queue.add(interactive("j-a"))
        let send: [RedisArgument] = ["j-a", "12", "0", "100", "call-1"]
        for _ in 0..<2 { #expect(try await queue.run(.send, send).integer == 0) }
        #expect(try place.redis("GET", place.base + "bh:input:j-a") == "12")
        let lease = try await queue.take(by: "w")
        let tell: [RedisArgument] = [
            "j-a", RedisArgument(lease.token.secret), "1000", "1-0", "1-5", "stdout", "x", "1-6", "stdout", "y",
        ]
        for _ in 0..<2 { #expect(try await queue.run(.tell, tell).integer == 0) }
        #expect(try place.redis("XLEN", place.base + "bh:live:j-a") == "2")
        let receive: [RedisArgument] = ["j-a", RedisArgument(lease.token.secret), "1", "2", "0"]
        for _ in 0..<2 {
            let reply = try await queue.run(.receive, receive)
            #expect(reply[0].integer == 0 && reply[1].string == "" && reply[2].integer == 0)
        }
        #expect(try place.redis("GET", place.base + "bh:input:j-a") == "2")
        await queue.close()
    }
}
