import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import NIOCore
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Request ids of HTTP")
struct RequestIDTests {
    private static let name = "trace-1"

    @Test("every answer has the request's id, errors too, and the job has it")
    func routes() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let own: HTTPFields = [.contentType: "application/json", .requestID: Self.name]
            let added = try await client.post("/api/jobs", Fixture.sample, headers: own)
            #expect(added.headers[.requestID] == Self.name)
            #expect(try await fixture.queue.take(by: "test").requestID?.text == Self.name)
            for (uri, status) in [("/api/execute", 400), ("/nowhere", 404), ("/healthz", 405)] {
                let answer = try await client.post(uri, "{}", headers: own)
                #expect(answer.status.code == status)
                #expect(answer.headers[.requestID] == Self.name)
            }
        }
    }

    @Test("one that is none, two at once, or nothing gets a new one", arguments: [[], ["a b"], ["a", "b"]])
    func new(given: [String]) async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            var fields: HTTPFields = [.contentType: "application/json"]
            fields[values: .requestID] = given
            let answer = try await client.post("/api/jobs", Fixture.sample, headers: fields)
            let id = try #require(answer.headers[.requestID].flatMap { RequestID($0) })
            #expect(!given.contains(id.text) && id.text.utf8.count == 26)
            #expect(try await fixture.queue.take(by: "test").requestID == id)
        }
    }
}

@Suite("HTTP metrics")
struct HTTPMetricsTests {
    @Test("every route has a label of its own, and what strangers send has none")
    func labels() async throws {
        let fixture = Fixture()
        let page = MetricsPage([])
        var routes = fixture.server.api.routes
        routes.onMetrics(page, .open)
        #expect(Set(routes.all.map(\.pattern) + [Routes.unmatched]) == Set(HTTPMetrics.patterns))

        let metrics = HTTPMetrics()
        metrics.answered(pattern: "/metrics", method: "GET", status: 200, after: .milliseconds(1))
        metrics.answered(pattern: "/mine", method: "BREW", status: 999, after: .milliseconds(1))
        let counted = metrics.families()[0].samples.filter { $0.value > 0 }
        #expect(
            counted.map { $0.labels.map(\.value) } == [["/metrics", "GET", "2xx"], ["unmatched", "other", "5xx"]])
    }

    @Test("no page, no route")
    func absent() async throws {
        try await Fixture().test { client in
            let answer = try await client.send(.get, "/metrics")
            #expect(answer.status == .notFound)
        }
    }
}
