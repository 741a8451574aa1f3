import Foundation

/// A queue in Redis at one moment, for its operator. Unlike `QueueCounts` it counts every client's jobs by BullMQ's states.
public struct QueueStatus: Sendable, Equatable {
    /// Waiting, without those whose time has not come.
    public var waiting: Int
    /// Waiting for their time: put off by their producer, or for another attempt.
    public var delayed: Int
    public var running: Int
    public var completed: Int
    public var failed: Int
    public var isPaused: Bool
    /// How many may run at once in all workers together; nil for any number.
    public var concurrency: Int?
    /// When the job was added that is next.
    public var nextAddedAt: Date?
    /// Jobs taken a second since the line was last empty; nil where it is empty, or nobody counted.
    public var takenPerSecond: Double?
}
