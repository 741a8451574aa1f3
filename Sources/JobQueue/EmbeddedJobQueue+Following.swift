import Foundation
import Jobs

// Those who follow a job, and those who send to it.

extension EmbeddedJobQueue {
    public func follow(_ id: String, after position: LivePosition) throws(QueueError) -> LiveFeed {
        sweepIfDue()
        guard phase != .closed else { throw Self.closed }
        guard jobs[id] != nil || finished[id] != nil else { throw QueueError(.unknownJob, "there is no such job") }
        try followers.requireRoom(within: options.maxFollowers)
        let ticket = nextTicket()
        let feed = LiveFeed(after: position) { [weak self] position async throws(QueueError) in
            guard let self else { throw Self.closed }
            return try await self.events(of: id, after: position)
        } onEnd: { [weak self] in
            Task { await self?.unfollow(ticket) }
        }
        followers.add(feed, of: id, ticket: ticket)
        jobs[id]?.hold?.live.add(feed)
        return feed
    }

    private func unfollow(_ ticket: UInt64) { followers.remove(ticket) }

    private func events(of id: String, after position: LivePosition) throws(QueueError) -> [LiveEvent] {
        sweepIfDue()
        if let record = finished[id] {
            let told = record.live?.events(after: position) ?? []
            // The log first, to its end: it has every byte.
            return told.isEmpty ? record.snapshot.replay(after: position) : Self.begun(told, after: position)
        }
        guard phase != .closed else { throw Self.closed }
        guard let job = jobs[id] else { throw QueueError(.unknownJob, "there is no such job") }
        guard let hold = job.hold else {
            guard phase == .open else { throw Self.closed }
            return Self.begun([], after: position)
        }
        return Self.begun(hold.live.events(after: position), after: position)
    }

    private static func begun(_ events: [LiveEvent], after position: LivePosition) -> [LiveEvent] {
        position < .queued ? [.queued] + events : events
    }

    public func send(_ bytes: [UInt8], isEnd: Bool, toInputOf id: String) -> InputOutcome {
        sweepIfDue()
        guard let job = jobs[id] else { return finished[id] == nil ? .unknownJob : .finished }
        return job.input?.append(bytes, isEnd: isEnd) ?? .notInteractive
    }
}
