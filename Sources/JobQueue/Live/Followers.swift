/// Who follows which job, in one process. The feeds belong to those who read them.
package struct Followers {
    private struct Entry {
        let jobID: String
        weak var feed: LiveFeed?
    }

    private var entries: [UInt64: Entry] = [:]
    private var ofJob: [String: Set<UInt64>] = [:]

    package init() {}

    /// - Throws: `tooManyWaiters` where as many as may do follow a job.
    package func requireRoom(within most: Int) throws(QueueError) {
        guard entries.count < most else {
            throw QueueError(.tooManyWaiters, "\(entries.count) follow a job already")
        }
    }

    package mutating func add(_ feed: LiveFeed, of id: String, ticket: UInt64) {
        entries[ticket] = Entry(jobID: id, feed: feed)
        ofJob[id, default: []].insert(ticket)
    }

    package mutating func remove(_ ticket: UInt64) {
        guard let entry = entries.removeValue(forKey: ticket) else { return }
        ofJob[entry.jobID]?.remove(ticket)
        if ofJob[entry.jobID]?.isEmpty == true { ofJob[entry.jobID] = nil }
    }

    package func feeds(of id: String) -> [LiveFeed] {
        // Asked for each job, most of which nobody follows.
        guard !ofJob.isEmpty, let tickets = ofJob[id] else { return [] }
        return tickets.compactMap { entries[$0]?.feed }
    }

    package func ring(_ id: String) {
        for feed in feeds(of: id) { feed.ring() }
    }

    package func ringAll() {
        for entry in entries.values { entry.feed?.ring() }
    }
}
