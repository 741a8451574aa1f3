import ServiceLifecycle
import Telemetry
import Testing

@testable import HTTPAPI

/// The port with `/metrics` alone.
@Suite(.timeLimit(.minutes(1))) struct MetricsServerTests {
    /// The status line of an answer to a scrape with these fields.
    private func status(_ server: LiveServer, _ fields: String) async throws -> Substring? {
        let answer = try await server.connect { connection in
            try await connection.send("GET /metrics HTTP/1.1\r\n\(fields)connection: close\r\n\r\n")
            return await connection.readToEnd()
        }
        return answer.split(separator: "\r\n").first
    }

    @Test("it is called by names of this machine and those that are allowed, and by no page of another origin")
    func allowsHosts() async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let metrics = MetricsServer(
            host: "127.0.0.1", port: 0, allowedHosts: ["Worker-1"], page: MetricsPage([]), logger: Fixture.silent
        ) { port in
            listening.yield(port)
            listening.finish()
        }
        let group = ServiceGroup(services: [metrics], logger: Fixture.silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { listening.finish() }
                try await group.run()
            }
            for await port in ports {
                let server = LiveServer(fixture: Fixture(), port: port, group: group)
                for host in ["localhost", "127.0.0.1:\(port)", "[::1]", "worker-1:9464"] {
                    #expect(try await status(server, "host: \(host)\r\n") == "HTTP/1.1 200 OK", "\(host)")
                }
                for host in ["evil.example:\(port)", "worker-2", "worker-1.evil.example", "10.0.0.1"] {
                    let answer = try await status(server, "host: \(host)\r\n")
                    #expect(answer == "HTTP/1.1 421 Misdirected Request", "\(host)")
                }
                #expect(try await status(server, "") == "HTTP/1.1 400 Bad Request")
                let crossSite = try await status(server, "host: localhost\r\norigin: https://evil.example\r\n")
                #expect(crossSite == "HTTP/1.1 403 Forbidden")
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
