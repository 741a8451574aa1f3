import Jobs
import Telemetry

/// What became of jobs here, and how long each part took. Some twenty additions for each job, none of them under a lock.
public final class JobMetrics: Sendable {
    private enum Phase: Int, CaseIterable {
        case queue, setup, compile, run, total
    }

    /// For a language that is none of those served: such a request was refused.
    private static let otherLanguage = "other"

    private static let statuses = Dictionary(
        uniqueKeysWithValues: Status.allCases.enumerated().map { ($0.element, $0.offset) })
    private let places: [String: Int]
    private let jobs: Counters
    private let phases: Histograms
    private let setups: Histograms
    private let oomKills: Counters
    private let deniedCalls: Counters
    private let refusedResults: Counters

    /// - Parameter languages: the names of those served.
    public init(languages: [String]) {
        let names = Array(Set(languages)).sorted() + [Self.otherLanguage]
        places = Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        jobs = Counters(
            "bulkhead_jobs_total", help: "Attempts at jobs that ended here, by language and status.",
            series: names.flatMap { language in
                Status.allCases.map { [.init("language", language), .init("status", $0.rawValue)] }
            })
        let bounds = Histograms.steps(from: 0.000_1, to: 100)
        phases = Histograms(
            "bulkhead_job_phase_seconds",
            help:
                "How long the phases of a job took: queue, setup, compile, run, and total from being added to being put down.",
            bounds: bounds, label: "phase", values: Phase.allCases.map { "\($0)" })
        setups = Histograms(
            "bulkhead_job_setup_seconds",
            help: "From a free slot to the start of the program, by what it was started from: cold, slot, prestarted.",
            bounds: Histograms.steps(from: 0.000_1, to: 10), label: "start",
            values: Evidence.Start.allCases.map(\.rawValue))
        oomKills = Counters(
            "bulkhead_job_oom_kills_total", help: "Processes of jobs that the kernel's OOM killer ended.")
        deniedCalls = Counters(
            "bulkhead_job_denied_syscalls_total", help: "System calls of jobs that their policy refused.")
        refusedResults = Counters(
            "bulkhead_job_results_refused_total",
            help:
                "Results that the queue did not take: somebody else has the job by now, or the queue was out of reach.")
    }

    /// - Parameters:
    ///   - result: of one attempt.
    ///   - total: from being added to being put down.
    ///   - isAccepted: whether the queue took it.
    func ended(_ result: ExecutionResult, total: Duration, isAccepted: Bool) {
        let language = places[result.language] ?? places.count - 1
        if let status = Self.statuses[result.status] { jobs.add(at: language * Self.statuses.count + status) }
        if !isAccepted { refusedResults.add() }
        phases.observe(milliseconds: result.queueTimeMs, at: Phase.queue.rawValue)
        if let compile = result.compile, !compile.cached {
            phases.observe(milliseconds: compile.wallTimeMs, at: Phase.compile.rawValue)
        }
        // Without a start no program ran, and its zeros are no measurements.
        if let start = result.evidence.start, result.status != .compileError,
            let index = Evidence.Start.allCases.firstIndex(of: start)
        {
            phases.observe(milliseconds: result.setupTimeMs, at: Phase.setup.rawValue)
            setups.observe(milliseconds: result.setupTimeMs, at: index)
            phases.observe(milliseconds: result.wallTimeMs, at: Phase.run.rawValue)
        }
        phases.observe(total, at: Phase.total.rawValue)
        oomKills.add(result.evidence.events.oomKill)
        deniedCalls.add(result.evidence.deniedSyscalls.reduce(0) { $0 + $1.count })
    }

    public func families() -> [Family] {
        [jobs.family, phases.family, setups.family, oomKills.family, deniedCalls.family, refusedResults.family]
    }
}
