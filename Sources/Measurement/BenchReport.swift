/// What one run of `bulkhead bench` measured. Times are microseconds unless their name says otherwise.
public struct BenchReport: Sendable, Equatable, Codable {
    /// When it was measured, by the machine's clock (ISO 8601, UTC).
    public var date: String
    /// What it was measured on, in one line.
    public var machine: String
    public var sections: [Section]

    public init(date: String, machine: String, sections: [Section] = []) {
        self.date = date
        self.machine = machine
        self.sections = sections
    }

    /// Rows that were measured side by side, in turn. Rows of different sections, or runs, do not compare as well.
    public struct Section: Sendable, Equatable, Codable {
        public var title: String
        /// The command that measures these rows.
        public var command: String
        /// How many rounds count; nil where that is no measure of it.
        public var rounds: Int?
        /// What its rows are compared with: the name of one of them, or nil.
        public var baseline: String?
        public var rows: [Row]
        /// Sentences about how it was measured and what the figures mean.
        public var notes: [String]

        public init(
            title: String, command: String, rounds: Int? = nil, baseline: String? = nil, rows: [Row] = [],
            notes: [String] = []
        ) {
            self.title = title
            self.command = command
            self.rounds = rounds
            self.baseline = baseline
            self.rows = rows
            self.notes = notes
        }

        /// The median of the row that the others are compared with.
        public var baselineMedian: Double? { rows.first { $0.name == baseline }?.wall?.p50 }
    }

    /// One thing that was measured. What is nil was not measured for it.
    public struct Row: Sendable, Equatable, Codable {
        public var name: String
        /// From the start to the answer.
        public var wall: Distribution?
        /// User and system time of one run, of the process that measures and all that it started.
        public var cpu: Double?
        /// Time of kernel threads for one run: what the kernel does afterwards, such as taking down a network namespace.
        public var kernel: Double?
        public var rates: [Rate]
        /// Figures of other kinds, such as bytes, by name and in a unit of their own.
        public var figures: [Figure]
        /// What a program was started with, where that is no option of ours, or what it lacks.
        public var remark: String?

        public init(
            name: String, wall: Distribution? = nil, cpu: Double? = nil, kernel: Double? = nil, rates: [Rate] = [],
            figures: [Figure] = [], remark: String? = nil
        ) {
            self.name = name
            self.wall = wall
            self.cpu = cpu
            self.kernel = kernel
            self.rates = rates
            self.figures = figures
            self.remark = remark
        }
    }

    /// How many were done per second with so many at once.
    public struct Rate: Sendable, Equatable, Codable {
        public var atOnce: Int
        public var perSecond: Double

        public init(atOnce: Int, perSecond: Double) {
            self.atOnce = atOnce
            self.perSecond = perSecond
        }
    }

    public struct Figure: Sendable, Equatable, Codable {
        /// The column's heading, the unit in it.
        public var name: String
        public var value: Double

        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }
}
