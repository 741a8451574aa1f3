import Foundation
import Glibc
import Synchronization
import Testing

extension EndToEnd {
    /// API keys from the command line to the jobs, and what is refused without them.
    @Suite("API keys")
    struct KeysTests {
        private let folder: TemporaryFolder
        private var file: String { "\(folder.path)/keys.json" }

        init() throws {
            folder = try TemporaryFolder()
        }

        /// Makes a key.
        /// - Returns: the field of a request that shows it.
        private func add(_ name: String, _ options: String...) throws -> [String: String] {
            let command = try Command.bulkhead(["keys", "add", name, "--keys", file] + options)
            guard command.exitCode == 0 else { throw Child.Failure(description: command.error) }
            let key = command.text.trimmingCharacters(in: .newlines)
            #expect(key.hasPrefix("bh_") && !command.error.contains(key))
            return ["authorization": "Bearer \(key)"]
        }

        private func serve(slots: Int, _ options: String...) throws -> Server {
            try Server(slots: slots, options: ["--keys", file] + options)
        }

        @Test(
            "a key is made, listed, used and revoked; the file, and no more than the digest, is for the service to read"
        )
        func life() throws {
            let key = try add(
                "ci", "--rate", "600/m", "--concurrency", "3", "--max-memory", "64M", "--max-cpu-time", "2s")
            let admin = try add("root", "--scope", "admin")
            let list = try Command.bulkhead(["keys", "list", "--keys", file])
            #expect(list.text.contains("ci  execute,read  rate 600/m  concurrency 3"))
            #expect(list.text.contains("memoryBytes 67108864") && list.text.contains("root  admin"))
            #expect(try Command.bulkhead(["keys", "add", "bad name", "--keys", file]).exitCode == 1)
            #expect(try Command.bulkhead(["keys", "add", "ci", "--keys", file]).exitCode == 1)
            #expect(try Command.bulkhead(["keys", "add", "x", "--keys", file, "--scope", "all"]).exitCode == 64)
            #expect(try Command.bulkhead(["keys", "revoke", "nobody", "--keys", file]).exitCode == 1)

            let audit = "\(folder.path)/audit"
            let server = try serve(slots: 1, "--audit-log", audit, "--metrics-port", "0")
            let program = try request("bash", "ulimit -t; echo $0", ["limits": ["wallTimeMs": 5_000]])
            #expect(try HTTP.post("/api/execute", program, port: server.port).status == 401)
            let response = try HTTP.post("/api/execute", program, port: server.port, headers: key)
            #expect(response.status == 200)
            let answer = try Answer(response.body)
            #expect(answer.status == "ok")
            #expect(response.text.contains(#""memoryBytes":67108864"#) && response.text.contains(#""cpuTimeMs":2000"#))
            let over = try request("bash", "true", ["limits": ["memoryBytes": 65 << 20]])
            let refused = try HTTP.post("/api/execute", over, port: server.port, headers: key)
            #expect(refused.status == 400 && refused.text.contains("67108864"))
            #expect(try HTTP.get("/api/jobs/\(answer.id)", port: server.port, headers: key).status == 200)
            #expect(try HTTP.get("/api/jobs/\(answer.id)", port: server.port, headers: admin).status == 200)
            #expect(try HTTP.get("/health", port: server.port).status == 200)
            // How much goes on is for an admin, and for whoever reaches the port that is there for it.
            #expect(try HTTP.get("/metrics", port: server.port, headers: key).status == 403)
            #expect(try HTTP.get("/metrics", port: server.port, headers: admin).status == 200)
            // So is who works here: this process, with its one slot.
            #expect(try HTTP.get("/api/workers", port: server.port, headers: key).status == 403)
            let workers = try HTTP.get("/api/workers", port: server.port, headers: admin)
            #expect(workers.status == 200 && workers.text.contains(#""slots":1,"busy":0,"#), "\(workers.text)")
            #expect(workers.text.contains(#"{"name":"bash","version":"5."#), "\(workers.text)")
            let line = try #require(server.child.standardError.firstMatch(of: /:(\d+)\/metrics/))
            let metricsPort = try #require(Int(line.output.1))
            let figures = try HTTP.get("/metrics", port: metricsPort)
            #expect(
                figures.status == 200 && figures.text.contains(#"bulkhead_jobs_total{language="bash",status="ok"} 1"#))
            #expect(try HTTP.get("/api/languages", port: metricsPort).status == 404)

            // Made while it runs, seen within a second; revoked as well. The process that sees it is root no more.
            let late = try add("late")
            #expect(
                try Eventually.holds(within: .seconds(10)) {
                    try HTTP.get("/api/languages", port: server.port, headers: late).status == 200
                })
            #expect(try HTTP.get("/api/jobs/\(answer.id)", port: server.port, headers: late).status == 404)
            #expect(try Command.bulkhead(["keys", "revoke", "ci", "--keys", file]).exitCode == 0)
            #expect(
                try Eventually.holds(within: .seconds(10)) {
                    try HTTP.get("/api/languages", port: server.port, headers: key).status == 401
                })
            // A broken file changes nothing, and the log says what that means.
            try Data("{".utf8).write(to: folder.url("keys.json"))
            var isInForce = true
            let isSaid = try Eventually.holds(within: .seconds(10)) {
                let status = try HTTP.get("/api/languages", port: server.port, headers: late).status
                isInForce = isInForce && status == 200
                return server.child.standardError.contains("what was revoked since then still opens")
            }
            #expect(isSaid && isInForce)
            #expect(try server.stop() == 0)
            #expect(try String(contentsOfFile: audit, encoding: .utf8).contains(#""key":"ci""#))
            for secret in [key, late, admin] {
                let text = try #require(secret["authorization"]?.dropFirst("Bearer ".count))
                #expect(!server.child.standardError.contains(text))
            }
            // It does not begin with it.
            let broken = try Command.bulkhead(["serve", "--port", "0", "--slots", "1", "--keys", file])
            #expect(broken.exitCode != 0 && broken.error.contains("keys.json"), "\(broken.error)")
        }

        @Test("of a hundred clients at once no more run than the key may have; the others are told to come again")
        func concurrency() async throws {
            let key = try add("few", "--concurrency", "3")
            let server = try serve(slots: 8)
            let program = try request("bash", "date +%s%N; sleep 1.5; date +%s%N", ["onDisconnect": "continue"])
            let responses = try await concurrently(0..<100) { _ in
                try HTTP.post("/api/execute", program, port: server.port, headers: key)
            }
            let refused = responses.filter { $0.status == 429 }
            let done = responses.filter { $0.status == 200 }
            #expect(refused.count + done.count == 100)
            #expect(done.count >= 3 && refused.count > 50)
            for response in refused {
                #expect(response.headers["retry-after"].flatMap { Int($0) } ?? 0 >= 1)
                #expect(response.text.contains("too_many_jobs"))
            }
            // How many ran at each beginning of one, by the programs' own clocks.
            let spans = try done.map { response in
                let times = try Answer(response.body).stdout.split(separator: "\n").compactMap { Int($0) }
                return (first: try #require(times.first), last: try #require(times.last))
            }
            for span in spans {
                #expect(spans.filter { $0.first <= span.first && span.first < $0.last }.count <= 3)
            }
            #expect(try server.stop() == 0)
        }

        @Test("a flood by one key does not starve another: its jobs wait for one job each")
        func fairness() throws {
            let flood = try add("flood")
            let other = try add("other")
            let server = try serve(slots: 1)
            let program = try request("bash", "sleep 0.1")
            func post(_ key: [String: String]) throws -> String {
                let response = try HTTP.post("/api/jobs", program, port: server.port, headers: key)
                #expect(response.status == 202)
                let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
                return try #require(object?["id"] as? String)
            }
            func startedAt(_ id: String, _ key: [String: String]) throws -> String {
                var text: String?
                _ = try Eventually.holds(within: .seconds(60)) {
                    let response = try HTTP.get("/api/jobs/\(id)", port: server.port, headers: key)
                    let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
                    if object?["state"] as? String == "finished" { text = object?["startedAt"] as? String }
                    return text != nil
                }
                // RFC 3339 in UTC: the order of the text is that of the times.
                return try #require(text)
            }
            let many = try (0..<40).map { _ in try post(flood) }
            let few = try (0..<3).map { _ in try post(other) }
            let others = try few.map { try startedAt($0, other) }
            let floods = try many.map { try startedAt($0, flood) }
            let order = (floods.map { ($0, "flood") } + others.map { ($0, "other") }).sorted { $0.0 < $1.0 }.map(\.1)
            let places = order.indices.filter { order[$0] == "other" }
            #expect(places.count == 3)
            for (place, next) in zip(places, places.dropFirst()) { #expect(next - place <= 2, "\(order)") }
            #expect(order.suffix(20).allSatisfy { $0 == "flood" }, "the others were not the last ones")
            #expect(try server.stop() == 0)
        }

        @Test("without keys it listens on loopback only, and says the line that changes it")
        func loopbackOnly() throws {
            for (arguments, words) in [
                (["serve", "--host", "0.0.0.0", "--port", "0"], ["bulkhead keys add", "--without-keys"]),
                (["serve", "--host", "::", "--port", "0"], ["bulkhead keys add"]),
                (["serve", "--keys", file], ["bulkhead keys add NAME --keys \(file)"]),
                (["serve", "--keys", file, "--without-keys"], ["contradict"]),
                (["serve", "--keys", "", "--port", "0", "--slots", "1"], ["--keys must name a file"]),
                (["serve", "--cors-origin", "*"], ["--cors-origin"]),
                (["serve", "--allowed-host", "a:1"], ["--allowed-host"]),
            ] {
                let command = try Command.bulkhead(arguments)
                #expect([2, 64].contains(command.exitCode), "\(arguments)")
                for word in words { #expect(command.error.contains(word), "\(command.error)") }
            }
            let api = try Command.bulkhead(
                ["api", "--host", "192.0.2.1"], environment: ["REDIS_URL": "redis://127.0.0.1:1"])
            #expect(api.exitCode == 2 && api.error.contains("--keys FILE"), "\(api.error)")
        }

        @Test("a thousand connections that say nothing keep no job waiting")
        func idleConnections() throws {
            var limit = rlimit()
            #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            if limit.rlim_cur < 4_096 {
                limit.rlim_cur = min(4_096, limit.rlim_max)
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            }
            let server = try Server(slots: 1)
            var descriptors: [Int32] = []
            defer { for descriptor in descriptors { close(descriptor) } }
            for _ in 0..<1_000 { descriptors.append(try HTTP.connect(port: server.port)) }
            // Within less than they may stay.
            let response = try HTTP.post(
                "/api/execute", try request("bash", "echo through"), port: server.port, seconds: 20)
            #expect(try Answer(response.body).stdout == "through\n")
            #expect(try server.stop() == 0)
        }
    }
}
