import Logging

/// Makes a connection's sockets, one after the other: at once where there was none, and after a back-off where the last try
/// came to nothing.
struct RedisDialer {
    private static let connectTimeout = Duration.seconds(2)
    let server: RedisServer
    let role: RedisMetrics.Role
    /// What each step of the greeting may take.
    let replyTimeout: Duration
    let interruption: Interruption
    let metrics: RedisMetrics
    let logger: Logger
    /// A connection was made before.
    private var wasConnected = false
    private var backoff = Backoff()
    private var nextTry = ContinuousClock.now
    private var lastFailure = RedisError(.unreachable, "not tried yet")

    init(
        server: RedisServer, role: RedisMetrics.Role, replyTimeout: Duration, interruption: Interruption,
        metrics: RedisMetrics, logger: Logger
    ) {
        self.server = server
        self.role = role
        self.metrics = metrics
        self.replyTimeout = replyTimeout
        self.interruption = interruption
        self.logger = logger
    }

    /// - Returns: a socket on which the server has answered.
    /// - Throws: what went wrong, or what did the last time, where it is too early for another try.
    mutating func dial() throws(RedisError) -> RedisSocket {
        guard !interruption.isClosed else { throw RedisError(.closed, "the connection was closed") }
        guard nextTry <= .now else { throw lastFailure }
        do throws(RedisError) {
            let socket = try RedisSocket(
                to: server.address, timeout: Self.connectTimeout, interruption: interruption)
            try greet(on: socket)
            if backoff.failures > 0 { logger.notice("Redis is back", metadata: ["server": "\(server.address)"]) }
            backoff.succeeded()
            if wasConnected { metrics.reconnected(role) }
            wasConnected = true
            return socket
        } catch {
            let pause = backoff.failed()
            nextTry = .now + pause
            lastFailure = error
            if error.code != .closed { metrics.failed(.unreachable) }
            // Once when it goes away, then at growing intervals.
            if backoff.failures.nonzeroBitCount == 1, error.code != .closed {
                logger.warning(
                    "Redis cannot be used",
                    metadata: [
                        "server": "\(server.address)", "reason": "\(error)", "failures": "\(backoff.failures)",
                    ])
            }
            throw error
        }
    }

    private func greet(on socket: RedisSocket) throws(RedisError) {
        if let password = server.password {
            let user = server.user.map { [RedisArgument($0)] } ?? []
            _ = try socket.exchange(RedisCommand(["AUTH"] + user + [RedisArgument(password)]), within: replyTimeout)
        }
        if server.database != 0 {
            _ = try socket.exchange(["SELECT", RedisArgument(server.database)], within: replyTimeout)
        }
        // A server that is loading or wants a password says so here, and not in the middle of a job.
        _ = try socket.exchange(["PING"], within: replyTimeout)
    }

    /// Tells the log of an error.
    /// - Returns: the error as the caller should see it, and whether the socket is of no more use.
    func judged(_ error: RedisError) -> (error: RedisError, isLost: Bool) {
        switch error.code {
        case .connectionLost, .badReply, .closed:
            if interruption.isClosed { return (RedisError(.closed, "the connection was closed"), true) }
            metrics.failed(.lost)
            logger.warning("connection lost", metadata: ["reason": "\(error)"])
            return (error, true)
        case .readOnly, .loading, .misconfigured, .outOfMemory, .busy, .denied, .wrongNode, .manyNodes, .server:
            metrics.failed(.refused)
            logger.warning("Redis refused a command", metadata: ["reason": "\(error)"])
            // After a failover the same name leads to the new primary, but only on a new connection.
            return (error, error.code == .readOnly)
        case .unreachable, .noScript: return (error, false)
        }
    }
}
