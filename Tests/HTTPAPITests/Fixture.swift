import Foundation
import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Logging
import NIOCore
import Telemetry
import Testing

@testable import HTTPAPI

/// An API with its queue, and a worker that answers without running anything.
struct Fixture: Sendable {
    static let languages = [
        Language(
            name: "javascript", aliases: ["node", "js"], version: "18.20.4", image: "default", fileName: "main.js",
            run: ["node", "{file}"]),
        Language(
            name: "c", version: "12.2.0", image: "default", fileName: "main.c", compile: ["cc", "{file}"],
            products: ["a.out"], run: ["./a.out"]),
    ]
    static let sample = #"{"language":"javascript","code":"console.log('Hello from sandbox')","timeout":2000}"#

    /// The worker that it has, as far as anybody is told.
    static let worker = WorkerAnnouncement(
        id: "6F0E", host: "host-1", languages: languages, maxima: .maximum(cores: 2), slots: 4, busy: 1,
        version: "0.1.0", since: Date(timeIntervalSince1970: 1_750_000_000.25))

    let queue: EmbeddedJobQueue
    let server: APIServer

    init(
        queue options: QueueOptions = QueueOptions(), languages: [Language] = Fixture.languages,
        offer: Offer? = nil, directory: (any LanguageDirectory)? = nil,
        isServed: @escaping @Sendable () -> Bool = { true },
        configuration: APIConfiguration = APIConfiguration(port: 0),
        metricsPage: MetricsPage? = nil, logger: Logger = Fixture.silent,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        queue = EmbeddedJobQueue(options: options)
        server = APIServer(
            queue: queue,
            languages: directory
                ?? FixedLanguages(
                    offer ?? Offer([WorkerOffer(languages: languages, maxima: .maximum(cores: 2))]),
                    commands: ["go": "bulkhead rootfs build go"], isServed: isServed
                ) { Fixture.worker }, configuration: configuration,
            metricsPage: metricsPage, logger: logger, onListening: onListening)
    }

    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// Runs `test` against the routes, without sockets.
    func test<Value>(_ test: @Sendable (any TestClientProtocol) async throws -> Value) async throws -> Value {
        try await server.application.test(.router, test)
    }

    /// Takes the next job and answers it.
    @discardableResult
    func runNext(_ status: Status = .ok) async throws -> Lease {
        let lease = try await queue.take(by: "test")
        try await queue.complete(lease.token, with: Fixture.result(lease.id, status))
        return lease
    }

    static func result(_ id: String, _ status: Status = .ok) -> ExecutionResult {
        ExecutionResult(
            id: id, status: status, language: "javascript", version: "18.20.4",
            program: ProgramRecord(
                stdout: "Hello from sandbox\n", exitCode: status == .ok ? 0 : nil, wallTimeMs: 4.5, memoryBytes: 1_024),
            attempt: 1, worker: "host-1",
            evidence: Evidence())
    }

    /// Returns once the counts are as wanted; gives other tasks their turn meanwhile.
    func settle(until condition: (QueueCounts) -> Bool) async {
        while !condition(await queue.counts()) { await Task.yield() }
    }
}

extension TestClientProtocol {
    func post(
        _ uri: String, _ body: String, headers: HTTPFields = [.contentType: "application/json"]
    ) async throws -> TestResponse {
        try await executeRequest(uri: uri, method: .post, headers: headers, body: ByteBuffer(string: body))
    }

    func send(_ method: HTTPRequest.Method, _ uri: String) async throws -> TestResponse {
        try await executeRequest(uri: uri, method: method, headers: [:], body: nil)
    }
}

extension TestResponse {
    /// The body as a JSON object.
    var json: JSONObject {
        get throws {
            let value = try JSONValue(parsing: Array(body.readableBytesView))
            guard case .object(let object) = value else { throw NotAnObject() }
            return object
        }
    }

    struct NotAnObject: Error {}

    /// Expects a problem answer with this code.
    func expectProblem(
        _ status: HTTPResponse.Status, _ code: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(self.status == status, sourceLocation: sourceLocation)
        #expect(headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
        #expect(try json["code"] == .string(code), sourceLocation: sourceLocation)
        #expect(try json["status"] == .integer(status.code), sourceLocation: sourceLocation)
    }
}
