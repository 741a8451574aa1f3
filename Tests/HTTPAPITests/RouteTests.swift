import Foundation
import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Logging
import NIOCore
import Synchronization
import Testing

@testable import HTTPAPI

@Suite(.timeLimit(.minutes(1))) struct RouteTests {
    @Test func answersAnExecutionWithItsResult() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            async let lease = fixture.runNext()
            let response = try await client.post("/api/execute", Fixture.sample)
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/json")
            let id = try await lease.id
            #expect(JobID(id) != nil)
            #expect(response.headers[.location] == "/api/jobs/\(id)")
            #expect(try ExecutionResult(json: Data(response.body.readableBytesView)) == Fixture.result(id))
            // The worker reads what the client wrote.
            #expect(try await lease.request == Data(Fixture.sample.utf8))
        }
    }

    @Test(arguments: [Status.nonzeroExit, .wallTimeLimit, .compileError, .internalError])
    func answers200WhateverTheProgramDid(status: Status) async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            async let lease = fixture.runNext(status)
            let response = try await client.post("/api/execute", Fixture.sample)
            #expect(response.status == .ok)
            #expect(try response.json["status"] == .string(status.rawValue))
            _ = try await lease
        }
    }

    @Test func handsCollectedFilesBack() async throws {
        let fixture = Fixture()
        let body = #"{"language":"javascript","code":"1","collect":["out/*.png","a.txt"]}"#
        try await fixture.test { client in
            async let lease = fixture.queue.take(by: "test")
            async let response = client.post("/api/execute", body)
            var result = Fixture.result(try await lease.id)
            result.files = [
                CollectedFile(path: "out/a.png", contents: [0x89, 0x50]),
                CollectedFile(path: "a.txt", content: nil, bytes: 0, skipped: "no such file"),
            ]
            #expect(try await lease.request == Data(body.utf8))
            try await fixture.queue.complete(lease.token, with: result)
            let answer = try await response
            #expect(answer.status == .ok)
            #expect(
                try answer.json["files"]
                    == .array([
                        .object([
                            "path": .string("out/a.png"), "content": .string("iVA="), "encoding": .string("base64"),
                            "bytes": .integer(2),
                        ]),
                        .object([
                            "path": .string("a.txt"), "content": .null, "encoding": .string("utf8"),
                            "bytes": .integer(0), "skipped": .string("no such file"),
                        ]),
                    ]))
        }
    }

    @Test func refusesWhatCannotBeCollected() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let response = try await client.post(
                "/api/execute", #"{"language":"javascript","code":"1","collect":["ok","../x"]}"#)
            try response.expectProblem(.badRequest, "invalid_request")
            guard case .array(let errors)? = try response.json["errors"], case .object(let error)? = errors.first else {
                Issue.record("no errors")
                return
            }
            #expect(errors.count == 1)
            #expect(error["pointer"] == .string("#/collect/1"))
            #expect(error["code"] == .string("invalid_value"))
        }
    }

    @Test func answers202WhenTheClientWaitsNoLonger() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            for (prefer, applied) in [("wait=0", "respond-async"), ("respond-async", "respond-async")] {
                let headers: HTTPFields = [.contentType: "application/json", .prefer: prefer]
                let response = try await client.post("/api/execute", Fixture.sample, headers: headers)
                #expect(response.status == .accepted)
                #expect(response.headers[.preferenceApplied] == applied)
                guard case .string(let id)? = try response.json["id"] else {
                    Issue.record("no id")
                    return
                }
                #expect(response.headers[.location] == "/api/jobs/\(id)")
                #expect(try response.json["state"] == .string("queued"))
            }
        }
        // They go on without the client.
        #expect(await fixture.queue.counts().queued == 2)
    }

    @Test func answers202AfterTheServersLongestWait() async throws {
        let fixture = Fixture(configuration: APIConfiguration(port: 0, maxWait: .milliseconds(1)))
        try await fixture.test { client in
            let response = try await client.post("/api/execute", Fixture.sample)
            #expect(response.status == .accepted)
        }
    }

    // MARK: Idempotency

    private static func keyed(_ key: String) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.idempotencyKey] = key
        return headers
    }

    @Test func makesOneJobUnderOneKey() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let first = try await client.post("/api/jobs", Fixture.sample, headers: Self.keyed("k-1"))
            #expect(first.status == .accepted)
            #expect(first.headers[.idempotentReplayed] == nil)
            let id = try first.json["id"]
            async let lease = fixture.runNext()
            // In quotes, as the draft standard has it, and on either route.
            let again = try await client.post("/api/execute", Fixture.sample, headers: Self.keyed("\"k-1\""))
            #expect(again.status == .ok)
            #expect(again.headers[.idempotentReplayed] == "true")
            #expect(again.headers[.location] == first.headers[.location])
            #expect(try again.json["id"] == id)
            _ = try await lease
            let late = try await client.post("/api/jobs", Fixture.sample, headers: Self.keyed("k-1"))
            #expect(late.status == .accepted)
            #expect(try late.json["state"] == .string("finished"))
            #expect(try late.json["id"] == id)
            #expect(await fixture.queue.counts() == QueueCounts(finished: 1))
        }
    }

    @Test func refusesAnotherBodyUnderAKey() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            _ = try await client.post("/api/jobs", Fixture.sample, headers: Self.keyed("k"))
            for path in ["/api/jobs", "/api/execute"] {
                let other = try await client.post(path, Fixture.sample + " ", headers: Self.keyed("k"))
                try other.expectProblem(.unprocessableContent, "idempotency_key_reused")
            }
            #expect(await fixture.queue.counts() == QueueCounts(queued: 1))
        }
    }

    @Test(arguments: ["", "\"\"", "a b", "a\"b", "\"a", "é", String(repeating: "k", count: 256)])
    func refusesWhatIsNoKey(key: String) async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let response = try await client.post("/api/jobs", Fixture.sample, headers: Self.keyed(key))
            try response.expectProblem(.badRequest, "idempotency_key")
            #expect(await fixture.queue.counts() == QueueCounts())
        }
    }

    @Test func refusesTwoKeys() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            var headers = Self.keyed("a")
            headers[values: .idempotencyKey].append("b")
            let response = try await client.post("/api/jobs", Fixture.sample, headers: headers)
            try response.expectProblem(.badRequest, "idempotency_key")
        }
    }

    @Test func answersAnExpiredJobAsSuch() async throws {
        let fixture = Fixture(configuration: APIConfiguration(port: 0, jobTimeToLive: .milliseconds(50)))
        try await fixture.test { client in
            let response = try await client.post("/api/execute", Fixture.sample)
            #expect(response.status == .ok)
            #expect(try response.json["status"] == .string("expired"))
        }
    }

    @Test func saysHowLongAFullQueueTakes() throws {
        for (pause, seconds) in [(Duration.milliseconds(2_001), "3"), (.seconds(60), "60"), (.seconds(1), "1")] {
            let problem = Problem(for: QueueError(.full, "", retryAfter: pause))
            #expect(problem.status == .tooManyRequests)
            #expect(problem.headers[.retryAfter] == seconds)
        }
    }

    @Test func saysWhenTheQueueIsFull() async throws {
        let fixture = Fixture(queue: QueueOptions(maxQueued: 1))
        try await fixture.test { client in
            #expect(try await client.post("/api/jobs", Fixture.sample).status == .accepted)
            for path in ["/api/jobs", "/api/execute"] {
                let response = try await client.post(path, Fixture.sample)
                try response.expectProblem(.tooManyRequests, "queue_full")
                #expect(response.headers[.retryAfter] == "1")
            }
        }
    }

    @Test func answers503WhenTheQueueDrains() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            async let response = client.post("/api/execute", Fixture.sample)
            await fixture.settle { $0.waiters == 1 }
            await fixture.queue.drain()
            try await response.expectProblem(.serviceUnavailable, "shutting_down")
            try await client.post("/api/execute", Fixture.sample).expectProblem(.serviceUnavailable, "shutting_down")
        }
    }

    // MARK: Bad input

    @Test func pointsToEveryBadField() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let response = try await client.post(
                "/api/execute", #"{"language":"javascript","code":"1","limits":{"memoryBytes":-1},"tiemout":1}"#)
            try response.expectProblem(.badRequest, "invalid_request")
            #expect(
                try response.json["errors"]
                    == .array([
                        .object([
                            "pointer": .string("#/limits/memoryBytes"), "code": .string("out_of_range"),
                            "detail": .string("must be between 1 and 1073741824"),
                        ]),
                        .object([
                            "pointer": .string("#/tiemout"), "code": .string("unknown_field"),
                            "detail": .string("there is no such field"),
                        ]),
                    ]))
            for body in ["", "{", "[]", String(repeating: "[", count: 100_000)] {
                try await client.post("/api/execute", body).expectProblem(.badRequest, "invalid_request")
            }
        }
        #expect(await fixture.queue.counts() == QueueCounts())
    }

    @Test(arguments: ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
    func wantsJSON(type: String) async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let headers: HTTPFields = type.isEmpty ? [:] : [.contentType: type]
            try await client.post("/api/execute", Fixture.sample, headers: headers)
                .expectProblem(.unsupportedMediaType, "content_type")
        }
    }

    @Test func takesJSONWithParametersAndInAnyCase() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let headers: HTTPFields = [.contentType: "Application/JSON ; charset=utf-8"]
            let response = try await client.post("/api/jobs", Fixture.sample, headers: headers)
            #expect(response.status == .accepted)
        }
    }

    @Test func refusesACompressedBody() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let headers: HTTPFields = [.contentType: "application/json", .contentEncoding: "gzip"]
            try await client.post("/api/execute", Fixture.sample, headers: headers)
                .expectProblem(.unsupportedMediaType, "content_encoding")
        }
    }

    @Test func boundsTheBodyWithAndWithoutALength() async throws {
        var bounds = RequestBounds.standard
        bounds.bodyBytes = 100
        let fixture = Fixture(configuration: APIConfiguration(port: 0, bounds: bounds))
        try await fixture.test { client in
            let body = Fixture.sample + String(repeating: " ", count: 100)
            for length in [nil, String(body.utf8.count), "99999999999999999999", "-"] {
                var headers: HTTPFields = [.contentType: "application/json"]
                headers[.contentLength] = length
                let response = try await client.post("/api/execute", body, headers: headers)
                try response.expectProblem(.contentTooLarge, "body_too_large")
                #expect(response.headers[.connection] == "close")
            }
        }
    }

    @Test func boundsAllBodiesTogether() async throws {
        let fixture = Fixture(configuration: APIConfiguration(port: 0, maxBodyBytesAtOnce: Fixture.sample.utf8.count))
        try await fixture.test { client in
            try await client.post("/api/jobs", Fixture.sample + " ").expectProblem(.serviceUnavailable, "busy")
            // What was taken is given back, after a refusal and after a success.
            for _ in 0..<3 {
                let response = try await client.post("/api/jobs", Fixture.sample)
                #expect(response.status == .accepted)
            }
        }
        #expect(fixture.server.api.bodies.bytes == 0)
    }

    @Test func saysWhichMethodsThereAre() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            for (method, path, allow) in [
                (HTTPRequest.Method.get, "/api/execute", "POST"), (.put, "/api/jobs/x", "DELETE, GET, HEAD"),
                (.options, "/healthz", "GET, HEAD"),
            ] {
                let response = try await client.send(method, path)
                try response.expectProblem(.methodNotAllowed, "method_not_allowed")
                #expect(response.headers[.allow] == allow)
            }
        }
    }

    @Test(arguments: [
        "/page", "/api", "/api/execute/", "/api/jobs/", "/api/jobs/a/b", "//healthz", "/HEALTHZ", "/../healthz",
    ])
    func knowsNoOtherPath(path: String) async throws {
        let fixture = Fixture()
        try await fixture.test { client in try await client.send(.get, path).expectProblem(.notFound, "not_found") }
    }

    @Test func namesTheCommandThatAddsALanguage() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let response = try await client.post("/api/execute", #"{"language":"go","code":"1"}"#)
            try response.expectProblem(.serviceUnavailable, "language_not_served")
            #expect(String(buffer: response.body).contains("bulkhead rootfs build go"))
            try await client.post("/api/execute", #"{"language":"cobol","code":"1"}"#)
                .expectProblem(.badRequest, "invalid_request")
            // Something else is wrong as well, and that comes first.
            try await client.post("/api/execute", #"{"language":"go","code":""}"#)
                .expectProblem(.badRequest, "invalid_request")
        }
    }

    private static func request(cpus: Int, _ language: String = "javascript") -> String {
        #"{"language":"\#(language)","code":"1","limits":{"cpus":\#(cpus)}}"#
    }

    @Test("a limit is checked against the workers of its language; without any, the missing language comes first")
    func checksAgainstTheWorkersThatLive() async throws {
        var large = Limits.maximum(cores: 2)
        large.cpus = 16
        let workers = [
            WorkerOffer(languages: [Fixture.languages[0]], maxima: .maximum(cores: 2)),
            WorkerOffer(languages: Fixture.languages, maxima: large),
        ]
        try await Fixture(offer: Offer(workers)).test { client in
            #expect(try await client.post("/api/jobs", Self.request(cpus: 16)).status == .accepted)
            let response = try await client.post("/api/jobs", Self.request(cpus: 17))
            try response.expectProblem(.badRequest, "invalid_request")
            #expect(String(buffer: response.body).contains("16.0"))
            #expect(String(buffer: response.body).contains("#/limits/cpus"))
        }
        try await Fixture(offer: Offer([workers[0]])).test { client in
            try await client.post("/api/jobs", Self.request(cpus: 16)).expectProblem(.badRequest, "invalid_request")
        }
        try await Fixture(offer: Offer([])).test { client in
            try await client.post("/api/jobs", Self.request(cpus: 16, "go"))
                .expectProblem(.serviceUnavailable, "language_not_served")
            // Whoever serves it may be back in a moment: no mistake of the client's.
            try await client.post("/api/jobs", Self.request(cpus: 1)).expectProblem(.serviceUnavailable, "not_ready")
        }
    }

    // MARK: Jobs

    @Test func showsAJobFromItsStartToItsEnd() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let added = try await client.post("/api/jobs", Fixture.sample)
            #expect(added.status == .accepted)
            let location = try #require(added.headers[.location])
            guard case .string(let id)? = try added.json["id"] else {
                Issue.record("no id")
                return
            }
            var shown = try await client.send(.get, location).json
            #expect(
                shown.members.map(\.name) == [
                    "id", "state", "createdAt", "startedAt", "finishedAt", "attempt", "result",
                ])
            #expect(shown["state"] == .string("queued"))
            #expect(shown["result"] == .null)
            #expect(try await client.send(.get, "/api/job/\(id)").json["status"] == .string("queued"))

            let lease = try await fixture.queue.take(by: "test")
            #expect(try await client.send(.get, "/api/job/\(id)").json["status"] == .string("running"))
            #expect(try await client.send(.get, location).json["state"] == .string("running"))
            try await fixture.queue.complete(lease.token, with: Fixture.result(id))

            shown = try await client.send(.get, location).json
            #expect(shown["state"] == .string("finished"))
            #expect(shown["attempt"] == .integer(1))
            #expect(shown["result"] == .object(Fixture.result(id).jsonObject))
            let flat = try await client.send(.get, "/api/job/\(id)").json
            #expect(flat["status"] == .string("ok"))
            #expect(flat["runtime"] == .double(4.5))
            #expect(flat["memory"] == .integer(1_024))
        }
    }

    @Test func writesTimesByRFC3339() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let location = try #require(try await client.post("/api/jobs", Fixture.sample).headers[.location])
            guard case .string(let created)? = try await client.send(.get, location).json["createdAt"] else {
                Issue.record("no time")
                return
            }
            let pattern = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/
            #expect(created.wholeMatch(of: pattern) != nil, "\(created)")
        }
    }

    @Test func cancelsAJob() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let location = try #require(try await client.post("/api/jobs", Fixture.sample).headers[.location])
            let response = try await client.send(.delete, location)
            #expect(response.status == .ok)
            guard case .object(let result)? = try response.json["result"] else {
                Issue.record("no result")
                return
            }
            #expect(result["status"] == .string("cancelled"))
        }
    }

    @Test(arguments: ["x", "j-00000000000000000000000000", "j-%2e%2e", "1"])
    func doesNotKnowAStrangersJob(id: String) async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            for path in ["/api/jobs/\(id)", "/api/job/\(id)"] {
                try await client.send(.get, path).expectProblem(.notFound, "not_found")
            }
            try await client.send(.delete, "/api/jobs/\(id)").expectProblem(.notFound, "not_found")
        }
    }

    // MARK: State

    @Test func saysThatItIsAlive() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            #expect(String(buffer: try await client.send(.get, "/healthz").body) == #"{"status":"ok","durable":false}"#)
            #expect(String(buffer: try await client.send(.get, "/health").body) == #"{"status":"healthy"}"#)
            let head = try await client.send(.head, "/health")
            #expect(head.status == .ok)
            #expect(head.body.readableBytes == 0)
            #expect(head.headers[.contentLength] == "20")
        }
    }

    @Test func saysWhetherAJobWouldRun() async throws {
        try await Fixture().test { client in
            let response = try await client.send(.get, "/readyz")
            #expect(response.status == .ok)
            #expect(try response.json["durable"] == .bool(false))
        }
        try await Fixture(languages: []).test { client in
            try await client.send(.get, "/readyz").expectProblem(.serviceUnavailable, "not_ready")
        }
        try await Fixture(isServed: { false }).test { client in
            try await client.send(.get, "/readyz").expectProblem(.serviceUnavailable, "not_ready")
            // A job is taken all the same, and waits.
            let response = try await client.post("/api/jobs", Fixture.sample)
            #expect(response.status == .accepted)
        }
    }

    @Test func listsLanguages() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let body = String(buffer: try await client.send(.get, "/api/languages?x=1").body)
            #expect(
                body == #"{"languages":[{"name":"javascript","version":"18.20.4","aliases":["node","js"],"#
                    + #""fileName":"main.js","compiled":false},{"name":"c","version":"12.2.0","aliases":[],"#
                    + #""fileName":"main.c","compiled":true}]}"#)
        }
    }

    // MARK: Secrets

    @Test func logsNothingOfARequest() async throws {
        let log = Log()
        var logger = Logger(label: "test") { _ in log }
        logger.logLevel = .trace
        let fixture = Fixture(logger: logger)
        try await fixture.test { client in
            async let lease = fixture.runNext()
            let body =
                #"{"language":"javascript","code":"SECRET","stdin":"SECRET","args":["SECRET"],"env":{"A":"SECRET"}}"#
            _ = try await client.post("/api/execute", body)
            _ = try await lease
            _ = try await client.post("/api/execute?SECRET", #"{"SECRET":"SECRET"}"#)
            _ = try await client.send(.get, "/SECRET")
        }
        #expect(log.text.contains("/api/execute"))
        #expect(log.text.contains("unmatched"))
        #expect(!log.text.contains("SECRET"))
        #expect(!log.text.contains("Hello from sandbox"))
    }
}

/// Keeps what is logged.
private final class Log: LogHandler {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}

@Suite struct PreferTests {
    @Test(
        arguments: [
            ([], nil), (["wait=10"], 10), (["respond-async, wait=10"], 10), (["respond-async", "wait=\"7\""], 7),
            (["WAIT = 3 ; x=1"], 3), (["wait=5, wait=6"], 5), (["wait=-1"], nil), (["wait=1.5"], nil), (["wait"], nil),
            (["respond-async"], 0), (["wait=99999999999999999999"], Int.max), ([",;=,"], nil),
        ] as [([String], Int?)])
    func reads(values: [String], seconds: Int?) {
        #expect(PreferHeader(values).waitSeconds == seconds)
    }

    @Test func neverWaitsLongerThanTheServer() {
        #expect(PreferHeader(["wait=10"]).wait(atMost: .seconds(90)) == .seconds(10))
        #expect(PreferHeader(["wait=91"]).wait(atMost: .seconds(90)) == .seconds(90))
        #expect(PreferHeader(["wait=99999999999999999999"]).wait(atMost: .seconds(90)) == .seconds(90))
        #expect(PreferHeader([]).wait(atMost: .seconds(90)) == .seconds(90))
    }
}
