import Foundation
import JobQueue
import Jobs
import Logging

// From a finished job to whoever waits for it.

extension RedisJobQueue {
    public func result(of id: String, waitingAtMost limit: Duration) async throws(QueueError) -> ExecutionResult? {
        startTending()
        guard phase != .closed, limit > .zero, waiters.count < options.maxWaiters else {
            return try await resultNow(of: id, limit: limit)
        }
        let ticket = nextTicket()
        let deadline = clock.uptime + limit
        let outcome: Result<ExecutionResult?, QueueError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else {
                    continuation.resume(returning: .failure(Self.interrupted))
                    return
                }
                waiters[ticket] = Waiter(jobID: id, continuation: continuation, deadline: deadline)
                waitersOfJob[id, default: []].insert(ticket)
                armWaitTimer(for: deadline)
                // All that was said since before the job was there has been heard, and its end was not among it.
                if newborn.remove(id) != nil, phase == .open { return }
                // It listens before it looks: a finish after the look is heard, one before it is seen.
                Task {
                    await self.hear()
                    await self.answer(waiter: ticket, of: id)
                }
            }
        } onCancel: {
            Task { await self.resume(waiter: ticket, with: .failure(Self.interrupted)) }
        }
        return try outcome.get()
    }

    /// For those who may not wait: what there is now, and else why they may not.
    private func resultNow(of id: String, limit: Duration) async throws(QueueError) -> ExecutionResult? {
        guard let job = try await look(at: id) else { throw QueueError(.unknownJob, "there is no such job") }
        if let result = job.result { return result }
        if phase == .closed || phase == .draining && job.state != .running { throw Self.closed }
        guard limit > .zero else { return nil }
        throw QueueError(.tooManyWaiters, "\(waiters.count) callers wait for a result already")
    }

    func resume(waiter ticket: UInt64, with outcome: Result<ExecutionResult?, QueueError>) {
        guard let waiter = waiters.removeValue(forKey: ticket) else { return }
        waitersOfJob[waiter.jobID]?.remove(ticket)
        if waitersOfJob[waiter.jobID]?.isEmpty == true {
            waitersOfJob[waiter.jobID] = nil
            unseen.remove(waiter.jobID)
        }
        waiter.continuation.resume(returning: outcome)
    }

    /// One timer serves all waiters. It may fire too early, when the waiter for whom it was armed has its answer; it is
    /// armed anew then, for those who are left.
    private func armWaitTimer(for deadline: Duration) {
        if let waitTimer, waitTimer.deadline <= deadline { return }
        waitTimer?.task.cancel()
        let task = Task { [weak self, clock] in
            do {
                try await clock.sleep(until: deadline)
            } catch {
                // Another timer took over, or the queue is gone.
                return
            }
            await self?.endWaits(of: deadline)
        }
        waitTimer = (deadline, task)
    }

    private func endWaits(of deadline: Duration) {
        // Another timer may have taken over in this instant.
        guard waitTimer?.deadline == deadline else { return }
        waitTimer = nil
        for (ticket, waiter) in waiters where waiter.deadline <= clock.uptime {
            resume(waiter: ticket, with: .success(nil))
        }
        if let next = waiters.values.lazy.map(\.deadline).min() { armWaitTimer(for: next) }
    }

    private func answer(waiter ticket: UInt64, of id: String) async {
        // Whoever came before may have seen the result already.
        guard waiters[ticket] != nil else { return }
        await answerWaiters(of: id)
    }

    /// Looks at a job once and answers everybody who waits for it, if there is an answer.
    func answerWaiters(of id: String) async {
        let tickets = waitersOfJob[id] ?? []
        guard !tickets.isEmpty else { return }
        let answer: Result<ExecutionResult?, QueueError>
        do {
            let job = try await look(at: id)
            unseen.remove(id)
            if let job {
                if let result = job.result {
                    answer = .success(result)
                } else if phase != .open, job.state != .running {
                    answer = .failure(Self.closed)
                } else {
                    return
                }
            } else {
                answer = .failure(QueueError(.unknownJob, "there is no such job"))
            }
        } catch {
            // Redis may be back before those who wait give up.
            if waitersOfJob[id] != nil { unseen.insert(id) }
            return
        }
        for ticket in tickets { resume(waiter: ticket, with: answer) }
    }

    func answerWaiters(looksAtAll: Bool) async {
        for id in looksAtAll ? Array(waitersOfJob.keys) : Array(unseen) { await answerWaiters(of: id) }
    }

    /// A job as it stands; nil for an unknown one.
    func look(at id: String) async throws(QueueError) -> JobSnapshot? {
        guard QueueKeys.isUsable(id) else { return nil }
        let reply = try await run(.look, [RedisArgument(id)] + retention)
        guard let state = reply[0].string, let timestamp = reply[1].integer else { return nil }
        let attempt = reply[4].integer ?? 0
        var snapshot = JobSnapshot(
            id: id, state: state == "queued" ? .queued : state == "running" ? .running : .finished,
            createdAt: Self.date(timestamp), startedAt: reply[2].integer.map(Self.date),
            finishedAt: reply[3].integer.map(Self.date), attempt: attempt, owner: reply[7].string)
        guard snapshot.state == .finished else { return snapshot }
        if let json = reply[6].data {
            do {
                snapshot.result = try ExecutionResult(json: Data(json))
                return snapshot
            } catch {
                logger.debug("result of another worker", metadata: ["job": "\(id)", "reason": "\(error)"])
            }
        }
        // Whoever finished the job was no worker of ours.
        snapshot.result = ExecutionResult(
            notRun: id, status: .internalError,
            message: state == "failed" ? reply[5].string ?? "failed" : "the job's result is not one of Bulkhead's",
            request: Data(), attempt: attempt)
        return snapshot
    }

    // MARK: Hearing

    /// Returns once this process hears what others say, or has found that it cannot for now.
    func hear() async {
        switch hearing {
        case .yes, .no: return
        case .notYet: startListening()
        case .connecting: break
        }
        guard hearing == .connecting else { return }
        await withCheckedContinuation { hearingWaiters.append($0) }
    }

    func setHearing(_ hearing: Hearing) {
        self.hearing = hearing
        if hearing != .yes { newborn = [] }
        guard hearing == .yes || hearing == .no else { return }
        for waiter in hearingWaiters { waiter.resume() }
        hearingWaiters = []
    }

    private func startListening() {
        guard phase != .closed else { return setHearing(.no) }
        setHearing(.connecting)
        let connection = listening
        let channels = [keys.finishedChannel, keys.controlChannel, keys.liveWordsChannel]
        listener = Task(executorPreference: connection.tasks) { [weak self] in
            var backoff = Backoff()
            while !Task.isCancelled {
                do throws(RedisError) {
                    try await connection.subscribe(to: channels)
                    backoff.succeeded()
                    await self?.beganToHear()
                    while !Task.isCancelled {
                        let messages = try await connection.messages(waitingAtMost: .seconds(10))
                        guard let self else { return }
                        for message in messages { await self.received(message.text, on: message.channel) }
                    }
                } catch {
                    guard let self, error.code != .closed else { return }
                    await self.setHearing(.no)
                    await self.pause(backoff.failed())
                }
            }
        }
    }

    /// What was said while nobody listened has to be looked up.
    private func beganToHear() async {
        guard phase != .closed else { return }
        setHearing(.yes)
        for hold in Array(holds.values) {
            do {
                try await renew(hold.token)
            } catch {
                logger.debug("lease not renewed", metadata: ["job": "\(hold.job.id)", "reason": "\(error)"])
            }
        }
        followers.ringAll()
        await answerWaiters(looksAtAll: true)
    }

    private func received(_ text: String, on channel: String) async {
        if channel == keys.liveWordsChannel { return heardLiveWord(text) }
        if channel == keys.controlChannel {
            for hold in holds.values where hold.token.jobID == text { hold.signals.yield(.cancelRequested) }
            return
        }
        let ended = EndedJob(text)
        newborn.remove(ended.id)
        followers.ring(ended.id)
        guard let tickets = waitersOfJob[ended.id] else { return }
        // Without a result, or with one that is not ours to read, it is looked up.
        guard let result = ended.result else { return await answerWaiters(of: ended.id) }
        for ticket in tickets { resume(waiter: ticket, with: .success(result)) }
    }
}
