import Foundation
import Glibc
import RedisTestServer
import Testing

extension EndToEnd {
    /// Jobs that are followed, and talked to, while they run: in one process, and with a Redis between two.
    @Suite("Live")
    struct LiveTests {
        /// Says something now and then, and repeats what it is told.
        private static let chatter = """
            import sys, time
            print("ready", flush=True)
            for line in sys.stdin:
                print("heard " + line.strip(), flush=True)
                time.sleep(0.05)
                print("é" * 3, flush=True)
            print("bye", flush=True)
            time.sleep(60)
            """

        private func id(_ response: HTTP.Response) throws -> String {
            let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
            return try #require(object?["id"] as? String, "\(response.text)")
        }

        private func add(_ code: String, port: Int, _ more: [String: Any] = [:]) throws -> String {
            let response = try HTTP.post("/api/jobs", try request("python", code, more), port: port)
            #expect(response.status == 202)
            return "/api/jobs/\(try id(response))"
        }

        private func send(_ text: String, to path: String, port: Int, query: String = "") throws -> Int {
            try HTTP.send("POST", "\(path)/stdin\(query)", text, type: "text/plain", port: port).status
        }

        /// The story of a job that is followed, fed, resumed and cancelled.
        private func converse(port: Int) throws {
            let path = try add(Self.chatter, port: port, ["interactive": true, "stdin": "zero\n"])
            let stream = try EventStream(path, port: port)
            var events = try stream.read { $0.name == "stdout" && $0.text("text")?.contains("ready") == true }
            #expect(events.prefix(4).map(\.name) == ["queued", "started", "stage", "stdout"])
            #expect(events[2].text("stage") == "run")
            #expect(try send("one\n", to: path, port: port) == 204)
            func hear(_ word: String) throws {
                var text = events.output()
                while !text.contains(word) {
                    events.append(try #require(try stream.next(), "\(events)"))
                    text = events.output()
                }
            }
            try hear("heard one\nééé\n")
            // Somebody else comes late, and one comes again.
            let late = try EventStream(path, port: port)
            #expect(try late.read { $0.id == events.last?.id }.output() == events.output())
            let place = try #require(events.last { $0.name == "stdout" })
            let again = try EventStream(path, port: port, after: place.id)
            #expect(try send("two\n", to: path, port: port) == 204)
            #expect(try send("", to: path, port: port, query: "?eof=true") == 204)
            #expect(try send("x", to: path, port: port) == 409)
            try hear("bye\n")
            #expect(events.output() == "ready\nheard zero\nééé\nheard one\nééé\nheard two\nééé\nbye\n")
            let rest = try again.read { $0.text("text")?.contains("bye") == true }
            #expect(rest.output() == "heard two\nééé\nbye\n")
            #expect(try HTTP.send("DELETE", path, "", type: "", port: port).status == 200)
            let end = try stream.read()
            #expect(end.map(\.name) == ["result"])
            #expect(end.last?.member("result")?["status"] as? String == "cancelled")
            #expect(end.last?.member("result")?["stdout"] as? String == events.output())
            #expect(try late.read().last?.name == "result")
            #expect(try again.read() == end)
            // The same for one who comes when it is over.
            let after = try EventStream(path, port: port).read()
            #expect(after.output() == events.output() && after.last == end.last, "\(after)")
            let missed = try EventStream(path, port: port, after: place.id).read()
            #expect(missed.output() == "heard two\nééé\nbye\n")
            #expect(try send("x", to: path, port: port) == 409)
        }

        /// A client that never reads, beside one that does.
        private func ignore(port: Int) throws {
            let code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
            let path = try add(code, port: port, ["limits": ["outputBytes": 8 << 20]])
            let idle = try EventStream(path, port: port, receiveBuffer: 4_096)
            let events = try EventStream(path, port: port).read()
            #expect(events.output().utf8.count == 8 << 20)
            let result = events.last?.member("result")
            #expect(result?["status"] as? String == "output_limit")
            #expect((result?["wallTimeMs"] as? Double).map { $0 < 5_000 } == true, "\(result?["wallTimeMs"] ?? 0)")
            withExtendedLifetime(idle) {}
        }

        private func compiles(port: Int) throws {
            let body = try request("c", "#include <stdio.h>\nint main(void) { puts(\"built\"); return 3; }")
            let path = "/api/jobs/\(try id(try HTTP.post("/api/jobs", body, port: port)))"
            let events = try EventStream(path, port: port).read()
            #expect(events.map(\.name) == ["queued", "started", "stage", "stage", "stdout", "result"])
            #expect(events.filter { $0.name == "stage" }.map { $0.text("stage") } == ["compile", "run"])
            #expect(events.output() == "built\n")
        }

        @Test("in one process: followed, fed, resumed, cancelled, ignored")
        func serve() throws {
            let server = try Server(slots: 2)
            try converse(port: server.port)
            try ignore(port: server.port)
            try compiles(port: server.port)
            #expect(try server.stop() == 0)
        }

        @Test("a program that does not read its stdin gets 64 KiB and its pipe's, and no more")
        func fullInput() throws {
            let server = try Server(slots: 1)
            let path = try add(
                "print(1, flush=True)\nimport time\ntime.sleep(60)", port: server.port, ["interactive": true])
            _ = try EventStream(path, port: server.port).read { $0.name == "stdout" }
            let piece = String(repeating: "x", count: 16 << 10)
            var taken = 0
            var last = 204
            while last == 204, taken < 64 {
                last = try send(piece, to: path, port: server.port)
                if last == 204 { taken += 1 }
                usleep(20_000)
            }
            #expect(last == 429)
            // 64 KiB wait here, and as many in the pipe (pipe(7)).
            #expect(taken == 8)
            #expect(try HTTP.send("DELETE", path, "", type: "", port: server.port).status == 200)
            #expect(try server.stop() == 0)
        }

        @Test("API and worker apart: the same, through Redis", .enabled(if: RedisTestServer.shared != nil))
        func apart() throws {
            let redis = try #require(RedisTestServer.shared)
            let queue = "live-\(UUID().uuidString)"
            let own = ["REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)", "BULKHEAD_QUEUE_NAME": queue]
            let environment = Installation.environment.merging(own) { $1 }
            let api = try Child([Installation.bulkhead, "api", "--port", "0"], environment: environment)
            let worker = try Child([Installation.bulkhead, "worker", "--slots", "2"], environment: environment)
            var found: Int?
            let isUp = try Eventually.holds(within: .seconds(60)) {
                found = api.standardError.firstMatch(of: /url=http:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) }
                return try found.map { try HTTP.get("/api/languages", port: $0).text.contains("python") } ?? false
            }
            #expect(isUp, "\(api.standardError) \(worker.standardError)")
            let port = try #require(found)
            // Nobody follows this one: nothing of it is in Redis but what ever was.
            let quiet = try HTTP.post("/api/execute", try request("python", "print('x' * 1000)"), port: port)
            #expect(quiet.status == 200)
            let script = "return #redis.call('KEYS', ARGV[1])"
            for pattern in ["live*", "input*"] {
                #expect(try redis.command(["EVAL", script, "0", "bull:\(queue):bh:\(pattern)"]) == "0")
            }
            let hash = "bull:\(queue):\(try id(quiet))"
            for field in ["live", "in"] { #expect(try redis.command(["HEXISTS", hash, field]) == "0") }
            try converse(port: port)
            try ignore(port: port)
            try compiles(port: port)
            for child in [worker, api] {
                child.signal(SIGTERM)
                #expect(try child.wait() == 0, "\(child.standardError)")
            }
            #expect(Instance.leftOvers().isEmpty)
        }
    }
}
