import Foundation

/// Where a queue gets its time from, so that tests need not wait for it.
public protocol QueueClock: Sendable {
    /// The time of day, for what people read.
    var date: Date { get }
    /// Time since some fixed moment, which nobody sets back: for deadlines and durations.
    var uptime: Duration { get }
    /// Returns once `uptime` has reached `deadline`.
    /// - Throws: `CancellationError`.
    func sleep(until deadline: Duration) async throws
}

/// The time of this machine.
public struct SystemClock: QueueClock {
    private let origin = ContinuousClock.now

    public init() {}

    public var date: Date { Date() }

    public var uptime: Duration { ContinuousClock.now - origin }

    public func sleep(until deadline: Duration) async throws {
        try await Task.sleep(until: origin + deadline, tolerance: nil, clock: .continuous)
    }
}
