import JobQueue
import Jobs
import Synchronization

/// A queue that is out of reach for the first renewals.
final class AwayQueue: JobQueue {
    private let queue: EmbeddedJobQueue
    private let failures: Mutex<Int>

    init(queue: EmbeddedJobQueue, failures: Int) {
        self.queue = queue
        self.failures = Mutex(failures)
    }

    var isDurable: Bool { queue.isDurable }

    func renew(_ token: LeaseToken) async throws(QueueError) {
        let isAway = failures.withLock { left in
            left -= 1
            return left >= 0
        }
        if isAway { throw QueueError(.unavailable, "away") }
        try await queue.renew(token)
    }

    func add(_ job: NewJob) async throws(QueueError) -> AddOutcome { try await queue.add(job) }

    func take(by worker: String) async throws(QueueError) -> Lease { try await queue.take(by: worker) }

    func complete(_ token: LeaseToken, with result: ExecutionResult) async throws(QueueError) {
        try await queue.complete(token, with: result)
    }

    func fail(
        _ token: LeaseToken, reason: String, result: ExecutionResult, mayRetry: Bool
    ) async throws(QueueError) -> FailureOutcome {
        try await queue.fail(token, reason: reason, result: result, mayRetry: mayRetry)
    }

    func release(_ token: LeaseToken) async throws(QueueError) { try await queue.release(token) }

    func passOn(_ token: LeaseToken) async throws(QueueError) { try await queue.passOn(token) }

    func recoverStalled() async throws(QueueError) -> Int { await queue.recoverStalled() }

    func result(of id: String, waitingAtMost limit: Duration) async throws(QueueError) -> ExecutionResult? {
        try await queue.result(of: id, waitingAtMost: limit)
    }

    func cancel(_ id: String) async throws(QueueError) -> CancelOutcome { await queue.cancel(id) }

    func job(_ id: String) async throws(QueueError) -> JobSnapshot? { await queue.job(id) }

    func follow(_ id: String, after position: LivePosition) async throws(QueueError) -> LiveFeed {
        try await queue.follow(id, after: position)
    }

    func send(_ bytes: [UInt8], isEnd: Bool, toInputOf id: String) async throws(QueueError) -> InputOutcome {
        await queue.send(bytes, isEnd: isEnd, toInputOf: id)
    }

    func counts() async throws(QueueError) -> QueueCounts { await queue.counts() }

    func drain() async { await queue.drain() }

    func close() async { await queue.close() }
}
