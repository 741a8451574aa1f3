import LaunchProtocol

/// Kinds of slots of which the last could not be set up, and the jobs that wait until one can be again.
///
/// Whatever the cause is, a host that lacks memory for a moment or an image that is broken for good, one slot at a time is
/// tried, with pauses that grow, for as long as none of the kind comes up: what is spent on it is bounded, however many jobs
/// ask for it.
struct SlotTroubles {
    /// How long a kind may be out of reach before its jobs are told: from the first failure on, for all of them together.
    /// So a cause that passes costs no job, and one that stays holds each place of a worker once.
    static let patience = Duration.seconds(10)
    /// Between two attempts: doubled each time, up to the longest.
    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)

    private struct Trouble {
        /// What went wrong the last time.
        var failure: IsolationError
        var isOverdueFrom: ContinuousClock.Instant
        var nextPause = SlotTroubles.shortestPause
        var waiting: [Waiter] = []
    }

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Void, Never>
    }

    private var troubles: [SlotPool.Key: Trouble] = [:]
    /// How often a slot could not be set up.
    private(set) var failures: UInt64 = 0

    var isEmpty: Bool { troubles.isEmpty }

    /// Jobs that wait for it to end.
    var waiting: Int { troubles.values.reduce(0) { $0 + $1.waiting.count } }

    /// Takes note of a slot that could not be set up.
    /// - Returns: whether it is the first of its kind.
    mutating func add(_ failure: IsolationError, of key: SlotPool.Key, at now: ContinuousClock.Instant = .now) -> Bool {
        failures += 1
        let isFirst = troubles[key] == nil
        troubles[key, default: Trouble(failure: failure, isOverdueFrom: now + Self.patience)].failure = failure
        return isFirst
    }

    /// Why a job cannot be given a slot that is set up for it now; nil where nothing speaks against that.
    func failure(of key: SlotPool.Key) -> IsolationError? { troubles[key]?.failure }

    /// When its jobs need not wait any longer.
    func deadline(of key: SlotPool.Key) -> ContinuousClock.Instant? { troubles[key]?.isOverdueFrom }

    /// How long to wait before the next attempt.
    mutating func pause(of key: SlotPool.Key) -> Duration? {
        guard let pause = troubles[key]?.nextPause else { return nil }
        troubles[key]?.nextPause = min(pause * 2, Self.longestPause)
        return pause
    }

    /// Has a job wait until `ended`, `offer`, `giveUp` or `close`.
    mutating func wait(for key: SlotPool.Key, ticket: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        guard troubles[key] != nil else { return continuation.resume() }
        troubles[key]?.waiting.append(Waiter(ticket: ticket, continuation: continuation))
    }

    /// Lets the job that has waited the longest look for a slot of that kind: one has just been put back.
    mutating func offer(_ key: SlotPool.Key) {
        guard let waiting = troubles[key]?.waiting, !waiting.isEmpty else { return }
        troubles[key]?.waiting.removeFirst().continuation.resume()
    }

    /// Ends one job's wait.
    mutating func giveUp(_ ticket: UInt64, of key: SlotPool.Key) {
        guard let position = troubles[key]?.waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        troubles[key]?.waiting.remove(at: position).continuation.resume()
    }

    /// A slot of that kind is set up.
    mutating func end(_ key: SlotPool.Key) {
        for waiter in troubles.removeValue(forKey: key)?.waiting ?? [] { waiter.continuation.resume() }
    }

    /// Ends every wait.
    mutating func close() { for key in troubles.keys { end(key) } }
}
