import CHiredis
import Glibc

/// One connection: bytes out, replies in, each within a deadline. One thread may read while another writes, no more.
///
/// hiredis makes the connection and reads the protocol. Reading and writing is done here: its own way raises SIGPIPE, has
/// one time-out for everything, and knows no bound on a reply.
final class RedisSocket {
    private let context: UnsafeMutablePointer<redisContext>
    private let interruption: Interruption
    /// Bytes that came since the last whole reply.
    private var unparsed = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    private var descriptor: Int32 { context.pointee.fd }

    /// Connects.
    /// - Parameters:
    ///   - address: where to.
    ///   - timeout: how long each step of connecting may take.
    ///   - interruption: told of the descriptor for as long as there is one.
    /// - Throws: `unreachable`, `closed`.
    init(
        to address: RedisAddress, timeout: Duration, interruption: Interruption
    ) throws(RedisError) {
        let limit = timeval(
            tv_sec: Int(timeout.components.seconds), tv_usec: Int(timeout.components.attoseconds / 1_000_000_000_000))
        let made =
            switch address {
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), limit)
            case .unix(let path): redisConnectUnixWithTimeout(path, limit)
            }
        guard let made else { throw RedisError(.unreachable, "no memory for a connection") }
        guard made.pointee.err == 0 else {
            let reason = withUnsafeBytes(of: made.pointee.errstr) { text in
                String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
            }
            redisFree(made)
            throw RedisError(.unreachable, reason)
        }
        guard interruption.begin(made.pointee.fd) else {
            redisFree(made)
            throw RedisError(.closed, "the connection was closed")
        }
        context = made
        self.interruption = interruption
        if case .tcp = address { redisEnableKeepAlive(made) }
    }

    deinit {
        interruption.end(descriptor) { redisFree(context) }
    }

    /// Ends what another thread waits for.
    func shutDown() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Sends a command and waits for its reply, while nobody else waits for one.
    /// - Throws: `connectionLost`, `badReply`; an error reply as well.
    func exchange(_ command: RedisCommand, within limit: Duration) throws(RedisError) -> RedisReply {
        let deadline = ContinuousClock.now + limit
        try send(command.encoded, until: deadline)
        guard let reply = try receive(until: deadline, atMost: RedisConnection.mostReplyBytes) else {
            throw RedisError(.connectionLost, "no reply within \(limit)")
        }
        if case .error(let text) = reply { throw RedisError(reply: text) }
        return reply
    }

    /// Writes as much of `bytes` as there is room for now.
    /// - Returns: how many; 0 also for a connection that is gone, which the reader hears of.
    func sendNow(_ bytes: [UInt8]) -> Int {
        // MSG_NOSIGNAL: a peer that is gone must not end the process.
        max(0, Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
    }

    /// Writes all of `bytes`.
    /// - Throws: `connectionLost`.
    func send(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(RedisError) {
        var sent = 0
        while sent < bytes.count {
            // MSG_NOSIGNAL: a peer that is gone must not end the process.
            let count = bytes.withUnsafeBytes { all in
                Glibc.send(
                    descriptor, all.baseAddress?.advanced(by: sent), all.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard try wait(for: Int16(POLLOUT), until: deadline) else {
                    throw RedisError(.connectionLost, "Redis took no more bytes in time")
                }
            } else if errno != EINTR {
                throw RedisError(.connectionLost, String(cString: strerror(errno)))
            }
        }
    }

    /// The next reply; nil when none came in time, and then more of it may still come.
    /// - Throws: `connectionLost`, `badReply`.
    func receive(until deadline: ContinuousClock.Instant, atMost most: Int) throws(RedisError) -> RedisReply? {
        while true {
            if let reply = try parsed() { return reply }
            guard try wait(for: Int16(POLLIN), until: deadline) else { return nil }
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 { throw RedisError(.connectionLost, "Redis closed the connection") }
            if count < 0 {
                guard errno == EAGAIN || errno == EINTR else {
                    throw RedisError(.connectionLost, String(cString: strerror(errno)))
                }
                continue
            }
            unparsed += count
            guard unparsed <= most else { throw RedisError(.badReply, "the reply is larger than \(most) bytes") }
            let fed = buffer.withUnsafeBytes { bytes in
                redisReaderFeed(context.pointee.reader, bytes.bindMemory(to: CChar.self).baseAddress, count)
            }
            guard fed == REDIS_OK else { throw RedisError(.badReply, "no memory for the reply") }
        }
    }

    /// A reply that is there as a whole already.
    func parsed() throws(RedisError) -> RedisReply? {
        var raw: UnsafeMutableRawPointer?
        guard redisReaderGetReply(context.pointee.reader, &raw) == REDIS_OK else {
            throw RedisError(.badReply, "the reply is not RESP")
        }
        guard let raw else { return nil }
        defer { freeReplyObject(raw) }
        unparsed = 0
        return RedisReply(raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    /// Whether the socket became ready before the deadline.
    private func wait(for event: Int16, until deadline: ContinuousClock.Instant) throws(RedisError) -> Bool {
        while true {
            let left = deadline - .now
            guard left > .zero else { return false }
            // Rounded up, so that the last millisecond is slept through and not polled through.
            let milliseconds = Int32(clamping: Int((left / .milliseconds(1)).rounded(.up)))
            var entry = pollfd(fd: descriptor, events: event, revents: 0)
            let count = poll(&entry, 1, milliseconds)
            if count > 0 { return true }
            if count < 0, errno != EINTR { throw RedisError(.connectionLost, String(cString: strerror(errno))) }
        }
    }
}
