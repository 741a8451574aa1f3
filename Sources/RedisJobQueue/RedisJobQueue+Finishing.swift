import Foundation
import JobQueue
import Jobs
import Logging

// What becomes of a job: its lease, its end.

extension RedisJobQueue {
    enum Verdict {
        case completed
        /// With BullMQ's `failedReason`.
        case failed(String)
    }

    enum Withdrawal: String {
        case cancel, expire, `defer`
        /// Only if it still waits.
        case clear
    }

    public func renew(_ token: LeaseToken) async throws(QueueError) {
        guard let hold = holds[token] else { throw Self.stale }
        let reply: RedisReply
        do {
            reply = try await run(
                .renew,
                [
                    RedisArgument(token.jobID), RedisArgument(token.secret),
                    RedisArgument(Self.milliseconds(options.lockDuration)),
                ])
        } catch {
            // The lock has run out by now, whatever Redis would say.
            guard let at = holds[token]?.renewedAt, at + options.lockDuration <= clock.uptime else { throw error }
            lose(hold)
            throw Self.stale
        }
        guard let marks = reply.integer, (0...3).contains(marks) else {
            guard reply.integer == -2 || reply.integer == -6 else { throw Self.unexpected }
            lose(hold)
            throw Self.stale
        }
        holds[token]?.renewedAt = clock.uptime
        // The words themselves may have got lost.
        if marks & 1 != 0 { hold.signals.yield(.cancelRequested) }
        if marks & 2 != 0 { startTelling(of: token) }
        hold.input?.bell.ring()
    }

    public func complete(_ token: LeaseToken, with result: ExecutionResult) async throws(QueueError) {
        guard let hold = holds[token] else { throw Self.stale }
        try await finish(hold, .completed, result)
    }

    public func fail(
        _ token: LeaseToken, reason: String, result: ExecutionResult, mayRetry: Bool
    ) async throws(QueueError) -> FailureOutcome {
        guard let hold = holds[token] else { throw Self.stale }
        if mayRetry, hold.job.made + 1 < hold.job.options.attempts {
            let reply = try await run(
                .retry,
                [
                    RedisArgument(token.jobID), RedisArgument(token.secret), RedisArgument(reason),
                    Self.stackTrace(reason),
                    RedisArgument(hold.job.options.delay(afterAttempt: hold.job.made + 1)), Self.callNumber(),
                    hold.job.options.isLIFO ? "1" : "0",
                ], patience: options.lockDuration)
            if try outcome(reply, of: hold) {
                end(hold)
                return .willRetry
            }
        }
        try await finish(hold, .failed(reason), result)
        return .finished
    }

    public func release(_ token: LeaseToken) async throws(QueueError) {
        try await endUnbegun(token, pause: .zero)
    }

    public func passOn(_ token: LeaseToken) async throws(QueueError) {
        try await endUnbegun(token, pause: passOnPause)
    }

    private func endUnbegun(_ token: LeaseToken, pause: Duration) async throws(QueueError) {
        guard let hold = holds[token] else { throw Self.stale }
        let reply = try await run(
            .release,
            [
                RedisArgument(token.jobID), RedisArgument(token.secret), Self.callNumber(),
                RedisArgument(Self.milliseconds(pause)),
            ], patience: options.lockDuration)
        guard try outcome(reply, of: hold) else {
            let message = "cancelled before it was run"
            let result = ExecutionResult(
                notRun: token.jobID, status: .cancelled, message: message, request: hold.job.data ?? Data(),
                attempt: hold.job.started, queueTimeMs: Double(max(0, now - hold.job.timestamp)))
            try await finish(unrun: hold, message, result)
            return
        }
        end(hold)
        if phase != .open {
            // Perhaps nobody will take it any more.
            for ticket in waitersOfJob[token.jobID] ?? [] { resume(waiter: ticket, with: .failure(Self.closed)) }
        }
    }

    /// Finishes a job that this process holds. The only way from running to finished.
    func finish(_ hold: Hold, _ verdict: Verdict, _ result: ExecutionResult) async throws(QueueError) {
        // Whoever follows the job hears its result last.
        if let teller = endTelling(of: hold.token) { await teller.value }
        let callNumber = Self.callNumber()
        let reply = try await run(
            .finish,
            finishArguments(
                id: hold.token.jobID, second: hold.token.secret, verdict, result, hold.job.options, callNumber),
            patience: options.lockDuration)
        switch reply.integer {
        // A job that its producer wants gone is unknown to the second of two calls.
        case 0: end(hold)
        case -4, -9:
            let reason = "refused: the job has children that are not done, and flows are not supported"
            guard case .completed = verdict else { throw Self.unexpected }
            var failed = result
            failed.status = .internalError
            failed.message = reason
            try await finish(hold, .failed(reason), failed)
        case -1, -2, -3, -6:
            lose(hold)
            throw Self.stale
        default: throw Self.unexpected
        }
    }

    /// Finishes a job that this process holds and did not run.
    func finish(unrun hold: Hold, _ message: String, _ result: ExecutionResult) async throws(QueueError) {
        try await finish(hold, .failed(message), result)
        let job = hold.job
        await onUnrun?(
            UnrunJob(
                result: result, request: job.data ?? Data(), requestID: job.requestID, ownerName: job.ownerName))
    }

    /// Finishes a job that nobody holds, or has it cancelled by whoever does.
    /// - Returns: nil for an unknown job.
    func withdraw(_ id: String, _ why: Withdrawal) async throws(QueueError) -> CancelOutcome? {
        guard QueueKeys.isUsable(id) else { return nil }
        let known = try await run(.describe, [RedisArgument(id), RedisArgument(settings.maxRequestBytes)])
        guard let timestamp = known[0].integer else { return nil }
        let isCancelled = why == .cancel || why == .clear || known[3].string != nil
        let status: Status = why == .expire ? .expired : isCancelled ? .cancelled : .internalError
        let message =
            switch (why, isCancelled) {
            case (.cancel, _): "cancelled before it was run"
            case (.clear, _): "cancelled: the queue was drained"
            case (.expire, _): "waited longer than it was allowed to"
            case (.defer, true): "cancelled; its worker did not answer"
            case (.defer, false): "queue: the job stalled more than \(options.maxStalls) times"
            }
        let request = Data(known[4].data ?? [])
        let result = ExecutionResult(
            notRun: id, status: status, message: message, request: request,
            attempt: known[1].integer ?? 0, queueTimeMs: Double(max(0, now - timestamp)))
        let reply = try await run(
            .withdraw,
            finishArguments(
                id: id, second: why.rawValue, .failed(message), result, JobOptions(json: known[2].data),
                Self.callNumber()))
        switch reply.integer {
        case 0:
            // Of all who tried, this process was the one that ended it.
            await onUnrun?(
                UnrunJob(
                    result: result, request: request, requestID: known[5].string.flatMap { RequestID($0) },
                    ownerName: known[6].string.flatMap { ClientName.isUsable($0) ? $0 : nil }))
            return .cancelled
        case 1: return .requested
        case 2, 3: return .alreadyFinished
        case -1: return nil
        default: throw Self.unexpected
        }
    }

    /// The arguments that `finishStep` names.
    private func finishArguments(
        id: String, second: String, _ verdict: Verdict, _ result: ExecutionResult, _ wishes: JobOptions,
        _ callNumber: RedisArgument
    ) -> [RedisArgument] {
        let stored = StoredResult(result, atMost: settings.maxReturnValueBytes, wholeAt: keys.resultKey(of: id))
        let keep: JobOptions.Retention
        let values: [RedisArgument]
        let trace: RedisArgument
        switch verdict {
        case .completed:
            keep = wishes.onComplete
            values = ["completed", RedisArgument(stored.json), ""]
            trace = ""
        case .failed(let reason):
            keep = wishes.onFail
            values = ["failed", RedisArgument(reason), RedisArgument(stored.json)]
            trace = Self.stackTrace(reason)
        }
        return [RedisArgument(id), RedisArgument(second)] + values + [
            stored.whole.map { RedisArgument($0) } ?? "",
            RedisArgument(Self.milliseconds(settings.keepWholeResultsFor)),
            RedisArgument(keep.count), keep.age.map { RedisArgument($0) } ?? "", RedisArgument(wishes.attempts),
            RedisArgument(result.approximateBytes), callNumber,
        ] + retention + [trace]
    }

    private static func stackTrace(_ reason: String) -> RedisArgument {
        RedisArgument(JSONValue.array([.string(reason)]).serialized())
    }

    /// Whether a step was taken; false where the job is to be cancelled instead.
    private func outcome(_ reply: RedisReply, of hold: Hold) throws(QueueError) -> Bool {
        switch reply.integer {
        case 0: return true
        case 2: return false
        case -1, -2, -3, -6:
            lose(hold)
            throw Self.stale
        default: throw Self.unexpected
        }
    }

    // MARK: Holding

    func end(_ hold: Hold) {
        holds[hold.token] = nil
        hold.signals.finish()
        hold.live.end()
        hold.input?.end()
    }

    func lose(_ hold: Hold) {
        hold.signals.yield(.lost)
        end(hold)
    }

    // MARK: Tending

    @discardableResult
    public func recoverStalled() async throws(QueueError) -> Int {
        startTending()
        return try await sweep(isForced: true)
    }

    func sweep(isForced: Bool) async throws(QueueError) -> Int {
        // Every process looks at each turn whether it is time: less than one turn before the interval is over, the next turn
        // would be too late.
        let interval = Self.milliseconds(settings.sweepInterval - Self.turn - .milliseconds(100))
        let reply = try await run(
            .sweep, [RedisArgument(options.maxStalls), isForced ? "1" : "0", RedisArgument(max(1, interval))])
        let found = reply.elements ?? []
        for index in stride(from: 0, to: found.count - 1, by: 2) {
            guard let id = found[index].string else { continue }
            logger.warning("job stalled", metadata: ["job": "\(id)"])
            // Should this process end here, whoever takes the job finds why it must not be run.
            if found[index + 1].integer == 1 { _ = try await withdraw(id, .defer) }
        }
        return found.count / 2
    }

    /// Finishes what waited too long and drops what was kept long enough.
    func tend() async throws(QueueError) {
        for id in try await run(.tend, retention).elements ?? [] {
            guard let id = id.string else { continue }
            _ = try await withdraw(id, .expire)
        }
    }

    func dropExpired() async {
        do {
            try await tend()
        } catch {
            logger.debug("expired jobs not dropped", metadata: ["reason": "\(error)"])
            await pause(.milliseconds(200))
        }
    }

    /// Time between two turns of tending.
    static let turn = Duration.seconds(1)

    /// Starts what has to be done again and again, whichever processes there are.
    func startTending() {
        guard tender == nil, phase != .closed else { return }
        tender = Task { [weak self, clock] in
            var tick = 0
            while !Task.isCancelled {
                do {
                    try await clock.sleep(until: clock.uptime + Self.turn)
                } catch {
                    // The queue is closed or gone.
                    return
                }
                guard let self else { return }
                await self.tendAll(tick: tick)
                tick += 1
            }
        }
    }

    private func tendAll(tick: Int) async {
        do {
            try await tend()
            _ = try await sweep(isForced: false)
            // Beside this, only clients of BullMQ's can bring the books out of line.
            if tick % 60 == 0 { _ = try await run(.reconcile, []) }
        } catch {
            // The connection logs why; the next turn tries again.
            logger.debug("queue not tended", metadata: ["reason": "\(error)"])
        }
        // The word of a finish may get lost, and foreign workers do not give it.
        await answerWaiters(looksAtAll: tick % 5 == 0)
    }
}
