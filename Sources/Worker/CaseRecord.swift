import Isolation
import Jobs

/// What came of a job's cases so far, and what the job's result makes of it.
struct CaseRecord {
    private let cases: TestCases
    private let limits: Limits
    private let encoding: OutputEncoding
    private var results: [CaseResult]
    private var evidence: [Int: Evidence] = [:]
    private var kept: KeptOutput
    private var setupTimes: [Int: Double] = [:]
    /// Whether the job was told to stop before all was run.
    var isCancelled = false
    /// How long all cases may take together, where some did not come to their end for it.
    private var exceededTime: Duration?

    init(cases: TestCases, limits: Limits, encoding: OutputEncoding, keptBytes: Int) {
        self.cases = cases
        self.limits = limits
        self.encoding = encoding
        results = cases.list.map(CaseResult.init(skipped:))
        kept = KeptOutput(most: keptBytes)
    }

    mutating func note(_ run: CaseRun, of index: Int) {
        let (outcome, verdict) = (run.outcome, run.verdict)
        results[index] = CaseResult(
            name: cases.list[index].name, status: verdict.status, verdict: run.judgement,
            program: ProgramRecord(outcome, verdict), evidence: CaseEvidence(verdict.evidence))
        evidence[index] = verdict.evidence
        setupTimes[index] = outcome.setupTime.milliseconds
        kept.keep(.init(output: outcome.standardOutput.bytes, error: outcome.standardError.bytes), of: index)
    }

    mutating func note(_ error: IsolationError, of index: Int) {
        results[index].status = .internalError
        results[index].verdict = .status(.internalError)
        results[index].message = error.message
    }

    /// Says of what was not run to its end why that is.
    /// - Parameters:
    ///   - limit: how long all cases may take together.
    ///   - isWanted: whether a case was to be run.
    mutating func endForTime(_ limit: Duration, where isWanted: (Int) -> Bool) {
        for index in results.indices where isWanted(index) && results[index].verdict == .skipped {
            results[index].message = "not run to its end: \(Self.words(limit)) for all cases were over"
            exceededTime = limit
        }
    }

    private static func words(_ limit: Duration) -> String { "the \(Int(limit / .milliseconds(1))) ms" }

    /// Lets go of what was run but is not wanted any more.
    mutating func drop(where isUnwanted: (Int) -> Bool) {
        for index in evidence.keys.filter(isUnwanted) {
            results[index] = CaseResult(skipped: cases.list[index])
            evidence[index] = nil
            setupTimes[index] = nil
            kept.drop(index)
        }
    }

    /// Puts the cases into the job's result, and what they have in common where a job without cases has its own.
    func fill(_ result: inout ExecutionResult) {
        let results = results.indices.map(finished)
        result.cases = CaseResults(results)
        // The first that did not run well stands for the job; before it, one that ended the job as a whole.
        func first(_ condition: (Status) -> Bool) -> Int? { results.firstIndex { $0.status.map(condition) ?? false } }
        let ended = first { $0 == .internalError } ?? first { $0 == .cancelled }
        let first = ended ?? (isCancelled || exceededTime != nil ? nil : first { $0 != .ok })
        result.status = first.flatMap { results[$0].status } ?? (isCancelled ? .cancelled : .ok)
        result.exitCode = first.map { results[$0].exitCode } ?? (result.status == .ok ? 0 : nil)
        result.signal = first.flatMap { results[$0].signal }
        result.message =
            first.flatMap { index in results[index].message.map { "case \(index): \($0)" } }
            ?? (isCancelled ? "cancelled between two cases" : nil)
        result.wallTimeMs = results.map(\.wallTimeMs).max() ?? 0
        result.cpuTimeMs = results.map(\.cpuTimeMs).max() ?? 0
        result.memoryBytes = results.map(\.memoryBytes).max() ?? 0
        result.setupTimeMs = setupTimes.values.max() ?? 0
        result.evidence = wholeEvidence(ofFirst: first)
        if ended == nil, let exceededTime {
            result.status = .wallTimeLimit
            result.exitCode = nil
            result.message = "\(Self.words(exceededTime)) for all its cases were over before each had come to its end"
            result.evidence.firedLimit = "jobTimeMs"
            result.evidence.firedAtMs = exceededTime.milliseconds
        }
    }

    private func finished(_ index: Int) -> CaseResult {
        var result = results[index]
        guard evidence[index] != nil else { return result }
        let streams = kept[index]
        result.program.show(output: streams.output, error: streams.error, encoding)
        return result
    }

    /// Peaks are the largest of any case, counts the sums of all; what fired is of the case that stands for the job.
    private func wholeEvidence(ofFirst first: Int?) -> Evidence {
        var whole = Evidence()
        var calls: [String: Int] = [:]
        for (_, evidence) in evidence.sorted(by: { $0.key < $1.key }) where evidence.limits != nil {
            whole.limits = limits
            whole.start = whole.start ?? evidence.start
            whole.contended = whole.contended || evidence.contended
            whole.peak.formMaximum(evidence.peak)
            whole.events.oomKill += evidence.events.oomKill
            whole.events.pidsMax += evidence.events.pidsMax
            whole.events.throttledMs += evidence.events.throttledMs
            for call in evidence.deniedSyscalls { calls[call.name, default: 0] += call.count }
        }
        whole.events.throttledMs = (whole.events.throttledMs * 1_000).rounded() / 1_000
        whole.deniedSyscalls = calls.map { .init(name: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        whole.firedLimit = first.flatMap { evidence[$0]?.firedLimit }
        whole.firedAtMs = first.flatMap { evidence[$0]?.firedAtMs }
        return whole
    }
}

extension Evidence.Peak {
    fileprivate mutating func formMaximum(_ other: Self) {
        for field in [\Self.memoryBytes, \.processes, \.diskBytes, \.inodes] {
            self[keyPath: field] = [self[keyPath: field], other[keyPath: field]].compactMap { $0 }.max()
        }
    }
}
