import Foundation
import Glibc
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import RedisTestServer
import Testing

extension EndToEnd {
    /// `bulkhead queue` against a real Redis.
    @Suite("The queue command", .enabled(if: RedisTestServer.shared != nil))
    struct QueueCommandTests {
        private let redis: RedisTestServer
        private let queueName = "command-\(UUID().uuidString)"

        init() throws {
            redis = try #require(RedisTestServer.shared)
        }

        /// As a user without a single capability.
        private func run(_ arguments: [String], url: String? = nil) throws -> (code: Int, output: String, error: String)
        {
            let child = try Child(
                [
                    "/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
                    Installation.bulkhead, "queue",
                ] + arguments,
                environment: Installation.environment.merging([
                    "REDIS_URL": url ?? "redis://127.0.0.1:\(redis.port)", "BULKHEAD_QUEUE_NAME": queueName,
                ]) { $1 })
            let code = try child.wait()
            return (code, String(decoding: child.standardOutput, as: UTF8.self), child.standardError)
        }

        private func json(_ arguments: [String]) throws -> JSONObject {
            let (code, output, error) = try run(arguments + ["--json"])
            #expect(code == 0, "\(error)")
            guard case .object(let object) = try JSONValue(parsing: Array(output.utf8)) else {
                throw Child.Failure(description: "no object: \(output)")
            }
            return object
        }

        @Test("bench measures and leaves nothing in Redis")
        func bench() throws {
            let report = try json(
                ["bench", "--jobs", "60", "--concurrency", "7", "--workers", "2", "--round-trips", "5"])
            #expect(report["jobs"] == .integer(60))
            for name in ["addedPerSecond", "finishedPerSecond", "roundTripP50Ms", "roundTripP99Ms"] {
                #expect(report[name] != nil && report[name] != .double(0), "\(name)")
            }
            let keys = try Child(
                ["/usr/bin/redis-cli", "-p", "\(redis.port)", "--scan", "--pattern", "bull:bench-*"], environment: [:])
            #expect(try keys.wait() == 0)
            #expect(String(decoding: keys.standardOutput, as: UTF8.self) == "")
            #expect(try run(["bench", "--jobs", "0"]).code == 64)
        }

        @Test("a name that a stranger chose begins no line and reaches no terminal as a command")
        func printable() throws {
            let (code, output, _) = try run(["retry", "x\u{1b}[31m\nretried: 9"])
            #expect(code == 1)
            #expect(output == "x\\u{1b}[31m\\u{a}retried: 9: unknown job\nretried: 0\n")
        }

        @Test("status, workers, pause, resume, retry and drain do what they say")
        func operates() async throws {
            let queue = RedisJobQueue(
                server: try redis.server(), settings: RedisQueueOptions(name: queueName),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            func result(_ id: String, _ status: Status) -> ExecutionResult {
                ExecutionResult(
                    id: id, status: status, language: "c", version: "12", attempt: 1, worker: "w", evidence: Evidence())
            }
            func add(_ id: String) async throws { try await queue.add(NewJob(id: id, request: Data("{}".utf8))) }
            for id in ["j-fails", "j-1", "j-2"] { try await add(id) }
            let failing = try await queue.take(by: "w")
            _ = try await queue.fail(
                failing.token, reason: "x", result: result("j-fails", .internalError), mayRetry: false)
            let language = Language(name: "c", version: "12.2.0", image: "default", fileName: "main.c", run: ["./a"])
            try await queue.announce(
                WorkerAnnouncement(
                    id: "w-1", host: "host-1", languages: [language], maxima: .maximum(cores: 2), slots: 4))

            let status = try json(["status"])
            #expect(status["waiting"] == .integer(2))
            #expect(status["failed"] == .integer(1))
            #expect(status["paused"] == .bool(false))
            #expect(status["workers"] == .integer(1))
            #expect(status["slots"] == .integer(4))
            #expect(
                try run(["status"]).output.hasPrefix("open: 2 waiting, 0 delayed, 0 running, 0 completed, 1 failed\n"))
            #expect(try run(["workers"]).output == "host-1  4 slots  c 12.2.0\n")
            guard case .array(let workers)? = try json(["workers"])["workers"],
                case .object(let worker)? = workers.first
            else {
                Issue.record("no workers")
                return
            }
            #expect(workers.count == 1)
            // As the API tells it.
            #expect(
                worker.members.map(\.name)
                    == ["id", "host", "version", "since", "slots", "busy", "languages", "maxima"])

            #expect(try json(["pause"])["changed"] == .bool(true))
            #expect(try json(["pause"])["changed"] == .bool(false))
            #expect(try json(["status"])["paused"] == .bool(true))
            let taking = Task { try await queue.take(by: "w") }
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await queue.counts().running == 0)
            #expect(try json(["resume"])["changed"] == .bool(true))
            #expect(try await taking.value.id == "j-1")

            let (code, output, _) = try run(["retry", "j-fails", "j-2", "j-nobody"])
            #expect(code == 1)
            #expect(output == "j-2: has not failed\nj-nobody: unknown job\nretried: 1\n")
            #expect(try await queue.job("j-fails")?.state == .queued)
            #expect(try json(["retry", "--all"])["retried"] == .array([]))
            for arguments in [["retry"], ["retry", "--all", "j-2"], ["retry", "--all", "--limit", "0"]] {
                #expect(try run(arguments).code == 64, "\(arguments)")
            }

            let waiting = Task { try await queue.result(of: "j-2", waitingAtMost: .seconds(30)) }
            #expect(try json(["drain"])["cancelled"] == .integer(2))
            #expect(try await waiting.value?.status == .cancelled)
            #expect(try json(["status"])["running"] == .integer(1), "what runs goes on")
            await queue.close()
        }

        @Test("a Redis that is away, denies, or speaks TLS is named in one line, without the password")
        func away() throws {
            for command in [["status"], ["workers"], ["pause"], ["resume"], ["retry", "j-a"], ["drain"]] {
                let (code, output, error) = try run(command + ["--json"], url: "redis://:secret@127.0.0.1:1")
                #expect(code == 1)
                #expect(output.isEmpty)
                #expect(error == "bulkhead: queue: Redis is out of reach (127.0.0.1:1)\n")
            }
            let denied = try run(["status"], url: "redis://nobody:secret@127.0.0.1:\(redis.port)")
            #expect(denied.code == 1)
            #expect(denied.error == "bulkhead: queue: Redis denies access (127.0.0.1:\(redis.port))\n")
            for command in ["queue status", "api", "worker"] {
                let tls = try Command.bulkhead(
                    command.split(separator: " ").map(String.init),
                    environment: ["REDIS_URL": "rediss://:secret@example.org:6380"])
                #expect(tls.exitCode == 64)
                #expect(tls.error.contains("stunnel") && !tls.error.contains("secret"), "\(tls.error)")
            }
            let none = try Command.bulkhead(["queue", "status"])
            #expect(none.exitCode == 2)
            #expect(none.error == "bulkhead: bulkhead queue needs a Redis: REDIS_URL=redis://127.0.0.1:6379\n")
        }
    }
}
