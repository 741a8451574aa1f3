import Synchronization

/// What one follower hears of one job, from a position on, in order and without a gap.
///
/// Nothing is buffered for it: each time it asks, what comes next is fetched from where it lies. One at a time may ask.
public final class LiveFeed: Sendable {
    package typealias Pull = @Sendable (LivePosition) async throws(QueueError) -> [LiveEvent]

    private let pull: Pull
    private let onEnd: @Sendable () -> Void
    private let bell = Doorbell()
    private let position: Mutex<LivePosition>
    private let isEnded = Atomic<Bool>(false)

    /// - Parameters:
    ///   - position: behind which to begin.
    ///   - pull: gives what comes behind a position, nothing where nothing has happened yet.
    ///   - onEnd: called when nobody holds the feed any more.
    package init(
        after position: LivePosition, pull: @escaping Pull, onEnd: @escaping @Sendable () -> Void = {}
    ) {
        self.position = Mutex(position)
        self.pull = pull
        self.onEnd = onEnd
    }

    deinit { onEnd() }

    /// Something may have happened.
    package func ring() { bell.ring() }

    /// Ends a wait, and every later one at once.
    public func end() {
        isEnded.store(true, ordering: .releasing)
        ring()
    }

    /// Waits for what comes next.
    /// - Returns: it; nothing when the time is up.
    /// - Throws: `interrupted` when the feed is ended or the calling task is cancelled, and what the queue says: `closed`, `unknownJob`,
    ///   `unavailable`.
    public func next(waitingAtMost limit: Duration) async throws(QueueError) -> [LiveEvent] {
        let deadline = ContinuousClock.now + limit
        while true {
            let isLast = ContinuousClock.now >= deadline
            let events = try await pull(position.withLock { $0 })
            if let last = events.last {
                position.withLock { $0 = last.position }
                return events
            }
            guard !isLast else { return [] }
            await bell.wait(until: deadline)
            if isEnded.load(ordering: .acquiring) || Task.isCancelled {
                throw QueueError(.interrupted, "the wait was cancelled")
            }
        }
    }
}
