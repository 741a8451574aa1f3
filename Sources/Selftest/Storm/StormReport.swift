import Jobs

/// What came of a storm.
public struct StormReport: Sendable {
    /// A job that did not end as it should, with all that was drawn for it.
    public struct Wrong: Sendable {
        public var index: Int
        public var draw: String
        public var expected: String
        public var ending: String
        public var reason: String

        /// The line of the report.
        public var text: String { "WRONG \(ending), expected \(expected): \(reason)\n      \(draw)" }
    }

    public internal(set) var seed: UInt64
    public internal(set) var slots: Int
    /// How many jobs there were to be.
    public internal(set) var wanted: Int
    /// How many jobs of each status there were.
    public internal(set) var statuses: [Status: Int] = [:]
    public internal(set) var wrong: [Wrong] = []
    /// What jobs left behind, or did to the engine for good.
    public internal(set) var leftovers: [String] = []
    public internal(set) var seconds: Double = 0

    init(seed: UInt64, slots: Int, wanted: Int) {
        self.seed = seed
        self.wanted = wanted
        self.slots = slots
    }

    public var jobs: Int { statuses.values.reduce(0, +) }

    /// Whether the whole storm passed and did no harm.
    public var isClean: Bool { jobs == wanted && jobs > 0 && wrong.isEmpty && leftovers.isEmpty }

    /// Looks at what an engine that has been shut down has left.
    public mutating func addLeftovers(_ left: [String]) { leftovers += left }

    private var rate: Double { seconds > 0 ? (Double(jobs) / seconds * 10).rounded() / 10 : 0 }

    /// The last lines.
    public var summary: String {
        let counts = statuses.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { "\($0.value) \($0.key.rawValue)" }
        return
            (leftovers.map { "LEFT  \($0)" } + [
                counts.joined(separator: ", "),
                "\(jobs)\(jobs < wanted ? " of \(wanted)" : "") jobs of seed \(seed) in \(slots) slots: \(wrong.count) wrong, \(leftovers.count) left behind; "
                    + "\(Int(seconds.rounded())) s, \(rate) jobs/s",
            ]).joined(separator: "\n")
    }

    public var json: JSONValue {
        .object([
            "jobs": .integer(jobs), "wanted": .integer(wanted), "seed": .string("\(seed)"), "slots": .integer(slots),
            "statuses": .object(
                JSONObject(
                    statuses.sorted { $0.key.rawValue < $1.key.rawValue }
                        .map { .init(name: $0.key.rawValue, value: .integer($0.value)) })),
            "wrong": .array(
                wrong.map {
                    .object([
                        "index": .integer($0.index), "ending": .string($0.ending), "expected": .string($0.expected),
                        "reason": .string($0.reason), "draw": .string($0.draw),
                    ])
                }),
            "leftovers": .array(leftovers.map(JSONValue.string)), "seconds": .double(seconds),
            "jobsPerSecond": .double(rate),
        ])
    }
}
