import Foundation
import Glibc
import RedisTestServer
import Testing

extension EndToEnd {
    /// /metrics, logs and the audit log, of real processes.
    @Suite("Monitoring", .enabled(if: RedisTestServer.shared != nil && Promtool.isThere))
    struct MonitoringTests {
        private let redis: RedisTestServer

        init() throws {
            redis = try #require(RedisTestServer.shared)
        }

        private func port(of child: Child, _ pattern: some RegexComponent<(Substring, Substring)>) throws -> Int {
            var port: Int?
            _ = Eventually.holds(within: .seconds(60)) {
                port = child.standardError.firstMatch(of: pattern).flatMap { Int($0.output.1) }
                return port != nil || child.hasEnded
            }
            return try #require(port, "\(child.standardError)")
        }

        private func isClean(_ scrape: Scrape) throws {
            #expect(scrape.contentType == "text/plain; version=0.0.4; charset=utf-8")
            let verdict = try Promtool.run(["check", "metrics"], input: scrape.text)
            #expect(verdict.code == 0 && verdict.words.isEmpty, "\(verdict.words)")
        }

        /// Returns once a count is there: it is made after the answer is on its way.
        private func eventually(_ port: Int, _ condition: (Scrape) -> Bool) throws -> Scrape {
            var scrape = try Scrape(port: port)
            _ = try Eventually.holds(within: .seconds(20)) {
                scrape = try Scrape(port: port)
                return condition(scrape)
            }
            return scrape
        }

        /// Lines of JSON, all of them.
        private func objects(_ text: String) throws -> [[String: Any]] {
            try text.split(separator: "\n").map { line in
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return try #require(object, "no JSON: \(line)")
            }
        }

        private static let unlike = "some:secret"

        @Test("serve counts what it did; promtool finds nothing; logs and audit speak of the same jobs")
        func serve() throws {
            let folder = try TemporaryFolder()
            let file = folder.url("audit.log").path
            let child = try Child(
                [
                    Installation.bulkhead, "serve", "--port", "0", "--slots", "2", "--log-format", "json",
                    "--audit-log", file,
                ], environment: Installation.environment)
            let port = try self.port(of: child, /http:\\?\/\\?\/127\.0\.0\.1:(\d+)/)
            let before = try Scrape(port: port)
            #expect(before[#"bulkhead_jobs_total{language="bash",status="ok"}"#] == 0)
            #expect(before[#"bulkhead_slots{state="idle"}"#] == 2)
            try isClean(before)

            for (code, status) in [("echo \(Self.unlike)", "ok"), ("exit 3", "nonzero_exit")] {
                let json = try request("bash", code, ["stdin": Self.unlike, "env": ["SECRET": Self.unlike]])
                let response = try HTTP.post("/api/execute", json, port: port)
                #expect(try Answer(response.body).status == status)
            }
            for _ in 0..<2 {
                let c = try HTTP.post(
                    "/api/execute",
                    try request("c", "int main(void) { return 0; }", ["files": [["path": "a.txt", "content": "abc"]]]),
                    port: port)
                #expect(try Answer(c.body).status == "ok")
            }
            let denied = try HTTP.post(
                "/api/execute",
                try request("python", "import ctypes\nctypes.CDLL(None).unshare(0x10000000)"), port: port)
            #expect(try Answer(denied.body).status == "ok")
            #expect(try HTTP.post("/api/execute", #"{"language":"cobol","code":"1"}"#, port: port).status == 400)
            #expect(try HTTP.get("/a/path/of/mine", port: port).status == 404)

            let after = try eventually(port) { $0["bulkhead_audit_lines_total"] == 5 }
            try isClean(after)
            for (series, value) in [
                (#"bulkhead_jobs_total{language="bash",status="ok"}"#, 1),
                (#"bulkhead_jobs_total{language="bash",status="nonzero_exit"}"#, 1),
                (#"bulkhead_jobs_total{language="c",status="ok"}"#, 2),
                (#"bulkhead_jobs_total{language="python",status="ok"}"#, 1),
                (#"bulkhead_job_phase_seconds_count{phase="queue"}"#, 5),
                (#"bulkhead_job_phase_seconds_count{phase="run"}"#, 5),
                (#"bulkhead_job_phase_seconds_count{phase="total"}"#, 5),
                (#"bulkhead_job_phase_seconds_count{phase="compile"}"#, 1),
                (#"bulkhead_compile_cache_requests_total{result="hit"}"#, 1),
                (#"bulkhead_compile_cache_requests_total{result="miss"}"#, 1),
                ("bulkhead_compile_cache_entries", 1),
                ("bulkhead_job_oom_kills_total", 0), ("bulkhead_queue_reachable", 1),
                (#"bulkhead_queue_jobs{state="running"}"#, 0), ("bulkhead_audit_errors_total", 0),
                (#"bulkhead_http_requests_total{route="/api/execute",method="POST",status="2xx"}"#, 5),
                (#"bulkhead_http_requests_total{route="/api/execute",method="POST",status="4xx"}"#, 1),
                (#"bulkhead_http_requests_total{route="unmatched",method="GET",status="4xx"}"#, 1),
                (#"bulkhead_http_request_seconds_count{route="/api/execute"}"#, 6),
            ] as [(String, Double)] {
                #expect(after[series] == value, "\(series): \(after[series] ?? -1)")
            }
            #expect((after["bulkhead_job_denied_syscalls_total"] ?? 0) >= 1)
            #expect((after["bulkhead_memory_budget_peak_bytes"] ?? 0) > 0)
            #expect(after.sum("bulkhead_job_setup_seconds_count") == 5)
            #expect(after.sum("bulkhead_ready_runtime_jobs_total") >= 1)
            #expect(after.sum("bulkhead_slots") >= 2)
            #expect((after["process_resident_memory_bytes"] ?? 0) > 1_048_576)
            #expect((after["process_open_fds"] ?? 0) > 3)
            // No series for what a stranger made up.
            #expect(!after.text.contains("cobol") && !after.text.contains("mine"))

            child.signal(SIGTERM)
            #expect(try child.wait() == 0)
            // Every line is JSON, and none holds what a program is, reads or writes.
            let log = try objects(child.standardError)
            for line in log {
                #expect(Set(line.keys) == ["time", "level", "message", "metadata"])
            }
            let finished = log.filter { $0["message"] as? String == "job finished" }
                .compactMap { $0["metadata"] as? [String: Any] }
            #expect(finished.count == 5 && finished.allSatisfy { ($0["request"] as? String)?.isEmpty == false })
            let audit = try String(contentsOfFile: file, encoding: .utf8)
            let lines = try objects(audit)
            #expect(lines.count == 5)
            #expect(lines.compactMap { $0["job"] as? String } == finished.compactMap { $0["job"] as? String })
            #expect(lines.compactMap { $0["request"] as? String } == finished.compactMap { $0["request"] as? String })
            for text in [child.standardError, audit] {
                #expect(!text.contains(Self.unlike) && !text.contains("SECRET") && !text.contains("unshare(0x"))
            }
            let first = try #require(lines.first)
            let code = first["code"] as? [String: Any]
            // printf 'echo some:secret' | sha256sum
            #expect(code?["sha256"] as? String == Self.sha256("echo \(Self.unlike)"))
            #expect(code?["bytes"] as? Int == 16)
            #expect((first["stdin"] as? [String: Any])?["bytes"] as? Int == 11)
            #expect(first["exitCode"] as? Int == 0 && first["accepted"] as? Bool == true)
            #expect((first["limits"] as? [String: Any])?["wallTimeMs"] as? Int == 10_000)
            #expect((lines[2]["files"] as? [[String: Any]])?.count == 1)
            let names = (lines[4]["deniedSyscalls"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            #expect(names?.contains("unshare") == true)
            var status = stat()
            #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_uid == 0)
        }

        private static func sha256(_ text: String) -> String? {
            let words = try? Child(
                ["/bin/sh", "-c", "printf %s \"$0\" | sha256sum", text], environment: ["PATH": "/usr/bin:/bin"])
            guard let words, (try? words.wait()) == 0 else { return nil }
            return String(decoding: words.standardOutput, as: UTF8.self).split(separator: " ").first.map(String.init)
        }

        @Test("an audit log that cannot be opened keeps the service from starting; a full disk is counted and said")
        func auditFails() throws {
            let refused = try Command.bulkhead(["serve", "--port", "0", "--audit-log", "/nonexistent/audit.log"])
            #expect(refused.exitCode != 0 && refused.error.contains("/nonexistent/audit.log"), "\(refused.error)")
            let server = try Server(slots: 1, options: ["--audit-log", "/dev/full"])
            #expect(try server.execute(try request("bash", "echo 1")).stdout == "1\n")
            let scrape = try eventually(server.port) { $0["bulkhead_audit_errors_total"] == 1 }
            #expect(scrape["bulkhead_audit_errors_total"] == 1 && scrape["bulkhead_audit_lines_total"] == 0)
            #expect(server.child.standardError.contains("audit line not written"))
            #expect(try server.stop() == 0)
        }

        @Test("copytruncate rotates the audit log, and only this process has it open")
        func auditRotates() throws {
            let folder = try TemporaryFolder()
            let file = folder.url("audit.log").path
            let server = try Server(slots: 1, options: ["--audit-log", file])
            func run() throws -> Int {
                _ = try server.execute(try request("bash", "echo 1"))
                var lines = 0
                _ = Eventually.holds(within: .seconds(10)) {
                    lines = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n").count ?? 0
                    return lines > 0
                }
                return lines
            }
            #expect(try run() == 1)
            truncate(file, 0)
            #expect(try run() == 1)
            // Appended at the new end, not behind a hole.
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)).first == UInt8(ascii: "{"))
            for process in ProcessTable.descendants(of: server.driver.pid) {
                #expect(!process.descriptors.contains(file), "\(process)")
            }
            #expect(server.driver.descriptors.contains(file))
            #expect(try server.stop() == 0)
        }

        @Test("api and worker apart: each tells its part, and one request id goes through both logs and the audit log")
        func apart() throws {
            let own = [
                "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)",
                "BULKHEAD_QUEUE_NAME": "monitoring-\(UUID().uuidString)", "BULKHEAD_LOG_FORMAT": "json",
                "BULKHEAD_LOG_LEVEL": "debug",
            ]
            let environment = Installation.environment.merging(own) { $1 }
            let folder = try TemporaryFolder()
            let file = folder.url("audit.log").path
            let api = try Child(
                [Installation.bulkhead, "api", "--port", "0", "--audit-log", file], environment: environment)
            let worker = try Child(
                [
                    Installation.bulkhead, "worker", "--slots", "1", "--metrics-port", "0", "--audit-log", "-",
                    "--allowed-host", "worker-1",
                ], environment: environment)
            let port = try self.port(of: api, /http:\\?\/\\?\/127\.0\.0\.1:(\d+)/)
            let metricsPort = try self.port(of: worker, /http:\\?\/\\?\/127\.0\.0\.1:(\d+)\\?\/metrics/)
            let isKnown = try Eventually.holds(within: .seconds(60)) {
                try HTTP.get("/api/languages", port: port).text.contains("bash")
            }
            #expect(isKnown, "\(worker.standardError)")
            let name = "trace-1:a/B"
            let response = try HTTP.post(
                "/api/execute", try request("bash", "echo 1"), port: port, headers: ["X-Request-Id": name])
            #expect(response.status == 200 && response.headers["x-request-id"] == name, "\(response.text)")

            let ofWorker = try eventually(metricsPort) { $0["bulkhead_audit_lines_total"] == 1 }
            try isClean(ofWorker)
            #expect(ofWorker[#"bulkhead_jobs_total{language="bash",status="ok"}"#] == 1)
            #expect((ofWorker[#"bulkhead_redis_commands_total{connection="blocking"}"#] ?? 0) > 0)
            #expect((ofWorker[#"bulkhead_redis_round_trip_seconds_count{connection="commands"}"#] ?? 0) > 0)
            #expect(try HTTP.get("/api/languages", port: metricsPort).status == 404)
            #expect(try HTTP.get("/metrics", port: metricsPort, host: "worker-1:9464").status == 200)
            #expect(try HTTP.get("/metrics", port: metricsPort, host: "evil.example").status == 421)
            let ofAPI = try Scrape(port: port)
            try isClean(ofAPI)
            #expect(ofAPI["bulkhead_queue_reachable"] == 1 && ofAPI[#"bulkhead_queue_jobs{state="queued"}"#] == 0)
            #expect(
                ofAPI[#"bulkhead_http_requests_total{route="/api/execute",method="POST",status="2xx"}"#] == 1)
            #expect((ofAPI[#"bulkhead_redis_round_trip_seconds_count{connection="commands"}"#] ?? 0) > 0)

            worker.signal(SIGTERM)
            #expect(try worker.wait() == 0)
            // What waits longest is seen to grow old.
            let added = try HTTP.post("/api/jobs", try request("bash", "echo 1"), port: port)
            #expect(added.status == 202)
            let waiting = try eventually(port) { ($0["bulkhead_queue_oldest_job_age_seconds"] ?? 0) > 0.1 }
            #expect((waiting["bulkhead_queue_oldest_job_age_seconds"] ?? 0) > 0.1)
            #expect(waiting[#"bulkhead_queue_jobs{state="queued"}"#] == 1)
            // Whoever ends it as it waits counts it and writes its line: here the API, there the operator's command.
            let place = try #require(added.headers["location"])
            #expect(try HTTP.send("DELETE", place, "", type: "", port: port).status == 200)
            #expect(try HTTP.post("/api/jobs", try request("bash", "echo 2"), port: port).status == 202)
            let drained = try Command.bulkhead(["queue", "drain", "--audit-log", file], environment: own)
            #expect(
                drained.exitCode == 0 && String(decoding: drained.output, as: UTF8.self) == "cancelled: 1\n",
                "\(drained.error)")
            let ended = try Scrape(port: port)
            try isClean(ended)
            #expect(ended[#"bulkhead_jobs_total{language="bash",status="cancelled"}"#] == 1)
            #expect(ended["bulkhead_audit_lines_total"] == 1)
            let ends = try objects(try String(contentsOfFile: file, encoding: .utf8))
            #expect(ends.compactMap { $0["job"] as? String }.first.map { place.hasSuffix($0) } == true)
            #expect(ends.compactMap { $0["status"] as? String } == ["cancelled", "cancelled"])
            #expect(ends.compactMap { $0["language"] as? String } == ["bash", "bash"])
            api.signal(SIGTERM)
            #expect(try api.wait() == 0)
            for child in [api, worker] {
                // At debug, a service group would write down its services with all that they hold.
                #expect(!child.standardError.contains("APIConfiguration("))
                let named = try objects(child.standardError).compactMap { $0["metadata"] as? [String: Any] }
                    .filter { $0["request"] as? String == name }
                #expect(named.contains { ($0["job"] as? String)?.hasPrefix("j-") == true }, "\(child.standardError)")
            }
            let line = try #require(try objects(String(decoding: worker.standardOutput, as: UTF8.self)).first)
            #expect(line["request"] as? String == name && line["status"] as? String == "ok")
        }

        @Test("dashboard, alerts and docs name no metric that is not there, and docs name each that is")
        func named() throws {
            let server = try Server(slots: 1, options: ["--audit-log", "/dev/null"])
            let embedded = try Scrape(port: server.port).names
            #expect(try server.stop() == 0)
            let shared = try Server(
                slots: 1, options: ["--audit-log", "/dev/null"],
                environment: [
                    "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)",
                    "BULKHEAD_QUEUE_NAME": "monitoring-\(UUID().uuidString)",
                ])
            let names = try Scrape(port: shared.port).names.union(embedded)
            #expect(try shared.stop() == 0)
            func mentioned(_ path: String) throws -> Set<String> {
                let text = try String(contentsOfFile: "\(Installation.sources)/\(path)", encoding: .utf8)
                return Set(
                    text.matches(of: /\b(?:bulkhead|process)_[a-z0-9_]+/).map { match in
                        let word = String(match.output)
                        let base = word.replacing(/_(?:bucket|sum|count)$/, with: "")
                        return names.contains(base) ? base : word
                    })
            }
            for path in ["packaging/grafana/bulkhead.json", "packaging/prometheus/bulkhead.rules.yml"] {
                let unknown = try mentioned(path).subtracting(names)
                #expect(unknown.isEmpty, "\(path): \(unknown)")
            }
            #expect(try mentioned("docs/operations.md") == names)
            let dashboard = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: "\(Installation.sources)/packaging/grafana/bulkhead.json")))
            #expect(((dashboard as? [String: Any])?["panels"] as? [Any])?.isEmpty == false)
            let verdict = try Promtool.run(
                ["check", "rules", "\(Installation.sources)/packaging/prometheus/bulkhead.rules.yml"])
            #expect(verdict.code == 0, "\(verdict.words)")
        }
    }
}
