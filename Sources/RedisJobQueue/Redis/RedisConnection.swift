import Logging

/// One connection to Redis, on a thread of its own: commands one at a time, in the order in which they come.
///
/// It connects when it is first needed and again after it broke. While the server is away, a caller is told so at once: the
/// next try is made only after the back-off, by whoever comes then.
actor RedisConnection {
    /// No single reply may be larger: that of a result, or of a request with room for everything around it.
    static let mostReplyBytes = 64 << 20
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let executor: ThreadExecutor
    /// Runs tasks on the connection's thread, for those that do little else than wait for it.
    nonisolated let tasks: ThreadExecutor.Tasks
    /// What a command may take that does not block.
    private let replyTimeout: Duration
    private let role: RedisMetrics.Role
    private let metrics: RedisMetrics
    private let interruption: Interruption
    private var dialer: RedisDialer
    private var socket: RedisSocket?
    /// What the server calls each script: a digest of its text, the same on every server.
    private var scriptNames: [String: String] = [:]

    /// - Parameters:
    ///   - server: where to connect to.
    ///   - role: what the connection is for, in the log and in the thread's name.
    ///   - replyTimeout: what a command may take that does not block.
    ///   - metrics: counts what it does.
    ///   - logger: hears of the connection's fate.
    init(
        to server: RedisServer, role: RedisMetrics.Role, replyTimeout: Duration, metrics: RedisMetrics, logger: Logger
    ) {
        self.replyTimeout = replyTimeout
        self.role = role
        self.metrics = metrics
        var logger = logger
        logger[metadataKey: "connection"] = "\(role)"
        interruption = Interruption()
        dialer = RedisDialer(
            server: server, role: role, replyTimeout: replyTimeout, interruption: interruption, metrics: metrics,
            logger: logger)
        executor = ThreadExecutor.start(name: "redis-\(role)")
        unownedExecutor = executor.asUnownedSerialExecutor()
        tasks = executor.tasks
    }

    deinit {
        executor.stop()
    }

    /// Ends whatever the connection waits for, for ever.
    nonisolated func close() {
        interruption.close()
    }

    /// Sends a command and waits for its reply.
    /// - Parameters:
    ///   - command: what to do.
    ///   - blocking: how long the command itself may make the server wait.
    /// - Returns: the reply; never `.error`.
    /// - Throws: what went wrong; an error reply as well.
    func send(_ command: RedisCommand, blockingFor blocking: Duration = .zero) throws(RedisError) -> RedisReply {
        let socket = try connected()
        metrics.sent(over: role)
        let start = ContinuousClock.now
        do throws(RedisError) {
            let reply = try socket.exchange(command, within: replyTimeout + blocking)
            if blocking == .zero { metrics.answered(after: .now - start, over: role) }
            return reply
        } catch {
            throw noted(error)
        }
    }

    /// Runs a script by its name in the server's cache; by its text, which puts it there again, where it is gone.
    /// - Throws: what went wrong; an error that the script raised as well.
    func run(_ script: Script, keys: [RedisArgument], arguments: [RedisArgument]) throws(RedisError) -> RedisReply {
        do throws(RedisError) {
            return try send(script.call(by: try name(of: script), keys: keys, arguments: arguments))
        } catch {
            guard error.code == .noScript else { throw error }
        }
        return try send(script.callByText(keys: keys, arguments: arguments))
    }

    private func name(of script: Script) throws(RedisError) -> String {
        if let name = scriptNames[script.name] { return name }
        let name = try Script.name(from: try send(script.loading))
        scriptNames[script.name] = name
        return name
    }

    /// Subscribes to channels; from then on only `messages` may be used.
    /// - Throws: what went wrong; then the connection is gone.
    func subscribe(to channels: [String]) throws(RedisError) {
        // Anything left over from a subscription that broke would be taken for an answer.
        drop()
        let socket = try connected()
        do throws(RedisError) {
            let deadline = ContinuousClock.now + replyTimeout
            try socket.send(RedisCommand(["SUBSCRIBE"] + channels.map { RedisArgument($0) }).encoded, until: deadline)
            for _ in channels {
                guard let reply = try socket.receive(until: deadline, atMost: Self.mostReplyBytes) else {
                    throw RedisError(.connectionLost, "no answer to SUBSCRIBE in time")
                }
                if case .error(let text) = reply { throw RedisError(reply: text) }
            }
        } catch {
            drop()
            throw noted(error)
        }
    }

    /// Waits for messages on the channels, and asks whether the server is still there when it has heard nothing.
    /// - Returns: what has come, each with its channel; nothing when nothing came in time.
    /// - Throws: `connectionLost` and others; then messages may have been missed.
    func messages(waitingAtMost limit: Duration) throws(RedisError) -> [(channel: String, text: String)] {
        guard let socket else { throw RedisError(.connectionLost, "there is no subscription") }
        do throws(RedisError) {
            var messages: [(String, String)] = []
            var reply = try socket.receive(until: .now + limit, atMost: Self.mostReplyBytes)
            if reply == nil {
                try socket.send(RedisCommand(["PING"]).encoded, until: .now + replyTimeout)
                reply = try socket.receive(until: .now + replyTimeout, atMost: Self.mostReplyBytes)
                if reply == nil { throw RedisError(.connectionLost, "Redis answers no PING") }
            }
            while let next = reply {
                if case .error(let text) = next { throw RedisError(reply: text) }
                if next[0].string == "message", let channel = next[1].string, let text = next[2].string {
                    messages.append((channel, text))
                }
                reply = messages.count < 1_000 ? try socket.parsed() : nil
            }
            return messages
        } catch {
            drop()
            throw noted(error)
        }
    }

    // MARK: Connecting

    private func connected() throws(RedisError) -> RedisSocket {
        if let socket { return socket }
        let socket = try dialer.dial()
        self.socket = socket
        return socket
    }

    private func drop() {
        socket = nil
    }

    /// Gives the connection up where the error says that it is of no more use.
    private func noted(_ error: RedisError) -> RedisError {
        let (error, isLost) = dialer.judged(error)
        if isLost { drop() }
        return error
    }
}
