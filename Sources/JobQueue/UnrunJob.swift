import Foundation
import Jobs

/// A job that ended in the queue: no worker brought its result, because nobody began it, or nobody is left who could say
/// what came of it. Cancelled or expired as it waited, stalled too often, or refused before it was run.
public struct UnrunJob: Sendable {
    /// What whoever asks is answered.
    public let result: ExecutionResult
    /// The request as it was added; empty where it is larger than the queue takes.
    public let request: Data
    /// The id of the HTTP request that made the job; nil for jobs that came otherwise.
    public let requestID: RequestID?
    /// `JobOwner.name` of whose it is; nil for nobody's.
    public let ownerName: String?

    public init(result: ExecutionResult, request: Data, requestID: RequestID?, ownerName: String?) {
        self.result = result
        self.request = request
        self.requestID = requestID
        self.ownerName = ownerName
    }
}

/// Hears of each job that a queue ends by itself, once, from the process that ended it. What it does before it returns holds
/// up that process's part of the queue, so that no more is ever untold than the queue may hold.
public typealias UnrunJobObserver = @Sendable (UnrunJob) async -> Void
