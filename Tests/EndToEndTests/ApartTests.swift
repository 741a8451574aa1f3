import Foundation
import Glibc
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import RedisTestServer
import Testing

extension EndToEnd {
    /// `bulkhead api` and `bulkhead worker`, with a Redis between them.
    @Suite("API and workers apart", .enabled(if: RedisTestServer.shared != nil))
    struct ApartTests {
        private let redis: RedisTestServer
        private let queueName = "apart-\(UUID().uuidString)"

        init() throws {
            redis = try #require(RedisTestServer.shared)
        }

        private func start(
            _ command: [String], redisPort: Int? = nil, environment: [String: String] = [:]
        ) throws -> Child {
            let own = [
                "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redisPort ?? redis.port)", "BULKHEAD_QUEUE_NAME": queueName,
            ]
            return try Child(
                command, environment: Installation.environment.merging(own) { $1 }.merging(environment) { $1 })
        }

        /// An API without a single capability.
        private func startAPI(redisPort: Int? = nil) throws -> (child: Child, port: Int) {
            let child = try start(
                [
                    "/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
                    Installation.bulkhead,
                    "api", "--port", "0",
                ], redisPort: redisPort)
            var port: Int?
            _ = Eventually.holds(within: .seconds(60)) {
                let url = child.standardError.firstMatch(of: /url=http:\/\/127\.0\.0\.1:(\d+)/)
                port = url.flatMap { Int($0.1) }
                return port != nil || child.hasEnded
            }
            return (child, try #require(port, "\(child.standardError)"))
        }

        private func stop(_ child: Child) throws {
            child.signal(SIGTERM)
            #expect(try child.wait() == 0, "\(child.standardError)")
        }

        private func bash(_ cpus: Int, _ code: String = "echo ran") throws -> String {
            try request("bash", code, ["limits": ["cpus": cpus]])
        }

        /// The member of a JSON answer, where it is text.
        private func text(_ name: String, _ response: HTTP.Response) -> String {
            let object = try? JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
            return object?[name] as? String ?? ""
        }

        @Test("a job's id, which whoever writes to the queue chooses, begins no line of the log")
        func logLines() async throws {
            let queue = RedisJobQueue(
                server: try redis.server(), settings: RedisQueueOptions(name: queueName),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            _ = try await queue.add(
                NewJob(id: "evil\u{1b}[31m\nerror: forged", request: Data(try bash(1).utf8)))
            let worker = try start([Installation.bulkhead, "worker", "--slots", "1", "--log-level", "debug"])
            #expect(
                Eventually.holds(within: .seconds(60)) {
                    worker.standardError.contains("job finished") || worker.hasEnded
                },
                "\(worker.standardError)")
            await queue.close()
            try stop(worker)
            #expect(worker.standardError.contains("job=evil\\u{1b}[31m\\u{a}error: forged"), "\(worker.standardError)")
            #expect(!worker.standardError.contains("\nerror: forged") && !worker.standardError.contains("\u{1b}"))
        }

        @Test("a request is measured by the workers that live, and a worker passes on what only another can run")
        func union() async throws {
            let (api, port) = try startAPI()
            #expect(ProcessEntry(pid: api.pid)?.status("CapPrm") == "0000000000000000")
            func post(_ path: String, _ json: String) throws -> HTTP.Response { try HTTP.post(path, json, port: port) }
            /// Returns once the answer is as wanted: who lives is looked up once a second.
            func eventually(
                _ what: @autoclosure () -> String, within limit: Duration = .seconds(30), _ condition: () throws -> Bool
            ) rethrows {
                let holds = try Eventually.holds(within: limit, condition)
                #expect(holds, "\(what())")
            }

            // Nobody works: whatever the request asks for, that is what is wrong.
            let nobody = try post("/api/execute", try bash(48))
            #expect(nobody.status == 503)
            #expect(text("code", nobody) == "language_not_served", "\(nobody.text)")

            // A large worker lives, as far as anybody can tell.
            let queue = RedisJobQueue(
                server: try redis.server(), settings: RedisQueueOptions(name: queueName),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let large = WorkerAnnouncement(
                id: "large", host: "elsewhere",
                languages: [
                    Language(
                        name: "bash", version: "5.2.15", image: "default", fileName: "main.sh",
                        run: ["/usr/bin/bash", "{file}"])
                ], maxima: .maximum(cores: 48), slots: 1)
            let announcing = Task { await queue.keepAnnouncing(large) }
            try eventually("the large worker is not known") {
                try HTTP.get("/api/languages", port: port).text.contains("bash")
            }
            let over = try post("/api/jobs", try bash(49))
            #expect(over.status == 400)
            #expect(over.text.contains("#/limits/cpus") && over.text.contains("48"), "\(over.text)")

            // A real one beside it, with this host's few processors.
            let worker = try start([Installation.bulkhead, "worker", "--slots", "2"])
            try eventually("no worker: \(worker.standardError)", within: .seconds(60)) {
                try HTTP.get("/api/languages", port: port).text.contains("python")
            }
            let accepted = try post("/api/jobs", try bash(48))
            #expect(accepted.status == 202, "\(accepted.text)")
            let path = "/api/jobs/\(text("id", accepted))"
            eventually("never passed on: \(worker.standardError)") { worker.standardError.contains("passed on") }
            // What goes round does not keep the others waiting.
            let small = try Answer(try post("/api/execute", try bash(1)).body)
            #expect(small.stdout == "ran\n")
            #expect(["queued", "running"].contains(text("state", try HTTP.get(path, port: port))))

            // Without the large worker nobody can run it, and the API takes no more of the kind.
            announcing.cancel()
            await announcing.value
            try eventually("never failed") { text("state", try HTTP.get(path, port: port)) == "finished" }
            let end = try HTTP.get(path, port: port).text
            #expect(end.contains("internal_error") && end.contains("#/limits/cpus"), "\(end)")
            try eventually("still taken") { try post("/api/jobs", try bash(48)).status == 400 }
            await queue.close()
            try stop(worker)
            try stop(api)
            #expect(Instance.leftOvers().isEmpty)
        }

        /// What `GET /api/workers` answers; nil where nobody can tell.
        private func workers(_ port: Int) throws -> [[String: Any]]? {
            let response = try HTTP.get("/api/workers", port: port)
            let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
            return object?["workers"] as? [[String: Any]]
        }

        @Test("the workers that live are told, each with what it does, and one that goes no more")
        func tellsWorkers() async throws {
            let (api, port) = try startAPI()
            #expect(try workers(port)?.isEmpty == true)
            let all = try [1, 2].map { try start([Installation.bulkhead, "worker", "--slots", "\($0)"]) }
            let areKnown = try Eventually.holds(within: .seconds(60)) { try workers(port)?.count == 2 }
            #expect(areKnown, "\(all.map(\.standardError))")
            let told = try #require(try workers(port)).sorted {
                ($0["slots"] as? Int ?? 0) < ($1["slots"] as? Int ?? 0)
            }
            #expect(told.map { $0["slots"] as? Int } == [1, 2])
            #expect(told.map { $0["busy"] as? Int } == [0, 0])
            let ids = told.compactMap { $0["id"] as? String }
            #expect(Set(ids).count == 2)
            for worker in told {
                #expect(
                    (worker["host"] as? String)?.isEmpty == false && (worker["version"] as? String)?.isEmpty == false)
                let languages = worker["languages"] as? [[String: String]]
                #expect(languages?.contains { $0["name"] == "bash" && $0["version"]?.hasPrefix("5.") == true } == true)
                #expect(((worker["maxima"] as? [String: Any])?["memoryBytes"] as? Int ?? 0) > 0)
                let since = try Date(
                    #require(worker["since"] as? String),
                    strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
                #expect((0..<300).contains(Date().timeIntervalSince(since)), "\(since)")
            }
            // How busy they are is said with the next announcement.
            let long = try request("bash", "sleep 60", ["timeout": 60_000])
            let running = try HTTP.post("/api/jobs", long, port: port)
            let isBusy = try Eventually.holds(within: .seconds(20)) {
                try workers(port)?.compactMap { $0["busy"] as? Int }.sorted() == [0, 1]
            }
            #expect(isBusy)
            #expect(try Set(workers(port)?.compactMap { $0["id"] as? String } ?? []) == Set(ids), "the same workers")
            let path = "/api/jobs/\(text("id", running))"
            #expect(try HTTP.send("DELETE", path, "", type: "", port: port).status == 200)
            try stop(all[0])
            let isGone = try Eventually.holds(within: .seconds(10)) {
                try workers(port)?.compactMap { $0["id"] as? String } == [ids[1]]
            }
            #expect(isGone)
            try stop(all[1])
            try stop(api)
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("a lock that is none is refused")
        func refusesLock() throws {
            let settings = [["BULKHEAD_LOCK_DURATION": "0"], ["BULKHEAD_STALLED_INTERVAL": "soon"]]
            for setting in settings {
                let api = try start([Installation.bulkhead, "api", "--port", "0"], environment: setting)
                #expect(try api.wait() == 64)
                #expect(api.standardError.contains(try #require(setting.keys.first)), "\(api.standardError)")
            }
        }

        @Test("SIGTERM lets a worker end its job, which is answered, and take no other")
        func workerStops() async throws {
            let (api, port) = try startAPI()
            let worker = try start([Installation.bulkhead, "worker", "--slots", "1"])
            let isKnown = try Eventually.holds(within: .seconds(60)) {
                try HTTP.get("/api/languages", port: port).text.contains("bash")
            }
            #expect(isKnown, "\(worker.standardError)")
            let running = try HTTP.post("/api/jobs", try bash(1, "echo begun; sleep 2; echo ended"), port: port)
            let path = "/api/jobs/\(text("id", running))"
            let isRunning = try Eventually.holds(within: .seconds(20)) {
                text("state", try HTTP.get(path, port: port)) == "running"
            }
            #expect(isRunning)
            let next = try HTTP.post("/api/jobs", try bash(1), port: port)
            try stop(worker)
            #expect(try HTTP.get(path, port: port).text.contains(#""stdout":"begun\nended\n""#))
            #expect(text("state", try HTTP.get("/api/jobs/\(text("id", next))", port: port)) == "queued")
            try stop(api)
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("the job of a launcher that was killed is not failed, but run again by another worker")
        func launcherDies() async throws {
            let locks = ["BULKHEAD_LOCK_DURATION": "3", "BULKHEAD_STALLED_INTERVAL": "1"]
            func startWorker() throws -> Child {
                try start([Installation.bulkhead, "worker", "--slots", "2"], environment: locks)
            }
            let (api, port) = try startAPI()
            let worker = try startWorker()
            let isKnown = try Eventually.holds(within: .seconds(60)) {
                try HTTP.get("/api/languages", port: port).text.contains("bash")
            }
            #expect(isKnown, "\(worker.standardError)")
            let paths = try (0..<2).map { _ in
                "/api/jobs/" + text("id", try HTTP.post("/api/jobs", try bash(1, "sleep 1; echo ran"), port: port))
            }
            let areRunning = try Eventually.holds(within: .seconds(20)) {
                try paths.allSatisfy { text("state", try HTTP.get($0, port: port)) == "running" }
            }
            #expect(areRunning)
            for launcher in ProcessTable.children(of: worker.pid) { kill(launcher.pid, SIGKILL) }
            #expect(try worker.wait() == 1, "\(worker.standardError)")
            let other = try startWorker()
            for path in paths {
                let isDone = try Eventually.holds(within: .seconds(30)) {
                    text("state", try HTTP.get(path, port: port)) == "finished"
                }
                let end = try HTTP.get(path, port: port).text
                #expect(isDone && end.contains(#""stdout":"ran\n""#) && end.contains(#""attempt":2"#), "\(end)")
            }
            try stop(other)
            try stop(api)
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("a Redis that is away is named at once; the API lives")
        func away() throws {
            // Nobody listens on port 1.
            let (api, port) = try startAPI(redisPort: 1)
            for path in ["/readyz", "/api/languages", "/api/workers", "/api/jobs/j-00000000000000000000000000"] {
                let response = try HTTP.get(path, port: port)
                #expect(response.status == 503)
                #expect(text("code", response) == "queue_unavailable", "\(response.text)")
            }
            for path in ["/api/execute", "/api/jobs"] {
                let response = try HTTP.post(path, try bash(1), port: port)
                #expect(response.status == 503)
                #expect(text("code", response) == "queue_unavailable", "\(response.text)")
                #expect(response.headers["retry-after"] != nil)
            }
            #expect(try HTTP.get("/healthz", port: port).status == 200)
            try stop(api)
        }
    }
}
