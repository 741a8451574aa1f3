import Synchronization

/// So many in a second, or in a minute.
public struct Rate: Sendable, Equatable, CustomStringConvertible {
    public enum Unit: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"

        var seconds: Double { self == .second ? 1 : 60 }
    }

    public let count: Int
    public let unit: Unit

    /// Nil unless `count` is from 1 to a million.
    public init?(count: Int, unit: Unit) {
        guard (1...1_000_000).contains(count) else { return nil }
        self.count = count
        self.unit = unit
    }

    /// Reads `10/s` or `600/m`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]),
            let unit = Unit(rawValue: String(parts[1]))
        else { return nil }
        self.init(count: count, unit: unit)
    }

    public var description: String { "\(count)/\(unit.rawValue)" }

    var perSecond: Double { Double(count) / unit.seconds }
}

/// A token bucket: `rate.count` at once, and then as they come back, evenly over the time.
public final class TokenBucket: Sendable {
    private struct State {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    public let rate: Rate
    private let state: Mutex<State>

    /// Full.
    public init(_ rate: Rate, now: ContinuousClock.Instant = .now) {
        self.rate = rate
        state = Mutex(State(tokens: Double(rate.count), at: now))
    }

    /// Takes more tokens for what had the first, also where they are not there: then it is as long until the next is.
    /// - Parameter count: how many.
    public func takeMore(_ count: Int) {
        state.withLock { $0.tokens -= Double(count) }
    }

    /// Takes one token, or none. Looking and taking are one step.
    /// - Returns: nil where one was taken, else how long it is until there is one.
    public func take(now: ContinuousClock.Instant = .now) -> Duration? {
        state.withLock { state in
            // Callers on several threads may bring their times in another order than they come in.
            let elapsed = max(.zero, now - state.at)
            state.tokens = min(Double(rate.count), state.tokens + elapsed / .seconds(1) * rate.perSecond)
            state.at = max(state.at, now)
            guard state.tokens < 1 else {
                state.tokens -= 1
                return nil
            }
            return .seconds((1 - state.tokens) / rate.perSecond)
        }
    }
}
