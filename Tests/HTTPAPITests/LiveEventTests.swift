import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import NIOCore
import Synchronization
import Testing

@testable import HTTPAPI

/// A job followed and fed over real connections.
@Suite(.timeLimit(.minutes(1))) struct LiveEventTests {
    private final class Written: LiveOutput {
        private let state = Mutex<(bytes: [UInt8], onMore: (@Sendable () -> Void)?)>(([], nil))

        func write(_ bytes: [UInt8]) {
            state.withLock { state in
                state.bytes += bytes
                return state.onMore
            }?()
        }

        func bytes(of stream: LiveStream, from offset: Int, atMost most: Int) -> [UInt8] {
            stream == .stderr ? [] : state.withLock { Array($0.bytes.dropFirst(offset).prefix(most)) }
        }

        func whenMore(_ action: (@Sendable () -> Void)?) {
            state.withLock { $0.onMore = action }
            action?()
        }
    }

    /// Reads a connection bit by bit.
    private struct Listener {
        private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private var text = ""

        init(_ connection: LiveServer.Connection) {
            iterator = connection.inbound.makeAsyncIterator()
        }

        /// What comes up to `ending`, and `ending`; less if the server closes before.
        mutating func read(until ending: String) async throws -> String {
            while true {
                if let range = text.firstRange(of: ending) {
                    defer { text.removeSubrange(..<range.upperBound) }
                    return String(text[..<range.upperBound])
                }
                guard let part = try await iterator.next() else { return text }
                text += String(buffer: part)
            }
        }

        mutating func readToEnd() async throws -> String {
            while let part = try await iterator.next() { text += String(buffer: part) }
            return text
        }
    }

    private static func get(_ path: String, extra: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\(extra)\r\n"
    }

    private func begin(_ lease: Lease) -> Written {
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        return written
    }

    @Test func streamsAsItHappens() async throws {
        try await LiveServer.run { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            try await server.connect { connection in
                try await connection.send(Self.get("/api/jobs/\(id)/events"))
                var listener = Listener(connection)
                let head = try await listener.read(until: "event: queued\ndata: {}\n\n")
                #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(head.lowercased().contains("content-type: text/event-stream\r\n"))
                #expect(head.lowercased().contains("cache-control: no-cache\r\n"))
                #expect(head.contains("id: 0-1\n"))
                let lease = try await server.fixture.queue.take(by: "here")
                let written = begin(lease)
                let started = try await listener.read(until: "{\"stage\":\"run\"}\n\n")
                #expect(started.contains("id: 1-1\nevent: started\ndata: {\"attempt\":1,\"worker\":\"here\"}\n\n"))
                written.write(Array("a\nb".utf8))
                let text = try await listener.read(until: "}\n\n")
                #expect(text.contains("event: stdout\ndata: {\"text\":\"a\\nb\"}\n\n"), "\(text)")
                written.write([0xFF, 0x0A])
                let bytes = try await listener.read(until: "}\n\n")
                #expect(bytes.contains("event: stdout\ndata: {\"base64\":\"/wo=\"}\n\n"), "\(bytes)")
                try await server.fixture.queue.complete(lease.token, with: Fixture.result(id))
                let end = try await listener.readToEnd()
                #expect(
                    end.contains(
                        "id: 1-9223372036854775807\nevent: result\ndata: {\"id\":\"\(id)\",\"state\":\"finished\""))
                #expect(end.contains(#""status":"ok""#))
                #expect(end.hasSuffix("0\r\n\r\n"))
            }
        }
    }

    @Test func goesOnWhereAClientStopped() async throws {
        try await LiveServer.run { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            let lease = try await server.fixture.queue.take(by: "here")
            let written = begin(lease)
            written.write(Array("one".utf8))
            let last = try await server.connect { connection in
                try await connection.send(Self.get("/api/jobs/\(id)/events"))
                var listener = Listener(connection)
                let text = try await listener.read(until: "one")
                return try #require(text.matches(of: /id: (\S+)\n/).last).output.1
            }
            written.write(Array("two".utf8))
            try await server.connect { connection in
                try await connection.send(Self.get("/api/jobs/\(id)/events", extra: "last-event-id: \(last)\r\n"))
                var listener = Listener(connection)
                let text = try await listener.read(until: "two")
                #expect(!text.contains("one") && !text.contains("started") && !text.contains("queued"), "\(text)")
                try await server.fixture.queue.complete(lease.token, with: Fixture.result(id))
                _ = try await listener.readToEnd()
            }
            // Nothing is left to hear: the client is to come no more.
            try await server.connect { connection in
                try await connection.send(
                    Self.get("/api/jobs/\(id)/events", extra: "last-event-id: \(LivePosition.result(of: 1))\r\n"))
                var listener = Listener(connection)
                #expect(try await listener.readToEnd().hasPrefix("HTTP/1.1 204 "))
            }
        }
    }

    @Test func saysThatItIsAlive() async throws {
        try await LiveServer.run(configuration: APIConfiguration(port: 0, heartbeat: .milliseconds(20))) { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            try await server.connect { connection in
                try await connection.send(
                    Self.get("/api/jobs/\(id)/events", extra: "last-event-id: \(LivePosition.queued)\r\n"))
                var listener = Listener(connection)
                // The first stands at the beginning.
                for _ in 0..<3 { _ = try await listener.read(until: ":\n\n") }
            }
        }
    }

    /// Longer than any answer may take, but for one that goes on.
    @Test func outlivesTheDeadlineOfAnswers() async throws {
        let deadlines = ConnectionDeadlines(response: .milliseconds(200))
        let configuration = APIConfiguration(port: 0, deadlines: deadlines, heartbeat: .milliseconds(300))
        try await LiveServer.run(configuration: configuration) { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            try await server.connect { connection in
                try await connection.send(
                    Self.get("/api/jobs/\(id)/events", extra: "last-event-id: \(LivePosition.queued)\r\n"))
                var listener = Listener(connection)
                for _ in 0..<4 { #expect(try await listener.read(until: ":\n\n").hasSuffix(":\n\n")) }
            }
        }
    }

    /// Its place is free again, though the job goes on.
    @Test func dropsAClientThatDoesNotRead() async throws {
        let deadlines = ConnectionDeadlines(response: .milliseconds(300))
        try await LiveServer.run(
            queue: QueueOptions(maxFollowers: 1), configuration: APIConfiguration(port: 0, deadlines: deadlines)
        ) { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            let lease = try await server.fixture.queue.take(by: "here")
            let written = begin(lease)
            // More than the kernel keeps for both ends of a connection.
            written.write([UInt8](repeating: UInt8(ascii: "x"), count: 64 << 20))
            let idle = try StuckClient(port: server.port)
            idle.send(Self.get("/api/jobs/\(id)/events"))
            var answer = ""
            while !answer.hasPrefix("HTTP/1.1 503") {
                answer = try await server.connect { connection in
                    try await connection.send(Self.get("/api/jobs/\(id)/events"))
                    return try await connection.read(until: "\r\n\r\n")
                }
            }
            while answer.hasPrefix("HTTP/1.1 503") {
                answer = try await server.connect { connection in
                    try await connection.send(Self.get("/api/jobs/\(id)/events"))
                    return try await connection.read(until: "\r\n\r\n")
                }
            }
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            try await server.fixture.queue.complete(lease.token, with: Fixture.result(id))
            withExtendedLifetime(idle) {}
        }
    }

    @Test func forgetsAClientThatLeaves() async throws {
        try await LiveServer.run(queue: QueueOptions(maxFollowers: 1)) { server in
            let id = JobID().description
            try await server.fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            for _ in 0..<5 {
                var answer = "HTTP/1.1 503"
                while answer.hasPrefix("HTTP/1.1 503") {
                    answer = try await server.connect { connection in
                        try await connection.send(Self.get("/api/jobs/\(id)/events"))
                        return try await connection.read(until: "\r\n\r\n")
                    }
                }
                #expect(answer.hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test func refusesWhatItCannotFollow() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            try await client.send(.get, "/api/jobs/\(JobID())/events").expectProblem(.notFound, "not_found")
            try await client.send(.get, "/api/jobs/x/events").expectProblem(.notFound, "not_found")
            let id = JobID().description
            try await fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            let answer = try await client.executeRequest(
                uri: "/api/jobs/\(id)/events", method: .get, headers: [.lastEventID: "7"], body: nil)
            try answer.expectProblem(.badRequest, "last_event_id")
            try await client.send(.post, "/api/jobs/\(id)/events")
                .expectProblem(.methodNotAllowed, "method_not_allowed")
            let head = try await client.send(.head, "/api/jobs/\(id)/events")
            #expect(head.status == .ok)
            #expect(head.headers[.contentType] == "text/event-stream")
        }
    }

    @Test func tellsOfAFinishedJob() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let id = JobID().description
            try await fixture.queue.add(NewJob(id: id, request: .init(Fixture.sample.utf8)))
            var result = Fixture.result(id)
            result.stdoutBytes = result.stdout.utf8.count
            let lease = try await fixture.queue.take(by: "here")
            try await fixture.queue.complete(lease.token, with: result)
            let answer = try await client.send(.get, "/api/jobs/\(id)/events")
            let names = String(buffer: answer.body).matches(of: /event: (\w+)/).map(\.output.1)
            #expect(names == ["queued", "started", "stage", "stdout", "result"])
        }
    }

    // MARK: Input

    private static let octets: HTTPFields = [.contentType: "application/octet-stream"]
    private static let interactive = #"{"language":"javascript","code":"1","interactive":true}"#

    @Test func sendsInput() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let made = try await client.post("/api/jobs", Self.interactive)
            #expect(made.status == .accepted)
            guard case .string(let id)? = try made.json["id"] else { return }
            let path = "/api/jobs/\(id)/stdin"
            #expect(try await client.post(path, "one\n", headers: Self.octets).status == .noContent)
            #expect(
                try await client.post(path, "two\n", headers: [.contentType: "text/plain; charset=utf-8"]).status
                    == .noContent)
            let rest = String(repeating: "x", count: JobInput.mostUnread - 7)
            try await client.post(path, rest, headers: Self.octets).expectProblem(.tooManyRequests, "stdin_full")
            try await client.post(path, rest + "12345678", headers: Self.octets)
                .expectProblem(.contentTooLarge, "body_too_large")
            try await client.post(path, "{}").expectProblem(.unsupportedMediaType, "content_type")
            try await client.post(path, "{}", headers: [:]).expectProblem(.unsupportedMediaType, "content_type")
            for query in ["eof", "eof=1", "eof=true&eof=true", "end=true"] {
                try await client.post("\(path)?\(query)", "", headers: Self.octets).expectProblem(.badRequest, "query")
            }
            #expect(try await client.send(.post, "\(path)?eof=true").status == .noContent)
            try await client.post(path, "x", headers: Self.octets).expectProblem(.conflict, "stdin_closed")
            try await fixture.runNext()
            try await client.post(path, "x", headers: Self.octets).expectProblem(.conflict, "job_finished")
        }
    }

    @Test func refusesInputThatNoJobWants() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            for id in ["x", "\(JobID())"] {
                try await client.post("/api/jobs/\(id)/stdin", "x", headers: Self.octets)
                    .expectProblem(.notFound, "not_found")
            }
            let made = try await client.post("/api/jobs", Fixture.sample)
            guard case .string(let id)? = try made.json["id"] else { return }
            try await client.post("/api/jobs/\(id)/stdin", "x", headers: Self.octets)
                .expectProblem(.conflict, "not_interactive")
            // Its id would be known when it is over.
            let waits = try await client.post("/api/execute", Self.interactive)
            try waits.expectProblem(.badRequest, "invalid_request")
            #expect(String(buffer: waits.body).contains("#/interactive"))
        }
    }
}
