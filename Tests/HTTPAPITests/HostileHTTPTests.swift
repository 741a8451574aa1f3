import Foundation
import JobQueue
import Jobs
import NIOCore
import Testing

@testable import HTTPAPI

/// What clients send who want a server to stand still, or to take one request for two, over real connections.
@Suite(.timeLimit(.minutes(2))) struct HostileHTTPTests {
    private static let json = "content-type: application/json\r\n"
    /// What would be answered with 404 if it were taken for a request of its own.
    private static let hidden = "GET /hidden HTTP/1.1\r\nhost: localhost\r\n\r\n"

    /// A message whose end two parsers could see in different places, or that no grammar has. The first head has a `host`.
    private static let ambiguous: [(String, String)] = [
        ("length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks and length", "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"),
        ("two lengths", "content-length: 0\r\ncontent-length: 44\r\n\r\n"),
        ("one length twice", "content-length: 0\r\ncontent-length: 0\r\n\r\n"),
        ("a list of lengths", "content-length: 0, 0\r\n\r\n"),
        ("a length with a sign", "content-length: +0\r\n\r\n"),
        ("a negative length", "content-length: -1\r\n\r\n"),
        ("a hexadecimal length", "content-length: 0x0\r\n\r\n"),
        ("an endless length", "content-length: 99999999999999999999999\r\n\r\n"),
        ("a space before the colon", "content-length : 44\r\n\r\n"),
        ("an encoding with a space before the colon", "transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("an unknown encoding", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunks that are not last", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("an encoding in two fields", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n"),
        ("an encoding of two kinds", "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n"),
        ("a space before a name", " content-length: 0\r\n\r\n"),
        ("a vertical tab in the encoding", "transfer-encoding: \u{B}chunked\r\n\r\n0\r\n\r\n"),
        ("a folded field", "x: a\r\n b\r\n\r\n"),
        ("a folded length", "content-length:\r\n 44\r\n\r\n"),
        ("lines that end with LF", "x: a\ncontent-length: 0\n\n"),
        ("a head that ends with LF", "content-length: 0\r\n\n"),
        ("a CR within a field", "x: a\rcontent-length: 44\r\n\r\n"),
        ("a NUL in a field", "x: a\u{0}b\r\n\r\n"),
        ("a field without a colon", "content-length\r\n\r\n"),
        ("a field without a name", ": 5\r\n\r\n"),
        ("a name with a space", "content length: 5\r\n\r\n"),
        ("a chunk with a sign", "transfer-encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n"),
        ("a chunk too large for a number", "transfer-encoding: chunked\r\n\r\n10000000000000000\r\na\r\n0\r\n\r\n"),
        ("a chunk in hexadecimal", "transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"),
        ("a chunk without a size", "transfer-encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n"),
        ("a chunk longer than it says", "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
        ("a chunk that ends with LF", "transfer-encoding: chunked\r\n\r\n1\na\n0\n\n"),
        ("an extension that ends with LF", "transfer-encoding: chunked\r\n\r\n1;a\na\r\n0\r\n\r\n"),
        ("a space behind a chunk's size", "transfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"),
    ]

    @Test(
        "a message that two parsers could read differently is refused, and nothing behind it is read",
        arguments: ambiguous)
    func refusesAmbiguity(what: String, rest: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\n\(Self.json)\(rest)\(Self.hidden)")
                return await connection.readToEnd()
            }
            let statuses = Self.statuses(answer)
            #expect(statuses.count <= 1, "\(what): \(answer)")
            #expect(statuses.first == "400", "\(what): \(answer)")
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    private static func statuses(_ answer: String) -> [String] {
        answer.matches(of: /HTTP\/1.1 (\d+)/).map { String($0.output.1) }
    }

    @Test("of many requests in one piece each gets one answer, in their order, also while a job runs")
    func answersPipelines() async throws {
        try await LiveServer.run { server in
            var text = ""
            var expected: [String] = []
            for index in 0..<30 {
                switch index % 4 {
                case 0: text += "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
                case 1: text += LiveServer.post("/api/jobs", "{}")
                case 2: text += LiveServer.post("/api/jobs", Fixture.sample)
                default: text += Self.hidden
                }
                expected.append(["200", "400", "202", "404"][index % 4])
            }
            let sent =
                LiveServer.post("/api/execute", Fixture.sample) + text
                + "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            let answer = try await server.connect { connection in
                async let lease = server.fixture.runNext()
                try await connection.send(sent)
                let answer = await connection.readToEnd()
                _ = try await lease
                return answer
            }
            #expect(Self.statuses(answer) == ["200"] + expected + ["200"])
        }
    }

    @Test("the same in pieces of every size is the same", arguments: [1, 2, 3, 7, 64])
    func answersInPieces(size: Int) async throws {
        try await LiveServer.run { server in
            let chunked =
                "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\n\(Self.json)transfer-encoding: chunked\r\n\r\n"
                + Fixture.sample.map { "1;x=y\r\n\($0)\r\n" }.joined() + "0\r\nx: y\r\n\r\n"
            let text = Array(
                (LiveServer.post("/api/jobs", Fixture.sample) + chunked
                    + "GET /hidden HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").utf8)
            let answer = try await server.connect { connection in
                for start in stride(from: 0, to: text.count, by: size) {
                    let piece = text[start..<min(start + size, text.count)]
                    try await connection.outbound.write(ByteBuffer(bytes: piece))
                }
                return await connection.readToEnd()
            }
            #expect(Self.statuses(answer) == ["202", "202", "404"])
        }
    }

    @Test(
        "a head that comes byte by byte does not live longer than its time, and a hundred of them keep nobody waiting")
    func endsSlowHeads() async throws {
        let deadlines = ConnectionDeadlines(head: .milliseconds(400))
        try await LiveServer.run(configuration: APIConfiguration(port: 0, deadlines: deadlines)) { server in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await server.connect { connection in
                            let dripping = Task {
                                try await connection.send("GET /health HTTP/1.1\r\nhost: localhost\r\nx: ")
                                while !Task.isCancelled {
                                    try await connection.send("a")
                                    try await Task.sleep(for: .milliseconds(50))
                                }
                            }
                            defer { dripping.cancel() }
                            return await connection.readToEnd()
                        }
                    }
                }
                let answer = try await server.connect { connection in
                    try await connection.send(
                        "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                    return await connection.readToEnd()
                }
                #expect(Self.statuses(answer) == ["200"])
                // They end by the server's doing alone, and without an answer.
                for try await answer in group { #expect(Self.statuses(answer).isEmpty) }
            }
        }
    }

    @Test("a body that comes byte by byte is 408 when its time is over")
    func endsSlowBodies() async throws {
        let deadlines = ConnectionDeadlines(body: .milliseconds(400))
        try await LiveServer.run(configuration: APIConfiguration(port: 0, deadlines: deadlines)) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\n\(Self.json)content-length: 100000\r\n\r\n")
                let dripping = Task {
                    while !Task.isCancelled {
                        try await connection.send(" ")
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                defer { dripping.cancel() }
                return await connection.readToEnd()
            }
            #expect(Self.statuses(answer) == ["408"])
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    @Test(
        "what is too much before a body is 431 at most, and is not kept",
        arguments: [
            "x: " + String(repeating: "a", count: 40_000), String(repeating: "x", count: 40_000) + ": a",
            (0..<101).map { "x-\($0): a" }.joined(separator: "\r\n"),
            (0..<40).map { "x-\($0): " + String(repeating: "a", count: 1_000) }.joined(separator: "\r\n"),
        ])
    func refusesHugeHeads(fields: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send("GET /health HTTP/1.1\r\nhost: localhost\r\n\(fields)\r\n\r\n\(Self.hidden)")
                return await connection.readToEnd()
            }
            #expect(Self.statuses(answer) == ["431"], "\(answer.prefix(200))")
        }
    }

    @Test("so is a target, and are trailers", arguments: [true, false])
    func refusesHugeTargetsAndTrailers(isTarget: Bool) async throws {
        try await LiveServer.run { server in
            let many = String(repeating: "a", count: 40_000)
            let answer = try await server.connect { connection in
                try await connection.send(
                    isTarget
                        ? "GET /\(many) HTTP/1.1\r\nhost: localhost\r\n\r\n"
                        : "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\n\(Self.json)transfer-encoding: chunked\r\n\r\n"
                            + "1\r\n{\r\n0\r\nx: \(many)\r\n\r\n")
                return await connection.readToEnd()
            }
            #expect(Self.statuses(answer) == ["431"], "\(answer.prefix(200))")
            #expect(await server.fixture.queue.counts() == QueueCounts())
        }
    }

    @Test("a chunk's extension of a megabyte costs nothing but its time")
    func passesOverExtensions() async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                let size = String(Fixture.sample.utf8.count, radix: 16)
                try await connection.send(
                    "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\n\(Self.json)transfer-encoding: chunked\r\n"
                        + "connection: close\r\n\r\n\(size);\(String(repeating: "a", count: 1 << 20))\r\n"
                        + "\(Fixture.sample)\r\n0\r\n\r\n")
                return await connection.readToEnd()
            }
            #expect(["202", "400", "431"].contains(Self.statuses(answer).first ?? ""), "\(answer.prefix(200))")
            #expect(Self.statuses(answer).count == 1)
        }
    }

    @Test(
        "what is another protocol is refused at once",
        arguments: [
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "SSH-2.0-x\r\n",
        ])
    func refusesOtherProtocols(bytes: String) async throws {
        try await LiveServer.run { server in
            let answer = try await server.connect { connection in
                try await connection.send(bytes)
                return await connection.readToEnd()
            }
            #expect(Self.statuses(answer) == ["400"], "\(answer)")
        }
    }

    @Test("an upgrade and a tunnel are not begun")
    func begunNoTunnel() async throws {
        try await LiveServer.run { server in
            for (head, status) in [
                ("GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "200"),
                ("CONNECT localhost:22 HTTP/1.1\r\nhost: localhost:22\r\n\r\n", "404"),
            ] {
                let answer = try await server.connect { connection in
                    try await connection.send(head)
                    return try await connection.read(until: "}")
                }
                #expect(Self.statuses(answer) == [status], "\(answer)")
            }
        }
    }

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
            "", "GET /health HTTP/1.1\r\nhost: localhost",
            "POST /api/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
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
}
