import Foundation
import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Keyring
import NIOCore
import Telemetry
import Testing

@testable import HTTPAPI

/// Who may do what.
@Suite(.timeLimit(.minutes(1))) struct AccessTests {
    private let keys: SampleKeys
    private let fixture: Fixture

    init() throws {
        keys = try SampleKeys.usual()
        fixture = Fixture(configuration: keys.configuration, metricsPage: MetricsPage([]))
    }

    /// What asks for a key, and the scope that it asks for.
    private static let wanted: [String: APIKey.Scope] = [
        "POST /api/execute": .execute, "POST /api/jobs": .execute, "DELETE /api/jobs/{id}": .execute,
        "POST /api/jobs/{id}/stdin": .execute, "GET /api/jobs/{id}": .read, "GET /api/jobs/{id}/events": .read,
        "GET /api/job/{id}": .read, "GET /api/languages": .read, "GET /openapi.json": .read, "GET /metrics": .admin,
        "GET /api/workers": .admin,
    ]

    private var routes: [(method: HTTPRequest.Method, path: String)] {
        fixture.server.api.routes.all.filter { $0.access != .open }.map { ($0.method, $0.pattern) }
    }

    @Test("every route but those that tell whether the service lives asks for a key")
    func deniesByDefault() throws {
        let open = fixture.server.api.routes.all.filter { $0.access == .open }.map(\.pattern)
        #expect(open.sorted() == (["/health", "/healthz", "/readyz"] + Routes.pagePaths).sorted())
        #expect(Set(routes.map { "\($0.method) \($0.path)" }) == Set(Self.wanted.keys))
    }

    @Test("without a key, and with one that is none, everything is 401 with a challenge, before the body is looked at")
    func asksForAKey() async throws {
        try await fixture.test { client in
            for (method, path) in routes {
                let uri = path.replacingOccurrences(of: "{id}", with: JobID().description)
                for (fields, code, challenge) in [
                    (HTTPFields(), "key_required", #"Bearer realm="bulkhead""#),
                    ([.authorization: "Basic YTpi"], "key_required", #"Bearer realm="bulkhead""#),
                    (
                        [.authorization: "Bearer \(APIKeySecret().text)"], "invalid_key",
                        #"Bearer realm="bulkhead", error="invalid_token""#
                    ),
                ] {
                    let response = try await client.executeRequest(
                        uri: uri, method: method, headers: fields, body: ByteBuffer(string: "{"))
                    try response.expectProblem(.unauthorized, code)
                    #expect(response.headers[.wwwAuthenticate] == challenge)
                }
            }
            // A key in the query, where it would end in logs, is none.
            let query = try await client.send(.get, "/api/languages?access_token=\(keys.secret("admin"))")
            #expect(query.status == .unauthorized)
        }
        #expect(await fixture.queue.counts() == QueueCounts())
    }

    @Test("an Authorization that cannot be read is 400")
    func refusesMalformedCredentials() async throws {
        let secret = keys.secret("alice")
        var twice = HTTPFields()
        twice.append(HTTPField(name: .authorization, value: "Bearer \(secret)"))
        twice.append(HTTPField(name: .authorization, value: "Bearer \(secret)"))
        let cases = [
            twice, [.authorization: "Bearer"], [.authorization: "Bearer a b"], [.authorization: "Bearer \(secret),x"],
        ]
        try await fixture.test { client in
            for fields in cases {
                let response = try await client.executeRequest(
                    uri: "/api/languages", method: .get, headers: fields, body: nil)
                try response.expectProblem(.badRequest, "authorization")
                #expect(response.headers[.wwwAuthenticate]?.contains("invalid_request") == true)
            }
            // The scheme's case and spaces do not matter.
            let fine = try await client.executeRequest(
                uri: "/api/languages", method: .get, headers: [.authorization: "bearer  \(secret)"], body: nil)
            #expect(fine.status == .ok)
        }
    }

    @Test("a key does what its scopes say; admin does all")
    func obeysScopes() async throws {
        try await fixture.test { client in
            for (method, path) in routes {
                let uri = path.replacingOccurrences(of: "{id}", with: JobID().description)
                for (name, has) in [
                    ("reads", [APIKey.Scope.read]), ("executes", [.execute]), ("alice", [.execute, .read]),
                    ("admin", [.execute, .read, .admin]),
                ] {
                    let response = try await client.executeRequest(
                        uri: uri, method: method, headers: keys.fields(name), body: ByteBuffer(string: "{"))
                    let scope = try #require(Self.wanted["\(method) \(path)"])
                    guard !has.contains(scope) else {
                        #expect(response.status != .forbidden && response.status != .unauthorized)
                        continue
                    }
                    try response.expectProblem(.forbidden, "insufficient_scope")
                    #expect(
                        response.headers[.wwwAuthenticate]
                            == "Bearer realm=\"bulkhead\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")
                }
            }
        }
    }

    @Test("health is everybody's; how much goes on is not")
    func staysOpen() async throws {
        try await fixture.test { client in
            for path in ["/health", "/healthz", "/readyz"] {
                let response = try await client.executeRequest(
                    uri: path, method: .get, headers: [.origin: "https://evil.example"], body: nil)
                #expect(response.status == .ok)
            }
            let unknown = try await client.send(.get, "/readyz").json
            #expect(unknown["queued"] == nil)
            // What the document says that every answer has.
            let schemas = ResultSchemas.all.first { $0.0 == "Readiness" }
            guard case .array(let required)? = schemas?.1.json["required"] else {
                Issue.record("the schema requires nothing")
                return
            }
            #expect(required == unknown.members.map { .string($0.name) })
            let known = try await client.executeRequest(
                uri: "/readyz", method: .get, headers: keys.fields("reads"), body: nil)
            #expect(try known.json["queued"] == .integer(0))
        }
    }

    private func add(
        _ client: any TestClientProtocol, _ name: String, _ more: HTTPFields = [:], _ body: String = Fixture.sample
    ) async throws -> TestResponse {
        try await client.post("/api/jobs", body, headers: keys.fields(name, more))
    }

    private func id(_ response: TestResponse) throws -> String {
        guard case .string(let id)? = try response.json["id"] else { throw TestResponse.NotAnObject() }
        return id
    }

    @Test("a job is its key's: for others it does not exist, waiting, running and finished; an admin sees it")
    func hidesJobs() async throws {
        try await fixture.test { client in
            let mine = try id(try await add(client, "alice"))
            func statuses(_ name: String) async throws -> [Int] {
                var statuses: [Int] = []
                for path in ["/api/jobs/\(mine)", "/api/job/\(mine)"] {
                    let response = try await client.executeRequest(
                        uri: path, method: .get, headers: keys.fields(name), body: nil)
                    statuses.append(response.status.code)
                }
                return statuses
            }
            func lookAround() async throws {
                #expect(try await statuses("alice") == [200, 200])
                #expect(try await statuses("admin") == [200, 200])
                #expect(try await statuses("bob") == [404, 404])
                #expect(try await statuses("reads") == [404, 404])
                for (method, path) in [(HTTPRequest.Method.get, "events"), (.post, "stdin?eof=true")] {
                    for name in ["bob"] {
                        let response = try await client.executeRequest(
                            uri: "/api/jobs/\(mine)/\(path)", method: method, headers: keys.fields(name), body: nil)
                        try response.expectProblem(.notFound, "not_found")
                    }
                }
                // What is the key's own is there, if not interactive.
                let events = try await client.executeRequest(
                    uri: "/api/jobs/\(mine)/events", method: .head, headers: keys.fields("alice"), body: nil)
                #expect(events.status == .ok)
                let input = try await client.executeRequest(
                    uri: "/api/jobs/\(mine)/stdin?eof=true", method: .post,
                    headers: [.contentType: "text/plain", .authorization: "Bearer \(keys.secret("alice"))"], body: nil)
                #expect(input.status == .conflict)
                let cancel = try await client.executeRequest(
                    uri: "/api/jobs/\(mine)", method: .delete, headers: keys.fields("bob"), body: nil)
                try cancel.expectProblem(.notFound, "not_found")
            }
            try await lookAround()
            let lease = try await fixture.queue.take(by: "test")
            try await lookAround()
            try await fixture.queue.complete(lease.token, with: Fixture.result(mine))
            try await lookAround()
            #expect(await fixture.queue.job(mine)?.result?.status == .ok, "nobody cancelled it")
        }
    }

    @Test("who may not read ends its own jobs, and is told what became of them but no result")
    func endsWithoutReading() async throws {
        try await fixture.test { client in
            for (name, isRead) in [("executes", false), ("alice", true)] {
                let added = try await client.post("/api/jobs", Fixture.sample, headers: keys.fields(name))
                #expect(added.status == .accepted)
                let lease = try await fixture.queue.take(by: "test")
                try await fixture.queue.complete(lease.token, with: Fixture.result(lease.id))
                let ended = try await client.executeRequest(
                    uri: "/api/jobs/\(lease.id)", method: .delete, headers: keys.fields(name), body: nil)
                #expect(ended.status == .ok)
                let job = try #require(
                    try JSONSerialization.jsonObject(with: Data(ended.body.readableBytesView)) as? [String: Any])
                #expect(job["state"] as? String == "finished" && job["attempt"] as? Int == 1)
                #expect((job["result"] is NSNull) == !isRead, "\(name)")
            }
        }
    }

    @Test("a job of nobody's, made past the API, is an admin's alone")
    func hidesNobodysJobs() async throws {
        let id = JobID().description
        try await fixture.queue.add(NewJob(id: id, request: Data(Fixture.sample.utf8)))
        try await fixture.test { client in
            for (name, status) in [("alice", 404), ("admin", 200)] {
                let response = try await client.executeRequest(
                    uri: "/api/jobs/\(id)", method: .get, headers: keys.fields(name), body: nil)
                #expect(response.status.code == status)
            }
        }
    }

    @Test("an idempotency key is its API key's own")
    func keepsIdempotencyKeysApart() async throws {
        try await fixture.test { client in
            let same: HTTPFields = [.idempotencyKey: "k"]
            let first = try id(try await add(client, "alice", same))
            #expect(try id(try await add(client, "alice", same)) == first)
            #expect(try id(try await add(client, "bob", same)) != first)
            let other = #"{"language":"javascript","code":"2"}"#
            #expect(try await add(client, "bob", same, other).status == .unprocessableContent)
        }
    }

    @Test("the rate of a key holds exactly, however many come at once, and does not touch others")
    func boundsTheRate() async throws {
        let keys = try SampleKeys([
            "slow": ([.execute], Quota(rate: Rate("7/m"))), "free": ([.execute], Quota()),
        ])
        let fixture = Fixture(configuration: keys.configuration)
        let statuses = try await fixture.test { client in
            try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await client.post("/api/jobs", Fixture.sample, headers: keys.fields("slow"))
                    }
                }
                var statuses: [Int] = []
                for try await response in group {
                    statuses.append(response.status.code)
                    guard response.status == .tooManyRequests else { continue }
                    try response.expectProblem(.tooManyRequests, "rate_exceeded")
                    #expect(Int(response.headers[.retryAfter] ?? "").map { (1...60).contains($0) } == true)
                }
                let free = try await client.post("/api/jobs", Fixture.sample, headers: keys.fields("free"))
                #expect(free.status == .accepted)
                return statuses
            }
        }
        #expect(statuses.filter { $0 == 202 }.count == 7)
        #expect(statuses.filter { $0 == 429 }.count == 93)
    }

    @Test("each case of a job counts for the rate")
    func countsCases() async throws {
        let keys = try SampleKeys(["slow": ([.execute], Quota(rate: Rate("5/m")))])
        let fixture = Fixture(configuration: keys.configuration)
        try await fixture.test { client in
            let cases = #"{"language":"javascript","code":"1","cases":[{"stdin":"1"},{"stdin":"2"},{"stdin":"3"}]}"#
            for status in [202, 202, 429] {
                let response = try await client.post("/api/jobs", cases, headers: keys.fields("slow"))
                #expect(response.status.code == status)
            }
        }
    }

    @Test("no more jobs of a key wait or run than it may have; a place comes back with each end")
    func boundsTheConcurrency() async throws {
        let keys = try SampleKeys(["few": ([.execute, .read], Quota(concurrency: 5, queueShare: 3))])
        let fixture = Fixture(configuration: keys.configuration)
        try await fixture.test { client in
            func codes() async throws -> [String: Int] {
                try await withThrowingTaskGroup(of: TestResponse.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            try await client.post("/api/jobs", Fixture.sample, headers: keys.fields("few"))
                        }
                    }
                    var codes: [String: Int] = [:]
                    for try await response in group {
                        var code = "accepted"
                        if response.status != .accepted, case .string(let text)? = try response.json["code"] {
                            code = text
                            #expect(response.status == .tooManyRequests)
                            #expect(response.headers[.retryAfter] != nil)
                        }
                        codes[code, default: 0] += 1
                    }
                    return codes
                }
            }
            #expect(try await codes() == ["accepted": 3, "queue_share_full": 97])
            let first = try await fixture.queue.take(by: "test")
            _ = try await fixture.queue.take(by: "test")
            // Three wait and two run: one more would wait.
            #expect(try await codes() == ["accepted": 2, "too_many_jobs": 98])
            try await fixture.queue.complete(first.token, with: Fixture.result(first.id))
            _ = try await fixture.queue.take(by: "test")
            #expect(try await codes() == ["accepted": 1, "too_many_jobs": 99])
        }
    }

    @Test("a limit above the key's own maximum is 400 naming it; what the request leaves open is lowered to it")
    func boundsLimits() async throws {
        let ceilings = LimitOverrides(wallTimeMs: 3_000, cpuTimeMs: 2_000, memoryBytes: 64 << 20)
        let keys = try SampleKeys(["small": ([.execute], Quota(ceilings: ceilings))])
        let fixture = Fixture(configuration: keys.configuration)
        try await fixture.test { client in
            let over = #"{"language":"c","code":"1","timeout":3001,"limits":{"memoryBytes":67108865}}"#
            let refused = try await client.post("/api/jobs", over, headers: keys.fields("small"))
            try refused.expectProblem(.badRequest, "invalid_request")
            guard case .array(let errors)? = try refused.json["errors"] else { throw TestResponse.NotAnObject() }
            #expect(errors.count == 2)
            #expect("\(errors)".contains("must be between 1 and 3000") && "\(errors)".contains("67108864"))
            let open = #"{"language":"c","code":"1","timeout":1500,"limits":{"processes":8}}"#
            #expect(try await client.post("/api/jobs", open, headers: keys.fields("small")).status == .accepted)
            let lease = try await fixture.queue.take(by: "test")
            let request = try ExecutionRequest(
                json: lease.request, languages: Fixture.languages, maxima: .maximum(cores: 2))
            #expect(
                request.limits
                    == LimitOverrides(wallTimeMs: 1_500, cpuTimeMs: 2_000, memoryBytes: 64 << 20, processes: 8))
        }
    }
}
