import Foundation
import Jobs

/// What a producer wishes for its job, as far as it concerns us; read from BullMQ's field `opts`.
struct JobOptions: Sendable, Equatable {
    /// How many finished jobs to keep, and for how long.
    struct Retention: Sendable, Equatable {
        /// -1 for all, 0 for none.
        var count = -1
        /// In seconds; nil for ever.
        var age: Int?
    }

    /// How long to wait before another attempt.
    struct Delay: Sendable, Equatable {
        var isExponential: Bool
        var milliseconds: Double
        /// From 0 to 1: how much of the time is left to chance.
        var jitter: Double
    }

    var attempts = 1
    var delay: Delay?
    var onComplete = Retention()
    var onFail = Retention()
    /// Last in, first out.
    var isLIFO = false

    /// What cannot be read is as if it were not there, which is what BullMQ makes of it.
    init(json: [UInt8]?) {
        guard let json, case .object(let object)? = try? JSONValue(parsing: json) else { return }
        if let attempts = JobOptions.number(object["attempts"]), attempts >= 1 {
            self.attempts = Int(min(attempts, 1_000_000))
        }
        onComplete = JobOptions.retention(object["removeOnComplete"])
        onFail = JobOptions.retention(object["removeOnFail"])
        if case .bool(true)? = object["lifo"] { isLIFO = true }
        switch object["backoff"] {
        case .number(let number)?:
            delay = Delay(isExponential: false, milliseconds: number.double, jitter: 0)
        case .object(let backoff)?:
            var isExponential = false
            if case .string("exponential")? = backoff["type"] { isExponential = true }
            delay = Delay(
                isExponential: isExponential, milliseconds: JobOptions.number(backoff["delay"]) ?? 0,
                jitter: min(1, max(0, JobOptions.number(backoff["jitter"]) ?? 0)))
        default: break
        }
    }

    /// Milliseconds to wait after the attempt of this number, which counts from 1, failed.
    func delay(afterAttempt attempt: Int) -> Int {
        guard let delay, delay.milliseconds > 0 else { return 0 }
        // As BullMQ: the delay doubles with each attempt; jitter takes a random share off.
        let factor = delay.isExponential ? pow(2, Double(min(max(0, attempt - 1), 40))) : 1
        // A month is longer than anybody means, and far from the end of what a score can hold.
        let full = min(delay.milliseconds * factor, 2_592_000_000)
        let least = full * (1 - delay.jitter)
        return Int((least + Double.random(in: 0...1) * (full - least)).rounded())
    }

    private static func number(_ value: JSONValue?) -> Double? {
        guard case .number(let number)? = value else { return nil }
        return number.double
    }

    private static func retention(_ value: JSONValue?) -> Retention {
        switch value {
        case .bool(let removes)?: Retention(count: removes ? 0 : -1)
        case .number(let number)?: Retention(count: number.integer.map { max(-1, $0) } ?? -1)
        case .object(let object)?:
            Retention(
                count: number(object["count"]).map { Int(max(-1, min($0, 1e9))) } ?? -1,
                age: number(object["age"]).map { Int(max(0, min($0, 1e9))) })
        default: Retention()
        }
    }
}
