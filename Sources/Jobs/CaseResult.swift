/// What was made of one case.
public enum CaseVerdict: Sendable, Equatable {
    /// Ended with the status ok, and printed what was expected where anything was.
    case accepted
    /// Ended with the status ok, and printed something else.
    case wrongAnswer
    /// Ended in another way.
    case status(Status)
    /// Not run, or not to its end.
    case skipped

    /// The word on the wire.
    public var text: String {
        switch self {
        case .accepted: "accepted"
        case .wrongAnswer: "wrong_answer"
        case .status(let status): status.rawValue
        case .skipped: "skipped"
        }
    }

    /// - Returns: nil for an unknown word.
    init?(text: String) {
        switch text {
        case "accepted": self = .accepted
        case "wrong_answer": self = .wrongAnswer
        case "skipped": self = .skipped
        default:
            guard let status = Status(rawValue: text) else { return nil }
            self = .status(status)
        }
    }
}

/// How one case went. The fields of its program are its own as well.
@dynamicMemberLookup
public struct CaseResult: Sendable, Equatable {
    public var name: String?
    /// Nil where it was skipped.
    public var status: Status?
    public var verdict: CaseVerdict
    public var program: ProgramRecord
    public var evidence: CaseEvidence

    public init(
        name: String? = nil, status: Status?, verdict: CaseVerdict, program: ProgramRecord = ProgramRecord(),
        evidence: CaseEvidence = CaseEvidence()
    ) {
        self.name = name
        self.status = status
        self.verdict = verdict
        self.program = program
        self.evidence = evidence
    }

    public subscript<Value>(dynamicMember member: WritableKeyPath<ProgramRecord, Value>) -> Value {
        get { program[keyPath: member] }
        set { program[keyPath: member] = newValue }
    }

    /// A case that was not run.
    public init(skipped testCase: TestCase) {
        self.init(name: testCase.name, status: nil, verdict: .skipped)
    }
}

/// What of the evidence differs from case to case; the rest is in that of the whole job.
public struct CaseEvidence: Sendable, Equatable {
    public var firedLimit: String?
    public var firedAtMs: Double?
    public var start: Evidence.Start?
    public var contended: Bool

    public init(
        firedLimit: String? = nil, firedAtMs: Double? = nil, start: Evidence.Start? = nil, contended: Bool = false
    ) {
        self.firedLimit = firedLimit
        self.firedAtMs = firedAtMs
        self.start = start
        self.contended = contended
    }

    public init(_ evidence: Evidence) {
        self.init(
            firedLimit: evidence.firedLimit, firedAtMs: evidence.firedAtMs, start: evidence.start,
            contended: evidence.contended)
    }
}

/// What the result of a job with cases has besides.
public struct CaseResults: Sendable, Equatable {
    /// In the order of the request's cases. A result that was shortened may have fewer than `summary.total`.
    public var results: [CaseResult]
    public var summary: Summary

    /// How many came to what.
    public struct Summary: Sendable, Equatable {
        public var total: Int
        public var accepted: Int
        /// Run and not accepted.
        public var failed: Int
        public var skipped: Int
        /// The index of the first that was run and not accepted.
        public var firstFailed: Int?
        /// Milliseconds of CPU of all of them together.
        public var cpuTimeMs: Double
    }

    public init(_ results: [CaseResult]) {
        self.init(
            results: results,
            summary: Summary(
                total: results.count, accepted: results.count { $0.verdict == .accepted },
                failed: results.count { $0.isFailed }, skipped: results.count { $0.verdict == .skipped },
                firstFailed: results.firstIndex { $0.isFailed },
                // To the microsecond, like what it is made of.
                cpuTimeMs: (results.reduce(0) { $0 + $1.cpuTimeMs } * 1_000).rounded() / 1_000))
    }

    init(results: [CaseResult], summary: Summary) {
        self.results = results
        self.summary = summary
    }

    /// The results of cases of which none was run.
    public init(skipped cases: TestCases) {
        self.init(cases.list.map(CaseResult.init(skipped:)))
    }

    /// See `ExecutionResult.approximateBytes`.
    var approximateBytes: Int {
        results.reduce(0) {
            $0 + 512 + ($1.name?.utf8.count ?? 0) + $1.program.textBytes
        }
    }
}

extension CaseResult {
    fileprivate var isFailed: Bool { verdict != .accepted && verdict != .skipped }
}
