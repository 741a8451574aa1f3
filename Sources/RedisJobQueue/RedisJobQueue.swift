import Foundation
import JobQueue
import Jobs
import Logging

/// The queue that many processes share: BullMQ's layout in Redis, worked on by scripts of our own.
///
/// Three connections: one for commands, one that blocks while workers wait for a job and takes it, one that listens for what
/// others finish or cancel; and one more once somebody follows a job here. All of them come back by themselves; meanwhile a
/// worker waits, and whoever adds is told `unavailable`. Every step is one script, and a step whose answer got lost is
/// repeated under its own number, so that a connection cut in the middle neither loses a job nor does anything twice.
public actor RedisJobQueue: JobQueue {
    enum Phase { case open, draining, closed }

    /// A job that this process runs.
    struct Hold {
        let job: TakenJob
        let token: LeaseToken
        let signals: AsyncStream<LeaseSignal>.Continuation
        /// When the lock was last known to be ours for its full time.
        var renewedAt: Duration
        let live: LiveLog
        /// Tells those who follow the job, once somebody does.
        var teller: Task<Void, Never>?
        /// Of an interactive job.
        let input: HeldInput?
    }

    struct Taker {
        let worker: String
        let continuation: CheckedContinuation<Result<Lease, QueueError>, Never>
    }

    struct Waiter {
        let jobID: String
        let continuation: CheckedContinuation<Result<ExecutionResult?, QueueError>, Never>
        let deadline: Duration
    }

    /// Whether this process hears what others say.
    enum Hearing { case notYet, connecting, yes, no }

    public nonisolated var isDurable: Bool { true }

    let settings: RedisQueueOptions
    let options: QueueOptions
    let clock: any QueueClock
    let logger: Logger
    let onUnrun: UnrunJobObserver?
    let keys: QueueKeys
    public nonisolated let metrics: RedisMetrics
    let commands: RedisPipeline
    let blocking: RedisConnection
    let listening: RedisConnection
    /// Hears of what is told of jobs that are followed; connects when somebody follows one here.
    let following: RedisConnection

    var phase = Phase.open
    var holds: [LeaseToken: Hold] = [:]
    var takers: [UInt64: Taker] = [:]
    /// In the order in which they came.
    var takerOrder: [UInt64] = []
    var waiters: [UInt64: Waiter] = [:]
    var waitersOfJob: [String: Set<UInt64>] = [:]
    /// Jobs of waiters that could not be looked at when they should have been.
    var unseen: Set<String> = []
    /// Jobs that were added here and have not ended, as far as this process has heard without a gap: whoever waits for one
    /// need not look first.
    var newborn: Set<String> = []
    /// For the waiter whose time is up first, or an earlier one.
    var waitTimer: (deadline: Duration, task: Task<Void, Never>)?
    var fetcher: Task<Void, Never>?
    var listener: Task<Void, Never>?
    var tender: Task<Void, Never>?
    var followers = Followers()
    var followingTask: Task<Void, Never>?
    var hearing = Hearing.notYet
    var hearingWaiters: [CheckedContinuation<Void, Never>] = []
    private var lastTicket: UInt64 = 0

    /// Connects when it is first used.
    /// - Parameters:
    ///   - server: the Redis.
    ///   - settings: which queue there.
    ///   - options: what it may hold.
    ///   - clock: where time comes from; locks and keys end by the server's own.
    ///   - metrics: counts what the connections do.
    ///   - logger: hears of the connections and of jobs by their id, never of what is in them.
    ///   - onUnrun: hears of the jobs that this process ends without a worker's word.
    public init(
        server: RedisServer, settings: RedisQueueOptions = RedisQueueOptions(), options: QueueOptions = QueueOptions(),
        clock: any QueueClock = SystemClock(), metrics: RedisMetrics = RedisMetrics(), logger: Logger,
        onUnrun: UnrunJobObserver? = nil
    ) {
        self.onUnrun = onUnrun
        self.metrics = metrics
        self.settings = settings
        self.options = options
        self.clock = clock
        self.logger = logger
        keys = QueueKeys(prefix: settings.prefix, queue: settings.name)
        // Far above what a sound server needs, also with a disk that lags; and so short that a connection which fell silent is
        // given up while there is time to renew a lock over the next one.
        let replyTimeout = min(.seconds(10), max(.seconds(1), options.lockDuration / 3))
        func connection(_ role: RedisMetrics.Role) -> RedisConnection {
            RedisConnection(to: server, role: role, replyTimeout: replyTimeout, metrics: metrics, logger: logger)
        }
        commands = RedisPipeline(
            to: server, role: .commands, replyTimeout: replyTimeout, metrics: metrics, logger: logger)
        blocking = connection(.blocking)
        listening = connection(.listening)
        following = connection(.following)
    }

    deinit {
        fetcher?.cancel()
        listener?.cancel()
        followingTask?.cancel()
        tender?.cancel()
        waitTimer?.task.cancel()
        blocking.close()
        listening.close()
        following.close()
        commands.close()
    }

    // MARK: In

    @discardableResult
    public func add(_ new: NewJob) async throws(QueueError) -> AddOutcome {
        guard phase == .open else { throw Self.closed }
        guard QueueKeys.isUsable(new.id) else {
            throw QueueError(.duplicateJob, "the queue needs this id for itself")
        }
        startTending()
        var isAdded = false
        if hearing == .yes { bear(new.id) }
        defer { if !isAdded { newborn.remove(new.id) } }
        let expiresAt = new.timeToLive.map { RedisArgument(now + Self.milliseconds($0)) } ?? ""
        let wishes: JSONObject = ["attempts": .integer(max(1, new.attempts)), "jobId": .string(new.id)]
        let reply = try await run(
            .add,
            [
                RedisArgument(new.id), RedisArgument(new.request), RedisArgument(JSONValue.object(wishes).serialized()),
                RedisArgument(options.maxQueued), RedisArgument(options.maxQueuedBytes),
                RedisArgument(new.request.count), expiresAt, Self.callNumber(),
                new.idempotencyKey.map { RedisArgument("\($0.scope):\($0.text)") } ?? "",
                new.requestID.map { RedisArgument($0.text) } ?? "", new.isInteractive ? "1" : "",
                RedisArgument(new.owner?.id ?? ""), new.owner?.maxOpen.map { RedisArgument($0) } ?? "",
                new.owner?.maxQueued.map { RedisArgument($0) } ?? "", RedisArgument(new.owner?.name ?? ""),
            ])
        switch reply[0].integer {
        case 0:
            isAdded = true
            return .added
        case 1: throw QueueError(.duplicateJob, "a job of this id is there already")
        case 2: throw Self.full(.full, "\(reply[1].integer ?? 0) jobs are waiting already", reply)
        case 3: throw Self.full(.full, "the waiting jobs take \(reply[2].integer ?? 0) bytes already", reply)
        case 4:
            guard let id = reply[1].string else { throw Self.unexpected }
            return .repeated(id)
        case 5: throw QueueError(.keyReused, "the key was used for another request")
        case 6:
            throw QueueError(
                .ownerBusy, "\(reply[1].integer ?? 0) jobs of the owner wait or run already", retryAfter: .seconds(1))
        case 7: throw Self.full(.ownerFull, "\(reply[1].integer ?? 0) jobs of the owner are waiting already", reply)
        default: throw Self.unexpected
        }
    }

    /// Notes a job that is about to be added.
    private func bear(_ id: String) {
        // What ended without a word to us stays here: rather look a few times in vain than keep it for ever.
        if newborn.count >= 1_000 { newborn = [] }
        newborn.insert(id)
    }

    private static func full(_ code: QueueError.Code, _ detail: String, _ reply: RedisReply) -> QueueError {
        let pause = DrainRate.pause(
            waiting: reply[1].integer ?? 0, taken: Double(reply[3].integer ?? 0),
            over: .milliseconds(reply[4].integer ?? 0))
        return QueueError(code, detail, retryAfter: pause)
    }

    public func cancel(_ id: String) async throws(QueueError) -> CancelOutcome {
        startTending()
        guard let outcome = try await withdraw(id, .cancel) else { return .unknownJob }
        return outcome
    }

    // MARK: Looking

    public func job(_ id: String) async throws(QueueError) -> JobSnapshot? {
        startTending()
        return try await look(at: id)
    }

    public func counts() async throws(QueueError) -> QueueCounts {
        let reply = try await run(.count, retention)
        return QueueCounts(
            queued: reply[0].integer ?? 0, running: reply[1].integer ?? 0, finished: reply[2].integer ?? 0,
            waiters: waiters.count, takers: takers.count)
    }

    // MARK: End

    public func drain() async {
        guard phase == .open else { return }
        phase = .draining
        endTaking()
        // Whoever waits for a job that runs gets its result; the others would wait for a worker that may never come.
        for id in Array(waitersOfJob.keys) { await answerWaiters(of: id) }
        followers.ringAll()
    }

    public func close() async {
        guard phase != .closed else { return }
        phase = .closed
        endTaking()
        for ticket in Array(waiters.keys) { resume(waiter: ticket, with: .failure(Self.closed)) }
        listening.close()
        listener?.cancel()
        following.close()
        followingTask?.cancel()
        followers.ringAll()
        tender?.cancel()
        waitTimer?.task.cancel()
        waitTimer = nil
        setHearing(.no)
    }

    private func endTaking() {
        for ticket in takerOrder { resume(taker: ticket, with: .failure(Self.closed)) }
        // The marker must wake somebody who still wants a job.
        blocking.close()
    }

    // MARK: Steps

    static let closed = QueueError(.closed, "the queue is shutting down")
    static let interrupted = QueueError(.interrupted, "the wait was cancelled")
    static let stale = QueueError(.staleLease, "the job is not held under this lease any more")
    static let unexpected = QueueError(.unavailable, "Redis gave an answer that makes no sense")

    func nextTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    /// Milliseconds since 1970, as BullMQ has all its times.
    var now: Int { Int((clock.date.timeIntervalSince1970 * 1_000).rounded()) }

    static func milliseconds(_ duration: Duration) -> Int { Int((duration / .milliseconds(1)).rounded()) }

    static func date(_ milliseconds: Int) -> Date { Date(timeIntervalSince1970: Double(milliseconds) / 1_000) }

    /// What tells one call of a step from another, so that repeating it does nothing.
    static func callNumber() -> RedisArgument { RedisArgument(RandomWord.next()) }

    /// How long, how many and how many bytes of finished jobs are kept.
    var retention: [RedisArgument] {
        [
            RedisArgument(Self.milliseconds(options.keepFinishedFor)), RedisArgument(options.maxFinished),
            RedisArgument(options.maxFinishedBytes),
        ]
    }

    /// Runs a script once, or once more where the connection broke: servers restart, and idle connections get cut.
    /// - Parameters:
    ///   - script: what to do.
    ///   - arguments: what it gets behind the prefix and the time.
    ///   - patience: how long to go on trying while Redis is away.
    /// - Returns: the script's answer.
    /// - Throws: `unavailable`, `closed`.
    func run(
        _ script: Script, _ arguments: [RedisArgument], patience: Duration = .zero
    ) async throws(QueueError) -> RedisReply {
        let deadline = ContinuousClock.now + patience
        var backoff = Backoff()
        while true {
            do throws(RedisError) {
                return try await attempt(script, arguments)
            } catch {
                let pause = backoff.failed()
                let isWorthwhile =
                    error.code == .connectionLost && backoff.failures == 1
                    || error.isPassing && ContinuousClock.now + pause < deadline
                guard isWorthwhile else { throw Self.queueError(error) }
                // A cancelled task tries again without a pause: the deadline ends that.
                if backoff.failures > 1 || error.code != .connectionLost { try? await Task.sleep(for: pause) }
            }
        }
    }

    /// Runs a script once.
    /// - Parameters:
    ///   - script: what to do.
    ///   - arguments: what it gets behind the prefix and the time.
    ///   - connection: nil for the one that all commands share.
    /// - Returns: the script's answer.
    /// - Throws: what went wrong; an error that the script raised as well.
    func attempt(
        _ script: Script, _ arguments: [RedisArgument], over connection: RedisConnection? = nil
    ) async throws(RedisError) -> RedisReply {
        let arguments = [RedisArgument(keys.prefix), RedisArgument(now)] + arguments
        guard let connection else { return try await commands.run(script, keys: keys.all, arguments: arguments) }
        return try await connection.run(script, keys: keys.all, arguments: arguments)
    }

    static func queueError(_ error: RedisError) -> QueueError {
        switch error.code {
        case .closed: closed
        case .unreachable, .connectionLost: QueueError(.unavailable, "Redis is out of reach")
        case .readOnly: QueueError(.unavailable, "Redis is read-only")
        case .outOfMemory: QueueError(.unavailable, "Redis has no memory left")
        case .loading: QueueError(.unavailable, "Redis is loading its data")
        case .misconfigured: QueueError(.unavailable, "Redis cannot save its data")
        case .busy: QueueError(.unavailable, "Redis is busy")
        case .denied: QueueError(.unavailable, "Redis denies access")
        case .wrongNode: QueueError(.unavailable, "the queue is on another node of the Redis cluster")
        case .manyNodes:
            QueueError(.unavailable, "a Redis cluster needs a hash tag in the queue's prefix, such as {bull}")
        case .badReply, .noScript, .server: QueueError(.unavailable, "Redis did not do as it was told")
        }
    }
}
