import JobQueue
import Jobs
import NIOCore
import ServiceLifecycle
import Testing

@testable import HTTPAPI

/// The whole server over real connections.
@Suite(.timeLimit(.minutes(1))) struct LiveTests {
    @Test func answersTheSampleOverHTTP() async throws {
        try await LiveServer.run { server in
            async let lease = server.fixture.runNext()
            let answer = try await server.connect { connection in
                try await connection.send(
                    LiveServer.post("/api/execute", Fixture.sample, extra: "connection: close\r\n"))
                return await connection.readToEnd()
            }
            _ = try await lease
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains(#""status":"ok""#))
            #expect(answer.contains(#""stdout":"Hello from sandbox\n""#))
        }
    }

    @Test func keepsTheConnectionAndAnswersInOrder() async throws {
        try await LiveServer.run { server in
            try await server.connect { connection in
                let health = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
                let last = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                async let lease = server.fixture.runNext()
                try await connection.send(health + LiveServer.post("/api/execute", Fixture.sample) + last)
                let answer = await connection.readToEnd()
                _ = try await lease
                let statuses = answer.matches(of: /HTTP\/1.1 (\d+)/).map { String($0.output.1) }
                #expect(statuses == ["200", "200", "404"])
            }
        }
    }

    @Test func cancelsTheJobOfAClientThatLeaves() async throws {
        try await LiveServer.run { server in
            let signals = try await server.connect { connection in
                try await connection.send(LiveServer.post("/api/execute", Fixture.sample))
                return try await server.fixture.queue.take(by: "test").signals
            }
            var iterator = signals.makeAsyncIterator()
            #expect(await iterator.next() == .cancelRequested)
        }
    }

    /// In so many words, or by a key under which it will ask again.
    @Test(arguments: [
        (#"{"language":"javascript","code":"1","onDisconnect":"continue"}"#, ""),
        (Fixture.sample, "idempotency-key: k-1\r\n"),
    ])
    func goesOnWithoutAClientThatSaidSo(body: String, extra: String) async throws {
        try await LiveServer.run { server in
            let lease = try await server.connect { connection in
                try await connection.send(LiveServer.post("/api/execute", body, extra: extra))
                let lease = try await server.fixture.queue.take(by: "test")
                await server.fixture.settle { $0.waiters == 1 }
                return lease
            }
            // The server has noticed once nobody waits any more.
            await server.fixture.settle { $0.waiters == 0 }
            try await server.fixture.queue.complete(lease.token, with: Fixture.result(lease.id))
            var signals = lease.signals.makeAsyncIterator()
            #expect(await signals.next() == nil)
            #expect(await server.fixture.queue.job(lease.id)?.result?.status == .ok)
        }
    }

    @Test func refusesHeadersThatAreTooLarge() async throws {
        try await LiveServer.run(configuration: APIConfiguration(port: 0, maxHeaderBytes: 1_000)) { server in
            let fields = (0..<20).map { "x-\($0): \(String(repeating: "a", count: 90))\r\n" }.joined()
            let answer = try await server.connect { connection in
                try await connection.send("GET /health HTTP/1.1\r\nhost: localhost\r\n\(fields)\r\n")
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 431 "), "\(answer)")
            #expect(answer.contains("application/problem+json"))
        }
    }

    @Test(arguments: [
        "\0\0\0\0\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST /api/execute HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    ])
    func refusesWhatIsNotHTTP(bytes: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send(bytes)
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        }
    }

    @Test func asksForABodyThatTheClientHoldsBack() async throws {
        try await LiveServer.run { server in
            let request = LiveServer.post("/api/jobs", Fixture.sample, extra: "expect: 100-continue\r\n")
            let head = String(request.dropLast(Fixture.sample.count))
            try await server.connect { connection in
                var parts = connection.inbound.makeAsyncIterator()
                try await connection.send(head)
                let first = String(buffer: try #require(try await parts.next()))
                #expect(first == "HTTP/1.1 100 Continue\r\n\r\n")
                try await connection.send(Fixture.sample)
                let second = String(buffer: try #require(try await parts.next()))
                #expect(second.hasPrefix("HTTP/1.1 202 Accepted\r\n"), "\(second)")
            }
        }
    }

    @Test func refusesALargeBodyBeforeItComes() async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                let request =
                    "POST /api/execute HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                    + "expect: 100-continue\r\ncontent-length: 16777217\r\n\r\n"
                try await connection.send(request)
                return try await connection.read(until: "\r\n\r\n{")
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test func boundsAChunkedBody() async throws {
        var bounds = RequestBounds.standard
        bounds.bodyBytes = 1_000
        try await LiveServer.run(configuration: APIConfiguration(port: 0, bounds: bounds)) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "POST /api/execute HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                        + "transfer-encoding: chunked\r\n\r\n")
                for _ in 0..<20 { try await connection.send("64\r\n\(String(repeating: " ", count: 100))\r\n") }
                return try await connection.read(until: "\r\n\r\n{")
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
        }
    }

    @Test func doesNotRunABodyThatWasCutOff() async throws {
        try await LiveServer.run { server in
            try await server.connect { connection in
                // A whole JSON text, but the last chunk is missing.
                let size = String(Fixture.sample.utf8.count, radix: 16)
                try await connection.send(
                    "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                        + "transfer-encoding: chunked\r\n\r\n\(size)\r\n\(Fixture.sample)\r\n")
                connection.outbound.finish()
                let answer = await connection.readToEnd()
                #expect(!answer.contains("HTTP/1.1 202"), "\(answer)")
            }
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    @Test func answers408ToABodyThatStops() async throws {
        let deadlines = ConnectionDeadlines(body: .milliseconds(20))
        try await LiveServer.run(configuration: APIConfiguration(port: 0, deadlines: deadlines)) { server in
            let answer = try await server.connect { connection in
                let whole = LiveServer.post("/api/jobs", Fixture.sample)
                try await connection.send(String(whole.dropLast(1)))
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    @Test("no more connections are served at once than allowed; the next one waits for its turn")
    func boundsTheNumberOfConnections() async throws {
        try await LiveServer.run(configuration: APIConfiguration(port: 0, maxConnections: 2)) { server in
            let request = LiveServer.post("/api/execute", Fixture.sample, extra: "connection: close\r\n")
            let (answers, answered) = AsyncStream.makeStream(of: String.self)
            @Sendable func ask(_ name: String) async throws {
                try await server.connect { connection in
                    try await connection.send(request)
                    answered.yield("\(name) \(String(await connection.readToEnd().prefix(12)))")
                }
            }
            async let first: Void = ask("first")
            await server.fixture.settle { $0.waiters == 1 }
            async let second: Void = ask("second")
            await server.fixture.settle { $0.waiters == 2 }
            // Both wait for a job, so neither makes room.
            async let third: Void = ask("third")
            try await Task.sleep(for: .milliseconds(200))
            #expect(await server.fixture.queue.counts().waiters == 2)
            for _ in 0..<3 { try await server.fixture.runNext() }
            _ = try await (first, second, third)
            answered.finish()
            var seen: Set<String> = []
            for await answer in answers { seen.insert(answer) }
            #expect(seen == ["first HTTP/1.1 200", "second HTTP/1.1 200", "third HTTP/1.1 200"])
        }
    }

    @Test func answersRunningAndWaitingJobsAtShutdown() async throws {
        try await LiveServer.run { server in
            let fixture = server.fixture
            async let running = server.connect { connection in
                try await connection.send(LiveServer.post("/api/execute", Fixture.sample))
                return await connection.readToEnd()
            }
            let lease = try await fixture.queue.take(by: "test")
            async let waiting = server.connect { connection in
                try await connection.send(LiveServer.post("/api/execute", Fixture.sample))
                return await connection.readToEnd()
            }
            await fixture.settle { $0.waiters == 2 }
            await server.group.triggerGracefulShutdown()
            #expect(try await waiting.hasPrefix("HTTP/1.1 503 "))
            try await fixture.queue.complete(lease.token, with: Fixture.result(lease.id))
            #expect(try await running.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func waitsForRunningJobsNoLongerThanAllowed() async throws {
        let configuration = APIConfiguration(port: 0, drainTimeout: .milliseconds(1))
        try await LiveServer.run(configuration: configuration) { server in
            async let answer = server.connect { connection in
                try await connection.send(LiveServer.post("/api/execute", Fixture.sample))
                return await connection.readToEnd()
            }
            _ = try await server.fixture.queue.take(by: "test")
            await server.fixture.settle { $0.waiters == 1 }
            await server.group.triggerGracefulShutdown()
            #expect(try await answer.hasPrefix("HTTP/1.1 503 "))
        }
    }
}
