/// Why a queue did not do what it was asked.
public struct QueueError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of refusal; more may come.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case full, ownerBusy, ownerFull, duplicateJob, keyReused, unknownJob, staleLease, closed, interrupted,
                tooManyWaiters, unavailable
        }

        private let kind: Kind

        /// No room for another job.
        public static let full = Code(kind: .full)
        /// As many jobs of the owner wait or run as may at once.
        public static let ownerBusy = Code(kind: .ownerBusy)
        /// As many jobs of the owner wait as may at once.
        public static let ownerFull = Code(kind: .ownerFull)
        /// A job of this id is there already, waiting, running or finished.
        public static let duplicateJob = Code(kind: .duplicateJob)
        /// The idempotency key belongs to another request.
        public static let keyReused = Code(kind: .keyReused)
        public static let unknownJob = Code(kind: .unknownJob)
        /// The lease ran out, or its job is finished.
        public static let staleLease = Code(kind: .staleLease)
        /// The queue shuts down.
        public static let closed = Code(kind: .closed)
        /// The task that waited was cancelled.
        public static let interrupted = Code(kind: .interrupted)
        public static let tooManyWaiters = Code(kind: .tooManyWaiters)
        /// What holds the jobs is out of reach.
        public static let unavailable = Code(kind: .unavailable)

        public var description: String { kind.rawValue }
    }

    public let code: Code
    /// For people; without any part of a job's request.
    public let detail: String
    /// When to come again, where that is known.
    public let retryAfter: Duration?

    public init(_ code: Code, _ detail: String, retryAfter: Duration? = nil) {
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var description: String { "\(code): \(detail)" }
}
