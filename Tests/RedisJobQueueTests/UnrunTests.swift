import Foundation
import JobQueue
import Jobs
import Logging
import RedisTestServer
import Testing

@testable import RedisJobQueue

/// Jobs that end in a queue that several processes share: whoever ends one tells of it, and nobody else.
@Suite("Jobs that end in the queue", .timeLimit(.minutes(1)), .enabled(if: RedisTestServer.shared != nil))
struct UnrunTests {
    private let place: QueueOnServer

    init() throws {
        place = QueueOnServer(server: try #require(RedisTestServer.shared))
    }

    private actor Told {
        private(set) var ends: [String] = []

        func note(_ job: UnrunJob) { ends.append("\(job.result.id) \(job.result.status.rawValue)") }
    }

    /// Several processes' views of one queue, which all tell one listener.
    private func processes(_ count: Int, _ told: Told, _ options: QueueOptions) throws -> [RedisJobQueue] {
        try (0..<count).map { _ in try place.queue(options, onUnrun: { await told.note($0) }) }
    }

    @Test("of several that cancel, tend and sweep at once, one tells")
    func race() async throws {
        let told = Told()
        let options = QueueOptions(lockDuration: .milliseconds(50), maxStalls: 0)
        let queues = try processes(4, told, options)
        let ids = (0..<20).map { "j-\($0)" }
        for id in ids { try await queues[0].add(.sample(id, timeToLive: .milliseconds(1))) }
        for id in ["s-0", "s-1"] { try await queues[0].add(.sample(id)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in queues {
                group.addTask { for id in ids { _ = try await queue.cancel(id) } }
                group.addTask { try await queue.tend() }
            }
            try await group.waitForAll()
        }
        for id in ["s-0", "s-1"] { #expect(try await queues[1].take(by: "w").id == id) }
        // The lock is the server's to end.
        try await eventually {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for queue in queues { group.addTask { try await queue.recoverStalled() } }
                try await group.waitForAll()
            }
            return try await queues[0].counts().finished == 22
        }
        for queue in queues { await queue.close() }
        let ends = await told.ends
        #expect(ends.count == 22 && Set(ends.map { $0.split(separator: " ")[0] }).count == 22, "\(ends)")
        #expect(ends.filter { $0.hasPrefix("s-") }.sorted() == ["s-0 internal_error", "s-1 internal_error"])
    }

    @Test("a job that must not be run is told of by whoever takes and refuses it")
    func refused() async throws {
        let told = Told()
        let queue = try processes(1, told, QueueOptions(lockDuration: .seconds(15)))[0]
        for (id, field, value) in [("j-a", "name", "other"), ("j-b", "cancel", "1"), ("j-c", "defa", "stalled")] {
            try await queue.add(.sample(id))
            try place.redis("HSET", place.base + id, field, value)
        }
        try await queue.add(.sample("j-d"))
        #expect(try await queue.take(by: "w").id == "j-d")
        await queue.close()
        #expect(await told.ends == ["j-a internal_error", "j-b cancelled", "j-c internal_error"])
    }

    @Test("an operator's drain is told of, job for job")
    func drained() async throws {
        let told = Told()
        let queue = try processes(1, told, QueueOptions())[0]
        for id in ["j-a", "j-b"] { try await queue.add(.sample(id)) }
        #expect(try await queue.cancelWaiting(includingDelayed: false) == 2)
        await queue.close()
        #expect(await told.ends.sorted() == ["j-a cancelled", "j-b cancelled"])
    }

    @Test("a step whose answer got lost is told of once")
    func answerLost() async throws {
        let told = Told()
        // A server of its own: the proxy lies in its folder.
        let place = QueueOnServer(server: try RedisTestServer([]))
        let proxy = try CuttingProxy(to: place.server.socketPath)
        let queue = try place.queue(
            at: try RedisServer(url: "unix://\(proxy.path)"), onUnrun: { await told.note($0) })
        // Scripts are loaded before anything is cut.
        try await queue.add(.sample("j-warm"))
        #expect(try await queue.cancel("j-warm") == .cancelled)
        try await queue.add(.sample("j-a"))
        proxy.cutNextAnswer(holding: ":0\r\n")
        #expect(try await queue.cancel("j-a") == .cancelled)
        #expect(proxy.cuts == 1)
        await queue.close()
        #expect(await told.ends == ["j-warm cancelled", "j-a cancelled"])
    }
}
