import Foundation
import Jobs

/// The queue of one process, in its memory: bounded in every direction, and gone with the process.
///
/// One timer serves all deadlines. It is armed for the earliest one known and may fire too early, when that one has been
/// met or moved; it then looks through everything and arms itself anew. That is rarer than once for each job, and spares
/// an ordered structure that would have to forget entries.
public actor EmbeddedJobQueue: JobQueue {
    enum Phase { case open, draining, closed }

    /// A job that is not finished.
    struct Job {
        let new: NewJob
        let createdAt: Date
        let addedAt: Duration
        var attempt = 0
        var stalls = 0
        var startedAt: Date?
        var isCancelRequested = false
        /// The lease while the job runs.
        var hold: Hold?
        /// Of an interactive job.
        let input: JobInput?

        /// When it expires unless it is begun; one that was begun once is not dropped for its age any more.
        var expiresAt: Duration? { attempt == 0 ? new.timeToLive.map { addedAt + $0 } : nil }
    }

    struct Hold {
        let token: LeaseToken
        let live: LiveLog
        var expiresAt: Duration
        let signals: AsyncStream<LeaseSignal>.Continuation
    }

    struct Finished {
        let snapshot: JobSnapshot
        /// What its last attempt told, where somebody followed it: results need not hold every byte.
        let live: LiveLog?
        let at: Duration
        let bytes: Int
        let key: IdempotencyKey?
    }

    /// What was added under an idempotency key.
    private struct KeyUse {
        let jobID: String
        let request: RequestDigest
    }

    /// Tells one request from another without keeping it. Seeded by the process, so that nobody can look for two alike.
    private struct RequestDigest: Equatable {
        private let count: Int
        private let hash: Int

        init(_ request: Data) {
            var hasher = Hasher()
            request.withUnsafeBytes { hasher.combine(bytes: $0) }
            count = request.count
            hash = hasher.finalize()
        }
    }

    private struct Waiter {
        let jobID: String
        let deadline: Duration
        let continuation: CheckedContinuation<Result<ExecutionResult?, QueueError>, Never>
    }

    private struct Taker {
        let worker: String
        let continuation: CheckedContinuation<Result<Lease, QueueError>, Never>
    }

    public nonisolated var isDurable: Bool { false }

    let options: QueueOptions
    private let clock: any QueueClock
    private let onUnrun: UnrunJobObserver?
    var phase = Phase.open
    var jobs: [String: Job] = [:]
    private var queued = FairLine()
    /// Of each owner, the jobs that are not finished.
    private var openOfOwner: [String: Int] = [:]
    /// What their requests take.
    private var bytesOfOwner: [String: Int] = [:]
    private var running: Set<String> = []
    private var queuedBytes = 0
    private var drainRate = DrainRate()
    private var keyUses: [IdempotencyKey: KeyUse] = [:]
    var finished: [String: Finished] = [:]
    private var finishedOrder = Line<String>()
    private var finishedBytes = 0
    private var lastTicket: UInt64 = 0
    private var waiters: [UInt64: Waiter] = [:]
    private var waitersOfJob: [String: Set<UInt64>] = [:]
    private var takers: [UInt64: Taker] = [:]
    private var takerOrder = Line<UInt64>()
    var followers = Followers()
    private var timer: (deadline: Duration, task: Task<Void, Never>)?
    /// Jobs that ended here and that `onUnrun` has not done with. They keep their places and bytes until then.
    private var untold = Line<UnrunJob>()
    private var untoldBytes = 0
    private var telling: Task<Void, Never>?

    /// - Parameters:
    ///   - options: what it may hold.
    ///   - clock: where time comes from.
    ///   - onUnrun: hears of the jobs that end here without a worker's word.
    public init(
        options: QueueOptions = QueueOptions(), clock: any QueueClock = SystemClock(),
        onUnrun: UnrunJobObserver? = nil
    ) {
        self.options = options
        self.clock = clock
        self.onUnrun = onUnrun
    }

    deinit {
        timer?.task.cancel()
    }

    // MARK: In

    @discardableResult
    public func add(_ new: NewJob) throws(QueueError) -> AddOutcome {
        sweepIfDue()
        guard phase == .open else { throw EmbeddedJobQueue.closed }
        if let key = new.idempotencyKey, let use = keyUses[key] {
            guard use.request == RequestDigest(new.request) else {
                throw QueueError(.keyReused, "the key was used for another request")
            }
            return .repeated(use.jobID)
        }
        guard jobs[new.id] == nil, finished[new.id] == nil else {
            throw QueueError(.duplicateJob, "a job of this id is there already")
        }
        guard queued.count + untold.count < options.maxQueued || !takerOrder.isEmpty else {
            throw full("\(queued.count) jobs are waiting already")
        }
        guard queuedBytes + untoldBytes + new.request.count <= options.maxQueuedBytes else {
            throw full("the waiting jobs take \(queuedBytes) bytes already")
        }
        if let owner = new.owner { try checkQuota(of: owner) }
        drainRate.added(at: clock.uptime, toEmptyLine: queued.isEmpty)
        if let key = new.idempotencyKey {
            keyUses[key] = KeyUse(jobID: new.id, request: RequestDigest(new.request))
        }
        let job = Job(
            new: new, createdAt: clock.date, addedAt: clock.uptime, input: new.isInteractive ? JobInput() : nil)
        jobs[new.id] = job
        queuedBytes += new.request.count
        queued.append(new.id, of: new.owner?.id)
        if let owner = new.owner {
            openOfOwner[owner.id, default: 0] += 1
            bytesOfOwner[owner.id, default: 0] += new.request.count
        }
        if let expiresAt = job.expiresAt { arm(for: expiresAt) }
        handOut()
        return .added
    }

    private func checkQuota(of owner: JobOwner) throws(QueueError) {
        let open = openOfOwner[owner.id] ?? 0
        if let most = owner.maxOpen, open >= most {
            throw QueueError(.ownerBusy, "\(open) jobs of the owner wait or run already", retryAfter: .seconds(1))
        }
        let waiting = queued.count(of: owner.id)
        // No owner fills the queue: without a share of its own it gets no more places, and none gets more bytes, than are left
        // for all others. One alone gets half of them, two get a third each, and there is always room for who comes new
        // (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998).
        let most = owner.maxQueued ?? options.maxQueued - queued.count
        let bytes = bytesOfOwner[owner.id] ?? 0
        // With a worker that waits for a job there is no waiting.
        let mayWait = waiting < most || !takerOrder.isEmpty
        guard mayWait, bytes <= options.maxQueuedBytes - queuedBytes else {
            throw QueueError(
                .ownerFull, "\(waiting) jobs of the owner are waiting already",
                retryAfter: drainRate.pause(waiting: waiting, at: clock.uptime))
        }
    }

    private func full(_ detail: String) -> QueueError {
        QueueError(.full, detail, retryAfter: drainRate.pause(waiting: queued.count, at: clock.uptime))
    }

    public func cancel(_ id: String) -> CancelOutcome {
        sweepIfDue()
        if finished[id] != nil { return .alreadyFinished }
        guard let job = jobs[id] else { return .unknownJob }
        guard let hold = job.hold else {
            queued.remove(id, of: job.new.owner?.id)
            finish(job, unrun: .cancelled, "cancelled before it was run")
            return .cancelled
        }
        jobs[id]?.isCancelRequested = true
        hold.signals.yield(.cancelRequested)
        return .requested
    }

    // MARK: Out

    public func take(by worker: String) async throws(QueueError) -> Lease {
        sweepIfDue()
        guard phase == .open else { throw EmbeddedJobQueue.closed }
        guard takers.count < options.maxWaiters else {
            throw QueueError(.tooManyWaiters, "\(takers.count) callers wait for a job already")
        }
        let ticket = nextTicket()
        let outcome: Result<Lease, QueueError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A cancellation after this line finds the ticket, because it has to wait for the actor.
                guard !Task.isCancelled else {
                    continuation.resume(returning: .failure(EmbeddedJobQueue.interrupted))
                    return
                }
                takers[ticket] = Taker(worker: worker, continuation: continuation)
                takerOrder.append(ticket)
                handOut()
            }
        } onCancel: {
            Task { await self.interruptTaker(ticket) }
        }
        return try outcome.get()
    }

    public func renew(_ token: LeaseToken) throws(QueueError) {
        let job = try held(token)
        jobs[job.new.id]?.hold?.expiresAt = clock.uptime + options.lockDuration
    }

    public func complete(_ token: LeaseToken, with result: ExecutionResult) throws(QueueError) {
        finish(try held(token), result)
    }

    public func fail(
        _ token: LeaseToken, reason: String, result: ExecutionResult, mayRetry: Bool
    ) throws(QueueError) -> FailureOutcome {
        let job = try held(token)
        guard mayRetry, !job.isCancelRequested, job.attempt - job.stalls < job.new.attempts, phase == .open else {
            finish(job, result)
            return .finished
        }
        endHold(of: job)
        queued.append(job.new.id, of: job.new.owner?.id)
        handOut()
        return .willRetry
    }

    public func release(_ token: LeaseToken) throws(QueueError) {
        guard let id = try endUnbegun(token) else { return }
        requeue(id, atFront: true)
    }

    public func passOn(_ token: LeaseToken) throws(QueueError) {
        guard let id = try endUnbegun(token) else { return }
        requeue(id, atFront: false)
    }

    /// Ends a hold as if the job had never been taken.
    /// - Returns: nil where it was cancelled meanwhile and is finished now.
    private func endUnbegun(_ token: LeaseToken) throws(QueueError) -> String? {
        let job = try held(token)
        if job.isCancelRequested {
            finish(job, unrun: .cancelled, "cancelled before it was run")
            return nil
        }
        endHold(of: job)
        jobs[job.new.id]?.attempt -= 1
        if job.attempt == 1 { jobs[job.new.id]?.startedAt = nil }
        if let expiresAt = jobs[job.new.id]?.expiresAt { arm(for: expiresAt) }
        return job.new.id
    }

    @discardableResult
    public func recoverStalled() -> Int {
        recoverStalled(at: clock.uptime)
    }

    // MARK: Looking

    public func result(of id: String, waitingAtMost limit: Duration) async throws(QueueError) -> ExecutionResult? {
        sweepIfDue()
        if let done = finished[id] { return done.snapshot.result }
        guard let job = jobs[id] else { throw QueueError(.unknownJob, "there is no such job") }
        guard phase == .open || (phase == .draining && job.hold != nil) else { throw EmbeddedJobQueue.closed }
        guard limit > .zero else { return nil }
        guard waiters.count < options.maxWaiters else {
            throw QueueError(.tooManyWaiters, "\(waiters.count) callers wait for a result already")
        }
        let ticket = nextTicket()
        let deadline = clock.uptime + limit
        let outcome: Result<ExecutionResult?, QueueError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else {
                    continuation.resume(returning: .failure(EmbeddedJobQueue.interrupted))
                    return
                }
                waiters[ticket] = Waiter(jobID: id, deadline: deadline, continuation: continuation)
                waitersOfJob[id, default: []].insert(ticket)
                arm(for: deadline)
            }
        } onCancel: {
            Task { await self.resume(waiter: ticket, with: .failure(EmbeddedJobQueue.interrupted)) }
        }
        return try outcome.get()
    }

    public func job(_ id: String) -> JobSnapshot? {
        sweepIfDue()
        if let done = finished[id] { return done.snapshot }
        guard let job = jobs[id] else { return nil }
        return JobSnapshot(
            id: id, state: job.hold == nil ? .queued : .running, createdAt: job.createdAt, startedAt: job.startedAt,
            attempt: job.attempt, owner: job.new.owner?.id)
    }

    /// How long the job has waited that waits the longest; nil where none does.
    public func longestWait() -> Duration? {
        sweepIfDue()
        let added = jobs.values.lazy.filter { $0.hold == nil }.map(\.addedAt).min()
        return added.map { clock.uptime - $0 }
    }

    public func counts() -> QueueCounts {
        sweepIfDue()
        return QueueCounts(
            queued: queued.count, running: running.count, finished: finished.count, waiters: waiters.count,
            takers: takers.count)
    }

    // MARK: End

    public func drain() {
        guard phase == .open else { return }
        phase = .draining
        for ticket in takers.keys { resume(taker: ticket, with: .failure(EmbeddedJobQueue.closed)) }
        for (ticket, waiter) in waiters where jobs[waiter.jobID]?.hold == nil {
            resume(waiter: ticket, with: .failure(EmbeddedJobQueue.closed))
        }
        followers.ringAll()
    }

    public func close() async {
        drain()
        phase = .closed
        for ticket in waiters.keys { resume(waiter: ticket, with: .failure(EmbeddedJobQueue.closed)) }
        followers.ringAll()
        timer?.task.cancel()
        timer = nil
        await telling?.value
    }

    // MARK: Transitions

    static let closed = QueueError(.closed, "the queue is shutting down")
    private static let interrupted = QueueError(.interrupted, "the wait was cancelled")

    /// The running job that `token` holds.
    private func held(_ token: LeaseToken) throws(QueueError) -> Job {
        sweepIfDue()
        guard let job = jobs[token.jobID], job.hold?.token == token else {
            throw QueueError(.staleLease, "the job is not held under this lease any more")
        }
        return job
    }

    /// Gives waiting jobs to waiting workers, both in their order.
    private func handOut() {
        guard phase == .open else { return }
        while !takerOrder.isEmpty, let id = queued.popFirst() {
            guard let ticket = takerOrder.first, var job = jobs[id] else { continue }
            let now = clock.uptime
            drainRate.tookOne(at: now, leavingEmptyLine: queued.isEmpty)
            let (signals, continuation) = AsyncStream.makeStream(
                of: LeaseSignal.self, bufferingPolicy: .bufferingNewest(2))
            let token = LeaseToken(jobID: id, secret: RandomWord.next())
            job.attempt += 1
            job.startedAt = clock.date
            let live = LiveLog(attempt: job.attempt, worker: takers[ticket]?.worker ?? "")
            job.hold = Hold(token: token, live: live, expiresAt: now + options.lockDuration, signals: continuation)
            jobs[id] = job
            running.insert(id)
            arm(for: now + options.lockDuration)
            let lease = Lease(
                token: token, request: job.new.request, createdAt: job.createdAt, attempt: job.attempt,
                queueTime: now - job.addedAt, lockDuration: options.lockDuration, signals: signals, live: live,
                input: job.input, requestID: job.new.requestID, ownerName: job.new.owner?.name)
            for feed in followers.feeds(of: id) { live.add(feed) }
            resume(taker: ticket, with: .success(lease))
        }
    }

    private func endHold(of job: Job) {
        job.hold?.signals.finish()
        job.hold?.live.end()
        jobs[job.new.id]?.hold = nil
        running.remove(job.new.id)
    }

    private func requeue(_ id: String, atFront: Bool) {
        let owner = jobs[id]?.new.owner?.id
        if atFront { queued.prepend(id, of: owner) } else { queued.append(id, of: owner) }
        if phase != .open {
            // Nobody will take it any more.
            for ticket in waitersOfJob[id] ?? [] { resume(waiter: ticket, with: .failure(EmbeddedJobQueue.closed)) }
        }
        handOut()
    }

    private func finish(_ job: Job, unrun status: Status, _ message: String) {
        let queueTime = (clock.uptime - job.addedAt) / .milliseconds(1)
        let result = ExecutionResult(
            notRun: job.new.id, status: status, message: message, request: job.new.request, attempt: job.attempt,
            queueTimeMs: queueTime)
        finish(job, result)
        guard onUnrun != nil else { return }
        untold.append(
            UnrunJob(
                result: result, request: job.new.request, requestID: job.new.requestID, ownerName: job.new.owner?.name))
        untoldBytes += job.new.request.count
        if telling == nil { telling = Task { await tell() } }
    }

    /// Tells of what ended here, one after the other, until nothing is left to tell.
    private func tell() async {
        while let job = untold.first {
            await onUnrun?(job)
            _ = untold.popFirst()
            untoldBytes -= job.request.count
        }
        telling = nil
    }

    /// The one way to `finished`, from waiting (already out of the line) as from running.
    private func finish(_ job: Job, _ result: ExecutionResult) {
        let id = job.new.id
        endHold(of: job)
        jobs[id] = nil
        queuedBytes -= job.new.request.count
        if let owner = job.new.owner?.id {
            openOfOwner[owner, default: 0] -= 1
            bytesOfOwner[owner, default: 0] -= job.new.request.count
            if openOfOwner[owner] == 0 {
                openOfOwner[owner] = nil
                bytesOfOwner[owner] = nil
            }
        }
        let snapshot = JobSnapshot(
            id: id, state: .finished, createdAt: job.createdAt, startedAt: job.startedAt, finishedAt: clock.date,
            attempt: job.attempt, result: result, owner: job.new.owner?.id)
        let live = job.hold.flatMap { $0.live.isFollowed ? $0.live : nil }
        let record = Finished(
            snapshot: snapshot, live: live, at: clock.uptime,
            bytes: result.approximateBytes + (live == nil ? 0 : result.stdoutBytes + result.stderrBytes),
            key: job.new.idempotencyKey)
        finished[id] = record
        finishedOrder.append(id)
        finishedBytes += record.bytes
        arm(for: record.at + options.keepFinishedFor)
        for ticket in waitersOfJob[id] ?? [] { resume(waiter: ticket, with: .success(result)) }
        followers.ring(id)
        trimFinished(at: record.at)
    }

    private func trimFinished(at now: Duration) {
        while let id = finishedOrder.first, let record = finished[id] {
            guard
                finished.count > options.maxFinished || finishedBytes > options.maxFinishedBytes
                    || record.at + options.keepFinishedFor <= now
            else { return }
            _ = finishedOrder.popFirst()
            finished[id] = nil
            finishedBytes -= record.bytes
            if let key = record.key { keyUses[key] = nil }
        }
    }

    private func recoverStalled(at now: Duration) -> Int {
        let stalled = running.filter { id in jobs[id]?.hold.map { $0.expiresAt <= now } ?? false }
        for id in stalled {
            guard let job = jobs[id] else { continue }
            job.hold?.signals.yield(.lost)
            if job.isCancelRequested {
                finish(job, unrun: .cancelled, "cancelled; its worker did not answer")
            } else if job.stalls >= options.maxStalls {
                finish(job, unrun: .internalError, "queue: the job stalled more than \(options.maxStalls) times")
            } else {
                endHold(of: job)
                jobs[id]?.stalls += 1
                requeue(id, atFront: true)
            }
        }
        return stalled.count
    }

    // MARK: Waiting callers

    func nextTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    private func interruptTaker(_ ticket: UInt64) {
        resume(taker: ticket, with: .failure(EmbeddedJobQueue.interrupted))
    }

    private func resume(taker ticket: UInt64, with outcome: Result<Lease, QueueError>) {
        guard let taker = takers.removeValue(forKey: ticket) else { return }
        takerOrder.remove(ticket)
        taker.continuation.resume(returning: outcome)
    }

    private func resume(waiter ticket: UInt64, with outcome: Result<ExecutionResult?, QueueError>) {
        guard let waiter = waiters.removeValue(forKey: ticket) else { return }
        waitersOfJob[waiter.jobID]?.remove(ticket)
        if waitersOfJob[waiter.jobID]?.isEmpty == true { waitersOfJob[waiter.jobID] = nil }
        waiter.continuation.resume(returning: outcome)
    }

    // MARK: Time

    private func arm(for deadline: Duration) {
        guard phase != .closed else { return }
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = Task { [weak self, clock] in
            do {
                try await clock.sleep(until: deadline)
            } catch {
                // Another timer took over, or the queue is gone.
                return
            }
            await self?.sweepIfDue()
        }
        timer = (deadline, task)
    }

    /// Acts on every deadline that has passed. Called by the timer, and before each step, so that no step sees a job that
    /// should have expired only because the timer's task has not had its turn.
    func sweepIfDue() {
        let now = clock.uptime
        guard let due = timer?.deadline, due <= now else { return }
        timer?.task.cancel()
        timer = nil
        for job in jobs.values {
            guard job.hold == nil, let expiresAt = job.expiresAt, expiresAt <= now else { continue }
            queued.remove(job.new.id, of: job.new.owner?.id)
            finish(job, unrun: .expired, "waited longer than it was allowed to")
        }
        _ = recoverStalled(at: now)
        for (ticket, waiter) in waiters where waiter.deadline <= now {
            resume(waiter: ticket, with: .success(nil))
        }
        trimFinished(at: now)
        armForEarliest()
    }

    private func armForEarliest() {
        let holds = jobs.values.compactMap { $0.hold == nil ? $0.expiresAt : $0.hold?.expiresAt }
        let waits = waiters.values.map(\.deadline)
        let kept = finishedOrder.first.flatMap { finished[$0] }.map { $0.at + options.keepFinishedFor }
        if let earliest = (holds + waits + (kept.map { [$0] } ?? [])).min() { arm(for: earliest) }
    }
}
