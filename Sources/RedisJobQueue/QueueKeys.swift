/// The names of everything that one queue has in Redis.
struct QueueKeys: Sendable {
    private static let names = [
        "wait", "active", "prioritized", "delayed", "completed", "failed", "paused", "events", "meta", "marker",
        "stalled", "stalled-check", "pc", "id", "limiter", "bh:open", "bh:open-bytes", "bh:expiry", "bh:kept",
        "bh:kept-sizes", "bh:kept-bytes", "bh:finished", "bh:control", "bh:workers", "bh:drain",
        "bh:owners",
    ]

    /// What every name begins with: `bull:code-execution:`. With braces in the prefix all lie in one slot of a cluster.
    let prefix: String
    /// In the order in which `Script.prelude` names them.
    let all: [RedisArgument]

    let marker: RedisArgument
    /// Ids of jobs that are finished, for those who wait.
    let finishedChannel: String
    /// Ids of running jobs that are to be cancelled, for those who run them.
    let controlChannel: String
    /// What those who run a job must hear of those who follow it or send to it: `LiveWord`.
    let liveWordsChannel: String
    /// Ids of jobs of which more has been told, for those who follow one.
    let liveToldChannel: String

    init(prefix: String, queue: String) {
        let base = "\(prefix):\(queue):"
        self.prefix = base
        func key(_ name: String) -> RedisArgument { RedisArgument(base + name) }
        marker = key("marker")
        finishedChannel = base + "bh:finished"
        controlChannel = base + "bh:control"
        liveWordsChannel = base + "bh:live-words"
        liveToldChannel = base + "bh:live-told"
        all = QueueKeys.names.map(key)
    }

    /// Whether a job may have this id: its hash must not have the name of something else of the queue.
    static func isUsable(_ id: String) -> Bool {
        !id.isEmpty && !id.hasPrefix("bh:") && id != "repeat" && id != "waiting-children" && !names.contains(id)
    }

    /// Where a result is whole that was shortened in its job.
    func resultKey(of id: String) -> String { "\(prefix)bh:result:\(id)" }
}
