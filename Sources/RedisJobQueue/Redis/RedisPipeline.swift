import Dispatch
import Foundation
import Logging
import Synchronization

/// One connection to Redis for the commands of many callers: each is sent at once, by the thread that brings it, behind those
/// whose replies are still to come; one thread reads the replies.
///
/// It connects when it is first needed and again after it broke. While the server is away, a caller is told so at once: the
/// next try is made only after the back-off, by whoever comes then.
final class RedisPipeline: Sendable {
    private struct Pending {
        let continuation: CheckedContinuation<Result<RedisReply, RedisError>, Never>
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        /// There while commands may be written to it.
        var socket: Shared?
        /// In the order of the replies. Everybody who waits is in here: bounded by the callers.
        var pending: [Pending] = []
        /// What the socket had no room for, or comes before there is one.
        var unsent: [UInt8] = []
        /// Somebody writes what is unsent.
        var isWriting = false
        var isClosed = false
        /// What the server calls each script: a digest of its text, the same on every server.
        var scriptNames: [String: String] = [:]
    }

    private let state = Mutex(State())
    /// That there is something to do for a thread without a socket.
    private let signal = DispatchSemaphore(value: 0)
    private let interruption: Interruption
    private let replyTimeout: Duration
    private let role: RedisMetrics.Role
    private let metrics: RedisMetrics

    /// - Parameters:
    ///   - server: where to connect to.
    ///   - role: what the connection is for, in the log and in the thread's name.
    ///   - replyTimeout: what a command may take.
    ///   - metrics: counts what it does.
    ///   - logger: hears of the connection's fate.
    init(
        to server: RedisServer, role: RedisMetrics.Role, replyTimeout: Duration, metrics: RedisMetrics, logger: Logger
    ) {
        self.replyTimeout = replyTimeout
        self.role = role
        self.metrics = metrics
        let interruption = Interruption()
        self.interruption = interruption
        var logger = logger
        logger[metadataKey: "connection"] = "\(role)"
        let dialer = RedisDialer(
            server: server, role: role, replyTimeout: replyTimeout, interruption: interruption, metrics: metrics,
            logger: logger)
        let thread = Thread { [self] in work(dialer) }
        thread.name = "redis-\(role)"
        thread.start()
    }

    /// Ends whatever the connection waits for, and its thread, for ever.
    func close() {
        state.withLock { $0.isClosed = true }
        interruption.close()
        signal.signal()
    }

    /// Sends a command and waits for its reply.
    /// - Returns: the reply; never `.error`.
    /// - Throws: what went wrong; an error reply as well.
    func send(_ command: RedisCommand) async throws(RedisError) -> RedisReply {
        let bytes = command.encoded
        metrics.sent(over: role)
        let deadline = ContinuousClock.now + replyTimeout
        let result = await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                guard !state.isClosed else { return false }
                state.pending.append(Pending(continuation: continuation, deadline: deadline))
                put(bytes, &state)
                return true
            }
            if !isTaken { continuation.resume(returning: .failure(Self.closed)) }
        }
        return try result.get()
    }

    /// Runs a script by its name in the server's cache; by its text, which puts it there again, where it is gone.
    /// - Throws: what went wrong; an error that the script raised as well.
    func run(
        _ script: Script, keys: [RedisArgument], arguments: [RedisArgument]
    ) async throws(RedisError) -> RedisReply {
        do throws(RedisError) {
            return try await send(script.call(by: try await name(of: script), keys: keys, arguments: arguments))
        } catch {
            guard error.code == .noScript else { throw error }
        }
        return try await send(script.callByText(keys: keys, arguments: arguments))
    }

    private func name(of script: Script) async throws(RedisError) -> String {
        if let name = state.withLock({ $0.scriptNames[script.name] }) { return name }
        let name = try Script.name(from: try await send(script.loading))
        state.withLock { $0.scriptNames[script.name] = name }
        return name
    }

    // MARK: Writing

    private static let closed = RedisError(.closed, "the connection was closed")

    private func put(_ bytes: [UInt8], _ state: inout State) {
        guard let socket = state.socket, !state.isWriting else {
            state.unsent += bytes
            // Without a socket one is wanted; with one, whoever writes sees to this as well.
            if state.socket == nil { signal.signal() }
            return
        }
        let sent = socket.socket.sendNow(bytes)
        guard sent < bytes.count else { return }
        state.unsent = Array(bytes[sent...])
        state.isWriting = true
        DispatchQueue.global().async { self.write(to: socket) }
    }

    /// A socket that one thread reads while others write to it, one of them at a time: under the lock, or whoever has set
    /// `isWriting`.
    private struct Shared: @unchecked Sendable {
        let socket: RedisSocket
    }

    /// Writes until nothing is left to write. What becomes of a connection that takes nothing is the reader's to say.
    private func write(to shared: Shared) {
        while true {
            let bytes = state.withLock { state in
                // Another socket has writers of its own.
                guard state.socket?.socket === shared.socket else { return [UInt8]() }
                let bytes = state.unsent
                state.unsent = []
                if bytes.isEmpty { state.isWriting = false }
                return bytes
            }
            guard !bytes.isEmpty else { return }
            do throws(RedisError) {
                try shared.socket.send(bytes, until: .now + replyTimeout)
            } catch {
                // The replies to these will not come either: the reader gives the connection up.
                shared.socket.shutDown()
                return
            }
        }
    }

    // MARK: Reading

    /// The thread.
    private func work(_ dialer: RedisDialer) {
        var dialer = dialer
        while true {
            signal.wait()
            let (isClosed, isWanted) = state.withLock { ($0.isClosed, !$0.pending.isEmpty) }
            if isClosed { break }
            guard isWanted else { continue }
            let shared: Shared
            do throws(RedisError) {
                shared = Shared(socket: try dialer.dial())
            } catch {
                end(error)
                continue
            }
            do throws(RedisError) {
                try converse(over: shared, dialer)
            } catch {
                end(dialer.judged(error).error)
            }
        }
        end(Self.closed)
    }

    /// Reads replies until the connection ends.
    private func converse(over shared: Shared, _ dialer: RedisDialer) throws(RedisError) {
        state.withLock { state in
            state.socket = shared
            state.isWriting = true
        }
        write(to: shared)
        while true {
            let deadline = state.withLock { $0.pending.first?.deadline }
            // Whoever comes meanwhile has waited for less than this by then.
            let limit = deadline ?? .now + replyTimeout
            guard let reply = try shared.socket.receive(until: limit, atMost: RedisConnection.mostReplyBytes) else {
                guard state.withLock({ $0.pending.first.map { $0.deadline <= .now } ?? false }) else { continue }
                throw RedisError(.connectionLost, "no reply within \(replyTimeout)")
            }
            let first = state.withLock { $0.pending.isEmpty ? nil : $0.pending.removeFirst() }
            guard let first else { throw RedisError(.badReply, "a reply that nobody asked for") }
            metrics.answered(after: .now - (first.deadline - replyTimeout), over: role)
            guard case .error(let text) = reply else {
                first.continuation.resume(returning: .success(reply))
                continue
            }
            let (error, isLost) = dialer.judged(RedisError(reply: text))
            first.continuation.resume(returning: .failure(error))
            if isLost { throw RedisError(.connectionLost, "the server is not the one to talk to any more") }
        }
    }

    /// Tells everybody who waits, and forgets the socket.
    private func end(_ error: RedisError) {
        let pending = state.withLock { state in
            let pending = state.pending
            state.socket = nil
            state.isWriting = false
            state.unsent = []
            state.pending = []
            return pending
        }
        for one in pending { one.continuation.resume(returning: .failure(error)) }
    }
}
