import Foundation
import JobQueue
import Synchronization

/// Time that stands still until a test moves it.
public final class ManualClock: QueueClock {
    private struct State {
        var now: Duration = .zero
        var lastTicket = 0
        var observer: @Sendable (Duration) -> Void = { _ in }
        var sleepers: [Int: (deadline: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state = Mutex(State())

    public var uptime: Duration { state.withLock(\.now) }

    public var date: Date { Date(timeIntervalSince1970: 1_700_000_000 + uptime / .seconds(1)) }

    public init() {}

    /// How many sleep now.
    public var sleepers: Int { state.withLock { $0.sleepers.count } }

    /// Calls `observer` with each step of time before anybody is woken: for what has a clock of its own.
    public func whenAdvanced(_ observer: @escaping @Sendable (Duration) -> Void) {
        state.withLock { $0.observer = observer }
    }

    /// Moves time and wakes whoever slept until then.
    public func advance(by duration: Duration) {
        let observer = state.withLock { state in
            state.now += duration
            return state.observer
        }
        observer(duration)
        let woken = state.withLock { state in
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    public func sleep(until deadline: Duration) async throws {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isDue = state.withLock { state in
                    // Under the lock, so that a cancellation either is seen here or finds the sleeper.
                    if Task.isCancelled { return Result<Bool, any Error>.failure(CancellationError()) }
                    if deadline <= state.now { return .success(true) }
                    state.sleepers[ticket] = (deadline, continuation)
                    return .success(false)
                }
                switch isDue {
                case .success(true): continuation.resume()
                case .success(false): break
                case .failure(let error): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: ticket) }?.continuation.resume(
                throwing: CancellationError())
        }
    }
}
