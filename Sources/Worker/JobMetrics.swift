import Jobs
import Telemetry

/// What became of jobs here, and how long each part took. Some twenty additions for each job, none of them under a lock.
public final class JobMetrics: Sendable {
    private enum Phase: Int, CaseIterable {
        case queue, setup, compile, run, total
    }

    /// What jobs came to, those that ended in the queue among them.
    public let jobs: JobCounter
    private let phases: Histograms
    private let setups: Histograms
    private let oomKills: Counters
    private let deniedCalls: Counters
    private let refusedResults: Counters

    /// - Parameter jobs: counts the jobs themselves.
    public init(jobs: JobCounter) {
        self.jobs = jobs
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
        jobs.add(result)
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
        jobs.families() + [phases.family, setups.family, oomKills.family, deniedCalls.family, refusedResults.family]
    }
}
