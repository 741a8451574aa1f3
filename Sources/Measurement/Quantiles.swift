extension [Double] {
    /// The value that a share of the samples, from 0 for the least to 1 for the largest, does not exceed; there must be some.
    public func quantile(_ share: Double) -> Double {
        let sorted = sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// How long something took, from many samples, in microseconds.
public struct Distribution: Sendable, Equatable, Codable {
    public var p50: Double
    public var p95: Double
    public var p99: Double
    public var least: Double
    /// How many samples it is of.
    public var samples: Int

    /// Nil where there is no sample.
    public init?(_ microseconds: [Double]) {
        guard !microseconds.isEmpty else { return nil }
        p50 = microseconds.quantile(0.5)
        p95 = microseconds.quantile(0.95)
        p99 = microseconds.quantile(0.99)
        least = microseconds.quantile(0)
        samples = microseconds.count
    }
}
