/// How long things took, in series of which all are known from the start. To observe is a search of some bounds and two
/// additions.
public final class Histograms: Sendable {
    private let name: String
    private let help: String
    private let series: [[Family.Label]]
    /// Upper bounds in nanoseconds, in their order.
    private let bounds: [UInt64]
    /// Of each series: one for each bound, one for what is above all, and the sum of nanoseconds.
    private let cells: AtomicCells

    /// - Parameters:
    ///   - name: with `_seconds` at its end.
    ///   - help: one sentence for people.
    ///   - bounds: upper bounds of the buckets in seconds, in their order.
    ///   - series: the labels of each; one without labels by default.
    public init(_ name: String, help: String, bounds: [Double], series: [[Family.Label]] = [[]]) {
        self.name = name
        self.help = help
        self.series = series
        self.bounds = bounds.map { UInt64(($0 * 1e9).rounded()) }
        cells = AtomicCells(count: series.count * (bounds.count + 2))
    }

    /// One series for each of a label's values.
    public convenience init(_ name: String, help: String, bounds: [Double], label: String, values: [String]) {
        self.init(name, help: help, bounds: bounds, series: values.map { [Family.Label(label, $0)] })
    }

    /// Bounds from `least` upwards in steps of about two, to `most`: 1, 2.5, 5, 10, …
    public static func steps(from least: Double, to most: Double) -> [Double] {
        var bounds: [Double] = []
        var decade = least
        while true {
            for factor in [1, 2.5, 5] {
                // To the nanosecond, or the product's last digits would be read in every label.
                let bound = (decade * factor * 1e9).rounded() / 1e9
                if bound > most { return bounds }
                bounds.append(bound)
            }
            decade *= 10
        }
    }

    /// - Parameters:
    ///   - nanoseconds: how long.
    ///   - index: of the series, in the order that `init` was given.
    public func observe(nanoseconds: UInt64, at index: Int = 0) {
        var bucket = 0
        while bucket < bounds.count, bounds[bucket] < nanoseconds { bucket += 1 }
        let first = index * (bounds.count + 2)
        cells.add(1, at: first + bucket)
        cells.add(nanoseconds, at: first + bounds.count + 1)
    }

    public func observe(_ duration: Duration, at index: Int = 0) {
        let (seconds, attoseconds) = duration.components
        // A clock that was set back took no time.
        guard seconds >= 0, attoseconds >= 0 else { return observe(nanoseconds: 0, at: index) }
        observe(nanoseconds: UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000), at: index)
    }

    public func observe(milliseconds: Double, at index: Int = 0) {
        observe(nanoseconds: UInt64(exactly: (max(0, milliseconds) * 1e6).rounded()) ?? 0, at: index)
    }

    public var family: Family {
        var samples: [Family.Sample] = []
        for (index, labels) in series.enumerated() {
            let first = index * (bounds.count + 2)
            var count: UInt64 = 0
            for (bucket, bound) in bounds.enumerated() {
                count += cells[first + bucket]
                samples.append(
                    Family.Sample(
                        suffix: "_bucket",
                        labels: labels + [Family.Label("le", Exposition.number(Double(bound) / 1e9))],
                        value: Double(count)))
            }
            // The sum of the buckets, and not a count of its own: the two must agree at every moment.
            count += cells[first + bounds.count]
            samples.append(
                Family.Sample(suffix: "_bucket", labels: labels + [Family.Label("le", "+Inf")], value: Double(count)))
            let sum = Double(cells[first + bounds.count + 1]) / 1e9
            samples.append(Family.Sample(suffix: "_sum", labels: labels, value: sum))
            samples.append(Family.Sample(suffix: "_count", labels: labels, value: Double(count)))
        }
        return Family(name, .histogram, help: help, samples: samples)
    }
}
