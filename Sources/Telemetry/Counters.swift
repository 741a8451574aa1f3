/// A metric that only grows, in series of which all are known from the start: no value of a label is ever a stranger's word.
///
/// Every series is there from the first scrape, with 0, so that a rate sees the first event.
public final class Counters: Sendable {
    private let name: String
    private let help: String
    private let series: [[Family.Label]]
    private let cells: AtomicCells

    /// - Parameters:
    ///   - name: with `_total` at its end.
    ///   - help: one sentence for people.
    ///   - series: the labels of each; one without labels by default.
    public init(_ name: String, help: String, series: [[Family.Label]] = [[]]) {
        self.name = name
        self.help = help
        self.series = series
        cells = AtomicCells(count: series.count)
    }

    /// One series for each of a label's values.
    public convenience init(_ name: String, help: String, label: String, values: [String]) {
        self.init(name, help: help, series: values.map { [Family.Label(label, $0)] })
    }

    /// - Parameters:
    ///   - amount: how many.
    ///   - index: of the series, in the order that `init` was given.
    public func add(_ amount: Int = 1, at index: Int = 0) {
        // What could not be counted up must not count down.
        guard amount > 0 else { return }
        cells.add(UInt64(amount), at: index)
    }

    public subscript(index: Int) -> UInt64 { cells[index] }

    public var family: Family {
        Family(
            name, .counter, help: help,
            samples: series.indices.map { Family.Sample(labels: series[$0], value: Double(cells[$0])) })
    }
}
