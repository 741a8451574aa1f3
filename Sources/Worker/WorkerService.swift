import Foundation
import JobQueue
import Jobs
import Logging
import ServiceLifecycle

/// Takes jobs from a queue, as many at once as the engine has slots, and reports what came of them.
public struct WorkerService: Service {
    private let queue: any JobQueue
    private let runner: JobRunner
    private let name: String
    private let concurrency: Int
    private let logger: Logger
    private let canRunElsewhere: (@Sendable (Data) async -> Bool)?
    private let threads: WorkerThreads?
    private let metrics: JobMetrics
    private let audit: AuditLog?
    private let keeper: LeaseKeeper

    /// - Parameters:
    ///   - queue: where jobs come from.
    ///   - runner: runs them.
    ///   - name: under which jobs are held.
    ///   - concurrency: how many at once.
    ///   - logger: never sees code, input or output.
    ///   - canRunElsewhere: whether another worker could run a request that this one cannot; nil where there is no other.
    ///   - threads: where its tasks run; nil for Swift's own pool.
    ///   - metrics: counts jobs.
    ///   - audit: gets a line for each job; nil for none.
    public init(
        queue: any JobQueue, runner: JobRunner, name: String, concurrency: Int, logger: Logger,
        canRunElsewhere: (@Sendable (Data) async -> Bool)? = nil, threads: WorkerThreads? = nil,
        metrics: JobMetrics = JobMetrics(jobs: JobCounter(languages: [])), audit: AuditLog? = nil
    ) {
        self.queue = queue
        self.runner = runner
        self.name = name
        self.concurrency = concurrency
        self.logger = logger
        self.canRunElsewhere = canRunElsewhere
        self.threads = threads
        self.metrics = metrics
        self.audit = audit
        keeper = LeaseKeeper(queue: queue, logger: logger)
    }

    /// Works until the queue is closed. At a graceful shutdown the queue is drained by whoever serves its clients; jobs
    /// that run are finished.
    public func run() async throws {
        try await withTaskExecutorPreference(threads?.anywhere) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<concurrency { group.addTask { try await workUntilClosed() } }
                try await group.waitForAll()
            }
        }
        logFigures()
        // The queue is closed by the server at its shutdown. A service that ended before it was told to would count as
        // one that failed.
        do { try await gracefulShutdown() } catch is CancellationError {}
    }

    /// What was spared and what had to wait, once at the end.
    private func logFigures() {
        let figures = runner.figures
        if let cache = figures.compileCache {
            logger.info(
                "compilations",
                metadata: [
                    "hits": "\(cache.hits)", "misses": "\(cache.misses)", "evictions": "\(cache.evictions)",
                    "entries": "\(cache.entries)", "bytes": "\(cache.bytes)", "compilers": "\(figures.compilers)",
                ])
        } else {
            logger.info("compilations", metadata: ["compilers": "\(figures.compilers)"])
        }
        if let memory = figures.memory {
            logger.info("memory of programs", metadata: ["peak": "\(memory.peak)", "waits": "\(memory.waits)"])
        }
    }

    private func workUntilClosed() async throws {
        while true {
            if !runner.engineIsUsable { await waitUntilUsable() }
            let lease: Lease
            do {
                lease = try await queue.take(by: name)
            } catch {
                switch error.code {
                case .closed, .interrupted: return
                default: throw error
                }
            }
            // On the thread that brought it, which may be the one that waits for its result.
            await withTaskExecutorPreference(threads?.here()) { await perform(lease) }
        }
    }

    /// Leaves the jobs where they are, for other workers or for later, while the engine can run none. A shutdown ends the
    /// wait: the jobs that are left then end as the engine says.
    private func waitUntilUsable() async {
        do {
            try await cancelWhenGracefulShutdown {
                while !runner.engineIsUsable, !runner.engineHasEnded { try await Task.sleep(for: .milliseconds(100)) }
            }
        } catch {
            // The shutdown, or a cancelled task, which the queue tells as well.
        }
    }

    private func perform(_ lease: Lease) async {
        let begun = ContinuousClock.now
        var logger = logger
        if let requestID = lease.requestID { logger[metadataKey: "request"] = "\(requestID)" }
        // Should this process die, its log says which jobs it had.
        logger.info("job begun", metadata: ["job": "\(lease.id)", "attempt": "\(lease.attempt)"])
        keeper.begin(lease)
        let executor = threads?.here()
        let job = Task(executorPreference: executor) { await attempt(lease) }
        let listener = Task(executorPreference: executor) { [logger] in
            for await signal in lease.signals {
                logger.info("job \(signal)", metadata: ["job": "\(lease.id)"])
                job.cancel()
            }
        }
        // A worker that is stopped rather than shut down does not wait for programs to end by themselves.
        let (outcome, request) = await withTaskCancellationHandler {
            await job.value
        } onCancel: {
            job.cancel()
        }
        keeper.end(lease)
        listener.cancel()
        let isAccepted = await report(outcome, of: lease, logger)
        guard let result = outcome.result else { return }
        metrics.ended(result, total: lease.queueTime + (.now - begun), isAccepted: isAccepted)
        await note(result, of: lease, request, isAccepted: isAccepted)
    }

    /// Puts down what came of a job.
    /// - Returns: whether the queue took it.
    private func report(_ outcome: JobOutcome, of lease: Lease, _ logger: Logger) async -> Bool {
        do {
            switch outcome {
            case .completed(let result):
                try await queue.complete(lease.token, with: result)
                logger.info(
                    "job finished",
                    metadata: [
                        "job": "\(lease.id)", "attempt": "\(lease.attempt)", "status": "\(result.status.rawValue)",
                        "language": "\(result.language)",
                        "wallTimeMs": "\(result.wallTimeMs)",
                    ])
            case .failed where runner.engineHasEnded:
                // This process is about to end as well. Its lease runs out, and whoever finds the job runs it again.
                logger.warning("job left behind", metadata: ["job": "\(lease.id)", "attempt": "\(lease.attempt)"])
                return false
            case .failed(let reason, let result, let mayRetry):
                let fate = try await queue.fail(lease.token, reason: reason, result: result, mayRetry: mayRetry)
                logger.warning(
                    "job failed",
                    metadata: [
                        "job": "\(lease.id)", "attempt": "\(lease.attempt)", "reason": "\(reason)", "fate": "\(fate)",
                    ])
            case .notForHere(let reason):
                try await queue.passOn(lease.token)
                logger.info(
                    "job passed on",
                    metadata: ["job": "\(lease.id)", "attempt": "\(lease.attempt)", "reason": "\(reason)"])
            }
            return true
        } catch {
            // Somebody else has the job by now, or it was finished for us: our word no longer counts.
            logger.warning(
                "result refused",
                metadata: ["job": "\(lease.id)", "attempt": "\(lease.attempt)", "reason": "\(error)"])
            return false
        }
    }

    /// Writes the job's line into the audit log. Its answer is on its way by now; the next job here waits for the line.
    private func note(
        _ result: ExecutionResult, of lease: Lease, _ request: ExecutionRequest?, isAccepted: Bool
    ) async {
        guard let audit else { return }
        let record = AuditRecord(
            time: Date(), requestID: lease.requestID, keyName: lease.ownerName, body: lease.request, request: request,
            // An invalid request's word for it may be anything.
            language: request.map { _ in result.language }, result: result, isAccepted: isAccepted)
        await audit.write { record.json }
    }

    private enum JobOutcome: Sendable {
        case completed(ExecutionResult)
        case failed(reason: String, ExecutionResult, mayRetry: Bool)
        /// Another worker has the language or the limits that this one lacks.
        case notForHere(reason: String)

        /// What came of the attempt; nil where there was none.
        var result: ExecutionResult? {
            switch self {
            case .completed(let result), .failed(_, let result, _): result
            case .notForHere: nil
            }
        }
    }

    /// Every problem of a request in one line.
    private static func words(for error: RequestProblems) -> String {
        error.problems.map { "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
    }

    /// Runs a job once.
    /// - Returns: what came of it, and the request where it was valid and the audit log will want it.
    private func attempt(_ lease: Lease) async -> (JobOutcome, ExecutionRequest?) {
        let request: ExecutionRequest
        do {
            request = try runner.read(lease.request)
        } catch {
            return (await refusal(of: lease, error), nil)
        }
        let audited = audit == nil ? nil : request
        do {
            let result = try await runner.runInSlot(request, circumstances(of: lease), live: LiveJob(lease))
            if result.status.isVerdict { return (.completed(result), audited) }
            // Of an interactive job what was sent may have been read; the reason for its end would only be hidden.
            let mayRetry = result.status == .internalError && lease.input == nil
            return (
                .failed(reason: result.message ?? result.status.rawValue, result, mayRetry: mayRetry), audited
            )
        } catch {
            return (await refusal(of: lease, error), audited)
        }
    }

    private func circumstances(of lease: Lease) -> JobRunner.Circumstances {
        JobRunner.Circumstances(id: lease.id, queueTimeMs: lease.queueTime.milliseconds, attempt: lease.attempt)
    }

    /// What becomes of a job whose request this worker does not run.
    private func refusal(of lease: Lease, _ error: RequestProblems) async -> JobOutcome {
        let reason = "invalid request: \(Self.words(for: error))"
        // Of another worker the same would be true.
        let isForNobody = error.problems.contains { $0.pointer == LiveJob.pointer }
        if !isForNobody, let canRunElsewhere, await canRunElsewhere(lease.request) {
            return .notForHere(reason: reason)
        }
        // Never retried: the request will not become valid.
        let result = ExecutionResult(
            notRun: lease.id, status: .internalError, message: reason, request: lease.request,
            attempt: lease.attempt, queueTimeMs: circumstances(of: lease).queueTimeMs, worker: name)
        return .failed(reason: reason, result, mayRetry: false)
    }
}
