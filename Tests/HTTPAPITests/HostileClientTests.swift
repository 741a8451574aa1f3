import JobQueue
import Jobs
import NIOCore
import Testing

@testable import HTTPAPI

/// What clients send who want a server to stand still, or to take one request for two (hardening: HTTP).
@Suite("Hostile clients", .timeLimit(.minutes(2)))
struct HostileClientTests {
    /// Opens connections, sends `bytes` on each, and runs `body` while all are open.
    private func holding(
        _ count: Int, sending bytes: String, on server: LiveServer, _ body: @Sendable @escaping () async throws -> Void
    ) async throws {
        let (opened, open) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<count {
                tasks.addTask {
                    try await server.connect { connection in
                        // One that was closed already is as good.
                        try? await connection.send(bytes)
                        open.yield()
                        // Until the server closes, or the test is over.
                        _ = await connection.readToEnd()
                    }
                }
            }
            var left = count
            for await _ in opened {
                left -= 1
                if left == 0 { break }
            }
            try await body()
            tasks.cancelAll()
            // What was cancelled says so.
            while let result = await tasks.nextResult() { _ = result }
        }
    }

    @Test(
        "a thousand connections that send nothing, half a head or half a body keep nobody out",
        arguments: [
            "", "GET /health HTTP/1.1\r\nhost: a",
            "POST /api/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        ])
    func holdsConnections(bytes: String) async throws {
        // No deadline comes to help.
        let deadlines = ConnectionDeadlines(head: .seconds(600), body: .seconds(600))
        try await LiveServer.run(configuration: APIConfiguration(port: 0, deadlines: deadlines)) { server in
            try await holding(1_000, sending: bytes, on: server) {
                async let lease = server.fixture.runNext()
                let answer = try await server.connect { connection in
                    try await connection.send(
                        LiveServer.post("/api/execute", Fixture.sample, extra: "connection: close\r\n"))
                    return await connection.readToEnd()
                }
                _ = try await lease
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
            }
        }
    }

    @Test("a head or a body that comes a byte at a time is given its time as a whole, not for each byte")
    func tricklesAHead() async throws {
        let deadlines = ConnectionDeadlines(head: .milliseconds(300), body: .milliseconds(300))
        try await LiveServer.run(configuration: APIConfiguration(port: 0, deadlines: deadlines)) { server in
            for (start, answered) in [
                ("GET /health HTTP/1.1\r\nx: ", ""),
                (
                    "POST /api/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n",
                    "HTTP/1.1 408 "
                ),
            ] {
                let answer = try await server.connect { connection in
                    try await connection.send(start)
                    return await withTaskGroup(of: String?.self) { tasks in
                        tasks.addTask {
                            // Fails once the server has closed.
                            while (try? await connection.send(" ")) != nil {
                                try? await Task.sleep(for: .milliseconds(20))
                                if Task.isCancelled { break }
                            }
                            return nil
                        }
                        tasks.addTask { await connection.readToEnd() }
                        var answer = ""
                        for await text in tasks {
                            guard let text else { continue }
                            answer = text
                            break
                        }
                        tasks.cancelAll()
                        return answer
                    }
                }
                #expect(answer.hasPrefix(answered), "\(answer)")
                #expect(answer.contains("HTTP/") == !answered.isEmpty, "\(answer)")
            }
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    private static let inner = "GET /health HTTP/1.1\r\nhost: a\r\n\r\n"

    private static func post(_ fields: String, _ body: String) -> String {
        "POST /api/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\(fields)\r\n\(body)"
    }

    /// Each could be read as another number of requests by a proxy in front (RFC 9112, sections 5 to 7 and 11.2).
    @Test(
        "what could be taken for one request or for two is refused, and the connection ends",
        arguments: [
            post("content-length: 4\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n" + inner),
            post("transfer-encoding: chunked\r\ncontent-length: 4\r\n", "0\r\n\r\n" + inner),
            post("content-length: 0\r\ncontent-length: \(inner.utf8.count)\r\n", inner),
            post("content-length: 0, \(inner.utf8.count)\r\n", inner),
            post("content-length: +0\r\n", inner), post("content-length: -1\r\n", inner),
            post("content-length: 0x10\r\n", inner), post("content-length: 99999999999999999999\r\n", inner),
            post("content-length : 0\r\n", inner), post(" content-length: 0\r\n", inner),
            post("transfer-encoding: xchunked\r\n", "0\r\n\r\n" + inner),
            post("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n" + inner),
            post("transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n", "0\r\n\r\n" + inner),
            post("transfer-encoding:\u{b}chunked\r\n", "0\r\n\r\n" + inner),
            post("transfer-encoding: chunked\r\n", "0x0\r\n\r\n" + inner),
            post("transfer-encoding: chunked\r\n", "-1\r\n\r\n" + inner),
            post("transfer-encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n" + inner),
            post("transfer-encoding: chunked\r\n", "2\r\n{}extra\r\n0\r\n\r\n" + inner),
            post("x: a\0b\r\ncontent-length: 0\r\n", inner), post("x: a\rb\r\ncontent-length: 0\r\n", inner),
            post("x y: a\r\ncontent-length: 0\r\n", inner),
        ])
    func smuggling(bytes: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send(bytes)
                return await connection.readToEnd()
            }
            let statuses = answer.matches(of: /HTTP\/1.1 (\d+)/).map { String($0.output.1) }
            #expect(statuses.count == 1, "\(answer)")
            #expect(statuses.first?.hasPrefix("4") == true, "\(answer)")
            #expect(!answer.contains("healthy"), "\(answer)")
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    @Test("a request of HTTP/1.1 names one host", arguments: ["", "host: a\r\nhost: b\r\n"])
    func host(fields: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send("GET /health HTTP/1.1\r\n\(fields)connection: close\r\n\r\n")
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        }
    }

    @Test("many small fields are as bad as a few large ones")
    func manyFields() async throws {
        try await LiveServer.run { server in
            let fields = (0..<200).map { "x-\($0): 1\r\n" }.joined()
            let answer = try await server.connect { connection in
                try await connection.send("GET /health HTTP/1.1\r\nhost: a\r\n\(fields)\r\n")
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 431 "), "\(answer)")
        }
    }

    @Test("a hundred requests in one packet get a hundred answers, in order")
    func pipelining() async throws {
        try await LiveServer.run { server in
            let requests = (0..<100).map { number in
                "GET /\(number % 2 == 0 ? "health" : "nowhere") HTTP/1.1\r\nhost: a\r\n"
                    + (number == 99 ? "connection: close\r\n" : "") + "\r\n"
            }
            let answer = try await server.connect { connection in
                try await connection.send(requests.joined())
                return await connection.readToEnd()
            }
            let statuses = answer.matches(of: /HTTP\/1.1 (\d+)/).map { String($0.output.1) }
            #expect(statuses == (0..<100).map { $0 % 2 == 0 ? "200" : "404" })
        }
    }
}
