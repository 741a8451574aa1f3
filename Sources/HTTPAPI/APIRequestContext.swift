import Hummingbird
import Jobs
import Logging
import NIOCore

/// What a route knows besides the request: the connection, so that it hears when the client leaves.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Of the request; nil before the responder has it.
    var requestID: RequestID?
    private let channel: any Channel
    /// Where tasks run that the request needs; nil for Swift's own pool.
    let executor: LoopExecutor?
    /// On whose behalf the request is answered.
    var caller = Caller.nobody

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        executor = LoopExecutor.of(source.channel.eventLoop)
    }

    /// Runs `operation`, and `action` once if the client leaves meanwhile. On a connection without a guard nothing is
    /// watched; only tests have such.
    func watchingForDisconnect<Value: Sendable>(
        _ action: @escaping @Sendable () -> Void, during operation: () async throws -> Value
    ) async throws -> Value {
        let channel = channel
        let isWatched = try await Self.onLoop(of: channel) {
            guard let guardian = ConnectionGuard.find(in: channel) else { return false }
            guardian.watchForDisconnect(action)
            return true
        }
        defer {
            // Runs before the next request of this connection registers itself: the loop keeps the order.
            if isWatched {
                channel.eventLoop.execute { ConnectionGuard.find(in: channel)?.watchForDisconnect(nil) }
            }
        }
        return try await operation()
    }

    /// Runs `body` on the connection's event loop: at once where it runs the caller.
    private static func onLoop<Value: Sendable>(
        of channel: any Channel, _ body: @escaping @Sendable () -> Value
    ) async throws -> Value {
        if channel.eventLoop.inEventLoop { return body() }
        return try await channel.eventLoop.submit(body).get()
    }
}

extension ConnectionGuard {
    /// The guard of a connection; nil where there is none or the connection is closed. Only on the event loop.
    fileprivate static func find(in channel: any Channel) -> ConnectionGuard? {
        // A closed connection has lost its handlers; its end has been reported before that.
        try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
    }
}
