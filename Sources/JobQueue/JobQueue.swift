import Foundation
import Jobs

/// The path from whoever accepts jobs to whoever runs them.
///
/// A job is waiting (`queued`), held by one worker under a lease (`running`), or `finished`. Every verdict about a program
/// is a completed job; a failed one is an engine error, cancelled, expired, or stalled too often. The embedded queue and
/// the one in Redis pass one conformance suite.
public protocol JobQueue: Sendable {
    /// Whether jobs outlive this process.
    var isDurable: Bool { get }

    /// Puts a job at the end of the line, or of its owner's turns. Its idempotency key, the capacity and the owner's quotas
    /// are checked and taken in one step with it; a repetition is answered however full the queue is. What a free worker takes
    /// at once does not wait, and is refused for no number of jobs that do.
    /// - Throws: `full`, `ownerBusy` and `ownerFull` with `retryAfter`, `duplicateJob`, `keyReused`, `closed`, `unavailable`.
    @discardableResult
    func add(_ job: NewJob) async throws(QueueError) -> AddOutcome

    /// Waits for the next job, first in first out with owners taking turns, and takes it under a lease of `Lease.lockDuration`.
    ///
    /// Whoever takes must `complete`, `fail` or `release` it, and `renew` it before half of that time has passed each time.
    /// - Parameter worker: the name under which the job is held.
    /// - Returns: the job; nobody else has it while the lease lasts.
    /// - Throws: `closed`, `interrupted` when the calling task is cancelled, `tooManyWaiters`, `unavailable`.
    func take(by worker: String) async throws(QueueError) -> Lease

    /// Makes the lease last for its full time again, from now.
    /// - Throws: `staleLease` when it has run out or the job was finished, `unavailable`.
    func renew(_ token: LeaseToken) async throws(QueueError)

    /// Finishes a job with a verdict about its program.
    /// - Throws: `staleLease`, in which case nothing changed; `unavailable`.
    func complete(_ token: LeaseToken, with result: ExecutionResult) async throws(QueueError)

    /// Ends an attempt without a verdict.
    /// - Parameters:
    ///   - token: the lease.
    ///   - reason: one line, BullMQ's `failedReason`.
    ///   - result: what is answered when this was the last attempt.
    ///   - mayRetry: whether another attempt could go better, if the job allows one.
    /// - Returns: whether the job is finished or will be tried again.
    /// - Throws: `staleLease`, in which case nothing changed; `unavailable`.
    func fail(
        _ token: LeaseToken, reason: String, result: ExecutionResult, mayRetry: Bool
    ) async throws(QueueError) -> FailureOutcome

    /// Gives a job back that was not begun: to the front of the line, the attempt not counted.
    /// - Throws: `staleLease`, `unavailable`.
    func release(_ token: LeaseToken) async throws(QueueError)

    /// Gives a job back that this worker cannot run but another can: behind those that wait, the attempt not counted. In a
    /// queue that several processes share nobody takes it for `passOnPause`, so that it does not go round and round.
    /// - Throws: `staleLease`, `unavailable`.
    func passOn(_ token: LeaseToken) async throws(QueueError)

    /// Puts jobs whose lease ran out back to the front of the line, or fails those that stalled too often.
    /// - Returns: the number of jobs found so.
    @discardableResult
    func recoverStalled() async throws(QueueError) -> Int

    /// Waits for a job's result. It subscribes before it looks, so a finish between the two is not lost.
    /// - Returns: nil when the time is up; the job goes on.
    /// - Throws: `unknownJob`, `closed`, `interrupted` when the calling task is cancelled, `tooManyWaiters`, `unavailable`.
    func result(of id: String, waitingAtMost limit: Duration) async throws(QueueError) -> ExecutionResult?

    /// Cancels a job: one that waits is finished at once, of one that runs the worker is told (`LeaseSignal`).
    func cancel(_ id: String) async throws(QueueError) -> CancelOutcome

    /// A job as it stands; nil where it is unknown, or finished so long ago that it was dropped.
    func job(_ id: String) async throws(QueueError) -> JobSnapshot?

    /// Follows a job: hears of everything that happens to it behind a position, until its result. Whoever begins in the
    /// middle of a run hears of that from its start.
    /// - Returns: the feed, which takes a follower's place for as long as it is held.
    /// - Throws: `unknownJob`, `tooManyWaiters`, `closed`, `unavailable`.
    func follow(_ id: String, after position: LivePosition) async throws(QueueError) -> LiveFeed

    /// Sends bytes to the standard input of an interactive job, which may be waiting still.
    /// - Parameters:
    ///   - bytes: what the program will read; all of them are taken, or none.
    ///   - isEnd: whether the end of the file follows.
    ///   - id: the job.
    /// - Returns: whether they were taken, or why not.
    /// - Throws: `unavailable`.
    func send(_ bytes: [UInt8], isEnd: Bool, toInputOf id: String) async throws(QueueError) -> InputOutcome

    func counts() async throws(QueueError) -> QueueCounts

    /// Begins the end: nothing is added or taken any more, and who waits for a job that is not running is told `closed`.
    /// Running jobs can be finished, and whoever waits for them gets their result.
    func drain() async

    /// Ends every wait with `closed`, drained or not. Jobs that are still running can be finished but nobody hears of it.
    func close() async
}

/// How long a job that was passed on rests before anybody takes it.
public let passOnPause = Duration.milliseconds(250)
