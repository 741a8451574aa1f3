import Foundation
import Jobs

/// A job on its way into the queue.
public struct NewJob: Sendable, Equatable {
    /// Unique in the queue; `JobID` for jobs that come over HTTP.
    public var id: String
    /// The request's JSON as the contract has it. The worker checks it again.
    public var request: Data
    /// How long the job may wait to be run before it expires; nil for as long as it takes.
    public var timeToLive: Duration?
    /// How often it may be tried when the engine fails.
    public var attempts: Int
    /// Under which adding the same again makes no second job.
    public var idempotencyKey: IdempotencyKey?
    /// Whose it is; nil for nobody's.
    public var owner: JobOwner?
    /// Whether its standard input goes on behind what the request holds.
    public var isInteractive: Bool
    /// The id of the request that asks for it, for the logs of all who handle it.
    public var requestID: RequestID?

    public init(
        id: String, request: Data, timeToLive: Duration? = nil, attempts: Int = 1,
        idempotencyKey: IdempotencyKey? = nil, owner: JobOwner? = nil, isInteractive: Bool = false,
        requestID: RequestID? = nil
    ) {
        self.id = id
        self.request = request
        self.timeToLive = timeToLive
        self.attempts = attempts
        self.idempotencyKey = idempotencyKey
        self.owner = owner
        self.isInteractive = isInteractive
        self.requestID = requestID
    }
}

/// Proof of holding a job; no other token finishes it.
public struct LeaseToken: Sendable, Hashable {
    public let jobID: String
    /// Random, so that a worker that lost its lease cannot pass for the one that has it now.
    public let secret: String

    public init(jobID: String, secret: String) {
        self.jobID = jobID
        self.secret = secret
    }
}

/// What a worker hears about a job that it holds.
public enum LeaseSignal: Sendable, Equatable {
    /// The job is to be ended and reported as `cancelled`; one that has its verdict already may still be completed.
    case cancelRequested
    /// The lease ran out: whatever this attempt yields will be refused.
    case lost
}

/// A job in the hands of one worker.
public struct Lease: Sendable {
    public let token: LeaseToken
    public let request: Data
    public let createdAt: Date
    /// Counts from 1.
    public let attempt: Int
    /// From being added to being taken.
    public let queueTime: Duration
    /// How long the lease lasts unless it is renewed.
    public let lockDuration: Duration
    /// For one listener; ends with the lease.
    public let signals: AsyncStream<LeaseSignal>
    /// Where to say what the attempt does, for those who follow it.
    public let live: LiveLog
    /// Its standard input behind what the request holds; nil for a job that was not added as an interactive one.
    public let input: JobInput?
    /// The id of the HTTP request that made the job; nil for jobs that came otherwise.
    public let requestID: RequestID?
    /// `JobOwner.name` of whose it is; nil for nobody's.
    public let ownerName: String?

    public var id: String { token.jobID }

    public init(
        token: LeaseToken, request: Data, createdAt: Date, attempt: Int, queueTime: Duration, lockDuration: Duration,
        signals: AsyncStream<LeaseSignal>, live: LiveLog, input: JobInput? = nil, requestID: RequestID? = nil,
        ownerName: String? = nil
    ) {
        self.token = token
        self.request = request
        self.createdAt = createdAt
        self.attempt = attempt
        self.queueTime = queueTime
        self.lockDuration = lockDuration
        self.signals = signals
        self.live = live
        self.input = input
        self.requestID = requestID
        self.ownerName = ownerName
    }
}

/// What became of a job whose attempt failed.
public enum FailureOutcome: Sendable, Equatable {
    case finished
    case willRetry
}

/// What a cancellation did.
public enum CancelOutcome: Sendable, Equatable {
    /// The job had not begun and is finished now.
    case cancelled
    /// The worker has been told.
    case requested
    /// It was too late.
    case alreadyFinished
    case unknownJob
}

/// Where a job stands. The raw values are part of the wire.
public enum JobState: String, Sendable, CaseIterable {
    case queued
    case running
    case finished
}

/// A job at one moment.
public struct JobSnapshot: Sendable, Equatable {
    public var id: String
    public var state: JobState
    public var createdAt: Date
    /// When the last attempt began.
    public var startedAt: Date?
    public var finishedAt: Date?
    /// Attempts begun so far.
    public var attempt: Int
    public var result: ExecutionResult?
    /// Whose it is, by `JobOwner.id`; nil for nobody's.
    public var owner: String?

    public init(
        id: String, state: JobState, createdAt: Date, startedAt: Date? = nil, finishedAt: Date? = nil,
        attempt: Int = 0, result: ExecutionResult? = nil, owner: String? = nil
    ) {
        self.id = id
        self.state = state
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.attempt = attempt
        self.result = result
        self.owner = owner
    }
}

/// How many of what there are.
public struct QueueCounts: Sendable, Equatable {
    public var queued: Int
    public var running: Int
    public var finished: Int
    /// Callers of this process that wait for a result, and that wait for a job.
    public var waiters: Int
    public var takers: Int

    public init(queued: Int = 0, running: Int = 0, finished: Int = 0, waiters: Int = 0, takers: Int = 0) {
        self.queued = queued
        self.running = running
        self.finished = finished
        self.waiters = waiters
        self.takers = takers
    }
}

/// What a queue holds at most, and for how long.
public struct QueueOptions: Sendable, Equatable {
    /// Jobs that wait.
    public var maxQueued: Int
    /// Bytes of all requests that wait or run: a thousand of 16 MiB would not fit into memory.
    public var maxQueuedBytes: Int
    /// Callers that wait for a result, and as many that wait for a job.
    public var maxWaiters: Int
    /// Those of one process who follow a job.
    public var maxFollowers: Int
    /// How long a worker keeps a job without renewing its lease.
    public var lockDuration: Duration
    /// How often a job may stall and still be run again.
    public var maxStalls: Int
    /// How long, how many, and how many bytes of finished jobs are kept; the oldest go first.
    public var keepFinishedFor: Duration
    public var maxFinished: Int
    public var maxFinishedBytes: Int

    public init(
        maxQueued: Int = 1_000, maxQueuedBytes: Int = 256 << 20, maxWaiters: Int = 10_000,
        maxFollowers: Int = 256, lockDuration: Duration = .seconds(30), maxStalls: Int = 1,
        keepFinishedFor: Duration = .seconds(3_600),
        maxFinished: Int = 10_000, maxFinishedBytes: Int = 256 << 20
    ) {
        self.maxQueued = maxQueued
        self.maxQueuedBytes = maxQueuedBytes
        self.maxWaiters = maxWaiters
        self.maxFollowers = maxFollowers
        self.lockDuration = lockDuration
        self.maxStalls = maxStalls
        self.keepFinishedFor = keepFinishedFor
        self.maxFinished = maxFinished
        self.maxFinishedBytes = maxFinishedBytes
    }
}
