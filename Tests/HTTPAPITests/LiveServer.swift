import HTTPTypes
import JobQueue
import Jobs
import NIOCore
import NIOPosix
import ServiceLifecycle

@testable import HTTPAPI

/// A server on a loopback port of the kernel's choice, as `bulkhead serve` runs one.
struct LiveServer: Sendable {
    let fixture: Fixture
    let port: Int
    let group: ServiceGroup

    /// Runs `test` beside a server, then shuts the server down gracefully and waits for its end.
    static func run(
        queue: QueueOptions = QueueOptions(), configuration: APIConfiguration = APIConfiguration(port: 0),
        _ test: @escaping @Sendable (LiveServer) async throws -> Void
    ) async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let fixture = Fixture(queue: queue, configuration: configuration) { port in
            listening.yield(port)
            listening.finish()
        }
        let group = ServiceGroup(services: [fixture.server], logger: Fixture.silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { listening.finish() }
                try await group.run()
            }
            for await port in ports {
                try await test(LiveServer(fixture: fixture, port: port, group: group))
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    /// Opens a connection, and closes it after `body`.
    func connect<Value: Sendable>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: NIOAsyncChannel.Configuration(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(Connection(inbound: inbound, outbound: outbound))
        }
    }

    /// Bytes to and from a server.
    struct Connection {
        let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

        func send(_ text: String) async throws {
            try await outbound.write(ByteBuffer(string: text))
        }

        /// Everything until the server closes. A reset counts as a close: what came before it is what matters.
        func readToEnd() async -> String {
            var text = ""
            do {
                for try await part in inbound { text += String(buffer: part) }
            } catch {
                text += "(\(error))"
            }
            return text
        }

        /// Everything until `ending` has come; less if the server closes before.
        func read(until ending: String) async throws -> String {
            var text = ""
            for try await part in inbound {
                text += String(buffer: part)
                if text.contains(ending) { break }
            }
            return text
        }
    }

    /// A POST of JSON as text.
    static func post(_ path: String, _ body: String, extra: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.utf8.count)\r\n\(extra)\r\n\(body)"
    }
}
