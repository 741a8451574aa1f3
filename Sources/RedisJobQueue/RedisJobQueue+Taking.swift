import Foundation
import JobQueue
import Jobs
import Logging

// From the line to a worker.

extension RedisJobQueue {
    public func take(by worker: String) async throws(QueueError) -> Lease {
        guard phase == .open else { throw Self.closed }
        guard takers.count < options.maxWaiters else {
            throw QueueError(.tooManyWaiters, "\(takers.count) callers wait for a job already")
        }
        startTending()
        let ticket = nextTicket()
        let outcome: Result<Lease, QueueError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A cancellation after this line finds the ticket, because it has to wait for the actor.
                guard !Task.isCancelled else {
                    continuation.resume(returning: .failure(Self.interrupted))
                    return
                }
                takers[ticket] = Taker(worker: worker, continuation: continuation)
                takerOrder.append(ticket)
                startFetching()
            }
        } onCancel: {
            Task { await self.resume(taker: ticket, with: .failure(Self.interrupted)) }
        }
        return try outcome.get()
    }

    func resume(taker ticket: UInt64, with outcome: Result<Lease, QueueError>) {
        guard let taker = takers.removeValue(forKey: ticket) else { return }
        takerOrder.removeAll { $0 == ticket }
        taker.continuation.resume(returning: outcome)
    }

    private enum Fetched {
        /// A job, and in how long at most to look for the next.
        case lease(Lease, Duration)
        /// Nothing to take; look again after at most so long.
        case nothing(Duration)
        case failed(RedisError)
    }

    private func startFetching() {
        guard fetcher == nil, phase == .open else { return }
        fetcher = Task(executorPreference: blocking.tasks) { await self.fetch() }
    }

    /// Takes jobs for as long as somebody wants one: looks, and when there is none, blocks until there may be.
    private func fetch() async {
        // Without ears a cancellation would reach the worker only with the next renewal.
        await hear()
        var backoff = Backoff()
        while phase == .open, let ticket = takerOrder.first, let worker = takers[ticket]?.worker {
            // How long to wait for the marker; nil for not at all.
            let limit: Duration?
            switch await fetchOne(for: worker) {
            case .lease(let lease, let next):
                backoff.succeeded()
                limit = next > .zero ? next : nil
                // The one who was first may be gone by now; the next one is as good.
                if phase == .open, let taker = takerOrder.first {
                    resume(taker: taker, with: .success(lease))
                } else {
                    await giveBack(lease)
                }
            case .nothing(let next): limit = next
            case .failed(let error):
                guard phase == .open else { continue }
                logger.debug("no job taken", metadata: ["reason": "\(error)"])
                await pause(backoff.failed())
                continue
            }
            guard phase == .open, !takerOrder.isEmpty, let limit else { continue }
            do throws(RedisError) {
                try await waitForMarker(atMost: limit)
                backoff.succeeded()
            } catch {
                guard phase == .open else { break }
                await pause(backoff.failed())
            }
        }
        fetcher = nil
        // The marker that was taken last is somebody else's now. Should this fail, their watchdogs see to it.
        do throws(RedisError) {
            _ = try await attempt(.wake, [])
        } catch {
            logger.debug("marker not put back", metadata: ["reason": "\(error)"])
        }
        if !takerOrder.isEmpty { startFetching() }
    }

    func pause(_ duration: Duration) async {
        // A cancelled pause is over.
        try? await Task.sleep(for: duration)
    }

    private func waitForMarker(atMost limit: Duration) async throws(RedisError) {
        let seconds = max(0.01, min(limit, settings.watchdog) / .seconds(1))
        _ = try await blocking.send(
            ["BZPOPMIN", keys.marker, RedisArgument(String(seconds))], blockingFor: settings.watchdog)
    }

    private func fetchOne(for worker: String) async -> Fetched {
        // One token for all tries: a try whose answer got lost is found by it.
        let secret = RandomWord.next()
        var isRepeated = false
        // Longer than that the job would not be ours.
        let deadline = clock.uptime + options.lockDuration
        while phase == .open || isRepeated && clock.uptime < deadline {
            let reply: RedisReply
            do throws(RedisError) {
                // Over the connection that hears of the job, on whose thread this runs; but that one ends with the taking.
                reply = try await attempt(
                    .take,
                    [
                        RedisArgument(secret), RedisArgument(Self.milliseconds(options.lockDuration)),
                        RedisArgument(worker), RedisArgument(settings.maxRequestBytes), isRepeated ? "1" : "0",
                    ], over: isRepeated ? nil : blocking)
            } catch {
                let isLost = error.code == .connectionLost || error.code == .closed && !isRepeated
                guard isLost || isRepeated && error.isPassing else { return .failed(error) }
                // The job may be ours already: nobody else can know, so this is tried until it is known.
                await pause(.milliseconds(isRepeated ? 200 : 1))
                isRepeated = true
                continue
            }
            switch reply[0].string {
            case "expired":
                await dropExpired()
                continue
            case "none": return .nothing(pause(until: reply[1].integer))
            default: break
            }
            guard let job = TakenJob(reply) else { return .failed(RedisError(.badReply, "take gave no job")) }
            let hold = begin(job, LeaseToken(jobID: job.id, secret: secret), by: worker)
            if await isRefused(hold) { return await fetchOne(for: worker) }
            return .lease(hold.lease, pause(until: job.nextLook))
        }
        return .nothing(.zero)
    }

    /// How long a script that was asked for a job says to wait before it is asked again.
    private func pause(until nextLook: Int?) -> Duration {
        nextLook.map { .milliseconds(max(0, $0 - now)) } ?? settings.watchdog
    }

    private func begin(_ job: TakenJob, _ token: LeaseToken, by worker: String) -> (hold: Hold, lease: Lease) {
        let (signals, continuation) = AsyncStream.makeStream(of: LeaseSignal.self, bufferingPolicy: .bufferingNewest(2))
        let live = LiveLog(attempt: job.started, worker: worker)
        let input = job.isInteractive ? HeldInput() : nil
        let hold = Hold(
            job: job, token: token, signals: continuation, renewedAt: clock.uptime, live: live, input: input)
        holds[token] = hold
        if job.isFollowed { startTelling(of: token) }
        if let input { startReceiving(input, for: token) }
        let lease = Lease(
            token: token, request: job.data ?? Data(), createdAt: Self.date(job.timestamp), attempt: job.started,
            queueTime: .milliseconds(max(0, now - job.timestamp)), lockDuration: options.lockDuration, signals: signals,
            live: live, input: input?.input, requestID: job.requestID, ownerName: job.ownerName)
        return (hold, lease)
    }

    /// Whether the job was one that no worker may run; then it is finished.
    private func isRefused(_ taken: (hold: Hold, lease: Lease)) async -> Bool {
        let job = taken.hold.job
        let reason: String
        var status = Status.internalError
        if job.isCancelRequested {
            reason = "cancelled before it was run"
            status = .cancelled
        } else if let refusal = job.refusal(maxRequestBytes: settings.maxRequestBytes) {
            reason = refusal
        } else {
            return false
        }
        let result = ExecutionResult(
            notRun: job.id, status: status, message: reason, request: job.data ?? Data(), attempt: job.started,
            queueTimeMs: taken.lease.queueTime / .milliseconds(1))
        do {
            try await finish(unrun: taken.hold, reason, result)
        } catch {
            // The lock runs out, and whoever takes the job then refuses it again.
            logger.warning("job not refused", metadata: ["job": "\(job.id)", "reason": "\(error)"])
            end(taken.hold)
        }
        return true
    }

    private func giveBack(_ lease: Lease) async {
        do {
            try await release(lease.token)
        } catch {
            // The lock runs out and the job is found.
            logger.warning("job not given back", metadata: ["job": "\(lease.id)", "reason": "\(error)"])
        }
    }
}
