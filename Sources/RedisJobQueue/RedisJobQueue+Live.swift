import Foundation
import JobQueue
import Jobs
import Logging

// What is told of a job while it runs, and what is sent to it. Nothing of this is in Redis for a job that nobody follows and
// that is not interactive.

extension RedisJobQueue {
    // MARK: Following

    public func follow(_ id: String, after position: LivePosition) async throws(QueueError) -> LiveFeed {
        guard phase != .closed else { throw Self.closed }
        guard QueueKeys.isUsable(id) else { throw QueueError(.unknownJob, "there is no such job") }
        try followers.requireRoom(within: options.maxFollowers)
        startTending()
        let ticket = nextTicket()
        let feed = LiveFeed(after: position) { [weak self] position async throws(QueueError) in
            guard let self else { throw Self.closed }
            return try await self.events(of: id, after: position)
        } onEnd: { [weak self] in
            Task { await self?.unfollow(ticket) }
        }
        // Before anything is asked: what is said from here on rings.
        followers.add(feed, of: id, ticket: ticket)
        startFollowing()
        await hear()
        guard try await run(.follow, [RedisArgument(id)]).integer == 0 else {
            throw QueueError(.unknownJob, "there is no such job")
        }
        return feed
    }

    private func unfollow(_ ticket: UInt64) { followers.remove(ticket) }

    private func events(of id: String, after position: LivePosition) async throws(QueueError) -> [LiveEvent] {
        guard phase != .closed else { throw Self.closed }
        if position < .queued { return [.queued] }
        let reply = try await run(.told, [RedisArgument(id), RedisArgument(position.description)])
        let told = (reply[1].elements ?? []).compactMap(LiveEvent.init)
        guard told.isEmpty else { return told }
        switch reply[0].integer {
        case -1: throw QueueError(.unknownJob, "there is no such job")
        case 0 where phase != .open: throw Self.closed
        case 0, 1: return []
        default:
            // Everything was told before it was finished; the result has what is not there any more.
            guard let job = try await look(at: id) else { throw QueueError(.unknownJob, "there is no such job") }
            return job.replay(after: position)
        }
    }

    /// Hears of jobs of which more was told, and rings for those who follow one here.
    private func startFollowing() {
        guard followingTask == nil else { return }
        let connection = following
        let channels = [keys.liveToldChannel]
        followingTask = Task(executorPreference: connection.tasks) { [weak self] in
            var backoff = Backoff()
            while !Task.isCancelled {
                do throws(RedisError) {
                    try await connection.subscribe(to: channels)
                    backoff.succeeded()
                    // What was told while nobody listened is looked for.
                    await self?.ringAllFollowers()
                    while !Task.isCancelled {
                        let messages = try await connection.messages(waitingAtMost: .seconds(10))
                        guard let self else { return }
                        for message in messages { await self.ringFollowers(of: message.text) }
                    }
                } catch {
                    guard let self, error.code != .closed else { return }
                    await self.pause(backoff.failed())
                }
            }
        }
    }

    private func ringAllFollowers() { followers.ringAll() }

    private func ringFollowers(of id: String) { followers.ring(id) }

    // MARK: Telling

    /// Those who follow a job, or send to it, have said so: `f` or `i`, then its id.
    func heardLiveWord(_ text: String) {
        let id = text.dropFirst()
        for (token, hold) in holds where token.jobID == id {
            if text.hasPrefix("f") { startTelling(of: token) } else { hold.input?.bell.ring() }
        }
    }

    /// Tells what happens to a job from its start on, for as long as it is held here. The job does not wait for it.
    func startTelling(of token: LeaseToken) {
        guard let hold = holds[token], hold.teller == nil else { return }
        let live = hold.live
        let feed = LiveFeed(after: .start) { position async throws(QueueError) in
            // Before the look: what comes after an end that was seen here is nothing.
            let isOver = live.isOver
            let events = live.events(after: position)
            if events.isEmpty, isOver { throw Self.allTold }
            return events
        }
        live.add(feed)
        holds[token]?.teller = Task { await self.tell(of: token, live, from: feed) }
    }

    /// Ends the telling of a job once all was told.
    func endTelling(of token: LeaseToken) -> Task<Void, Never>? {
        guard let hold = holds[token], let teller = hold.teller else { return nil }
        hold.live.end()
        return teller
    }

    private func tell(of token: LeaseToken, _ live: LiveLog, from feed: LiveFeed) async {
        do {
            while true {
                let events = try await feed.next(waitingAtMost: .seconds(3_600))
                guard !events.isEmpty else { continue }
                let before = LivePosition(attempt: live.attempt, number: 0)
                let reply = try await run(
                    .tell,
                    [
                        RedisArgument(token.jobID), RedisArgument(token.secret),
                        RedisArgument(Self.milliseconds(settings.keepWholeResultsFor)),
                        RedisArgument(before.description),
                    ] + events.flatMap(\.arguments), patience: options.lockDuration)
                guard reply.integer == 0 else { return }
                // A program that writes byte by byte must not keep Redis busy with each.
                if !live.isOver { await pause(Self.tellingPause) }
            }
        } catch {
            guard error != Self.allTold else { return }
            logger.warning("job not told of", metadata: ["job": "\(token.jobID)", "reason": "\(error)"])
        }
    }

    private static let allTold = QueueError(.closed, "the attempt is over")

    /// Least time between two tellings of one job.
    private static let tellingPause = Duration.milliseconds(5)

    // MARK: Sending

    public func send(_ bytes: [UInt8], isEnd: Bool, toInputOf id: String) async throws(QueueError) -> InputOutcome {
        guard QueueKeys.isUsable(id) else { return .unknownJob }
        let reply = try await run(
            .send,
            [
                RedisArgument(id), RedisArgument(Data(bytes)), isEnd ? "1" : "0", RedisArgument(JobInput.mostUnread),
                Self.callNumber(),
            ])
        switch reply.integer {
        case 0: return .taken
        case 1: return .full
        case 2: return .notInteractive
        case 3: return .closed
        case 4: return .finished
        case -1: return .unknownJob
        default: throw Self.unexpected
        }
    }

    /// Brings what is sent to a job to its program, for as long as it is held here.
    func startReceiving(_ held: HeldInput, for token: LeaseToken) {
        Task { await self.receive(held, for: token) }
    }

    private func receive(_ held: HeldInput, for token: LeaseToken) async {
        var fetched = 0
        while holds[token] != nil {
            let (taken, isBroken) = held.input.progress
            do {
                let reply = try await run(
                    .receive,
                    [
                        RedisArgument(token.jobID), RedisArgument(token.secret), RedisArgument(taken),
                        RedisArgument(fetched), isBroken ? "1" : "0",
                    ], patience: options.lockDuration)
                guard reply[0].integer == 0, let bytes = reply[1].data else { return }
                fetched += bytes.count
                let isEnd = reply[2].integer == 1
                if !bytes.isEmpty || isEnd { _ = held.input.append(bytes, isEnd: isEnd) }
            } catch {
                // The next renewal rings again.
                logger.warning(
                    "input not fetched", metadata: ["job": "\(token.jobID)", "reason": "\(error)"])
            }
            await held.bell.wait()
        }
    }
}

extension LiveEvent {
    /// Its position, kind and text as a stream of Redis holds them; nothing for what is not put there.
    fileprivate var arguments: [RedisArgument] {
        let place = RedisArgument(position.description)
        switch kind {
        case .started(let worker): return [place, "started", RedisArgument(worker)]
        case .stage(let stage): return [place, "stage", RedisArgument(stage.rawValue)]
        case .output(let stream, let bytes): return [place, RedisArgument(stream.rawValue), RedisArgument(Data(bytes))]
        case .queued, .result: return []
        }
    }

    /// Reads an entry; nil for one of another version.
    fileprivate init?(_ entry: RedisReply) {
        guard let position = entry[0].string.flatMap(LivePosition.init), let kind = entry[1][0].string,
            let bytes = entry[1][1].data
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        if kind == "started" {
            self.init(position, .started(worker: text))
        } else if kind == "stage", let stage = LiveStage(rawValue: text) {
            self.init(position, .stage(stage))
        } else if let stream = LiveStream(rawValue: kind) {
            self.init(position, .output(stream, bytes))
        } else {
            return nil
        }
    }
}
