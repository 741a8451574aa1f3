/// All series of one metric at one moment, as a scrape sees them.
public struct Family: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    public struct Label: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Sample: Sendable, Equatable {
        /// What stands behind the family's name: `_bucket`, `_sum` and `_count` of a histogram.
        public var suffix: String
        public var labels: [Label]
        public var value: Double

        public init(suffix: String = "", labels: [Label] = [], value: Double) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// In base units, as https://prometheus.io/docs/practices/naming/ has it.
    public var name: String
    /// One sentence for people.
    public var help: String
    public var kind: Kind
    public var samples: [Sample]

    public init(_ name: String, _ kind: Kind, help: String, samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A metric without labels.
    public init(_ name: String, _ kind: Kind, help: String, value: some BinaryInteger) {
        self.init(name, kind, help: help, value: Double(value))
    }

    /// A metric without labels.
    public init(_ name: String, _ kind: Kind, help: String, value: Double) {
        self.init(name, kind, help: help, samples: [Sample(value: value)])
    }

    /// A metric with one label.
    public init(_ name: String, _ kind: Kind, help: String, label: String, values: KeyValuePairs<String, Double>) {
        self.init(
            name, kind, help: help,
            samples: values.map { Sample(labels: [Label(label, $0.key)], value: $0.value) })
    }
}
