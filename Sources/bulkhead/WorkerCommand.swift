import ArgumentParser
import Foundation
import HTTPAPI
import Isolation
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import ServiceLifecycle
import Telemetry
import UnixSignals
import Worker

/// `bulkhead worker`: runs the jobs of a queue in Redis.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run the jobs that a queue in Redis holds, whoever put them there.",
        discussion: """
            REDIS_URL=redis://127.0.0.1:6379 sudo -E bulkhead worker
            """)

    @OptionGroup var engine: EngineOptions
    @OptionGroup var selection: QueueSelection

    @Option(Settings.slots) var slots: String?
    @Option(Settings.maxJobTime) var maxJobTime: String?

    @OptionGroup var memory: MemoryOptions
    @OptionGroup var metrics: MetricsOptions
    @Option(Settings.allowedHost) var allowedHost: [String]
    @OptionGroup var logging: LogOptions
    @OptionGroup var auditing: AuditOptions

    mutating func run() throws {
        let logger = try logging.logger()
        guard let server = try selection.redis(neededBy: "bulkhead worker") else { throw ExitCode(2) }
        let slots = try ServeCommand.slotCount(slots)
        let memory = try memory.settings()
        let caseTime = CaseTime(limit: try Settings.maxJobTime.value(maxJobTime))
        let metricsAddress = try metrics.address(allowedHosts: Settings.allowedHost.values(allowedHost))
        let audit = try auditing.open(logger: logger)
        let running = try RunningEngine.serving(engine, slots: slots, memory: memory, logger: logger)
        let manager = try running.serviceManager(logger: logger)
        let jobs = JobMetrics(jobs: JobCounter(languages: running.languages.all))
        let queue = try selection.redisQueue(
            on: server, unrun: UnrunRecords(jobs: jobs.jobs, audit: audit), logger: logger)
        try runToEnd {
            do {
                try await Self.work(
                    running, slots: slots, caseTime: caseTime, queue: queue, metricsAddress: metricsAddress, jobs: jobs,
                    audit: audit,
                    supervised: manager.map {
                        Supervised(
                            manager: $0, logger: logger, conditions: [.reached(queue, at: server)],
                            parts: [.loops, .engine(running.engine)], status: running.engine.statusLine)
                    }, logger: logger)
            } catch {
                await running.engine.shutDown()
                throw error
            }
            await running.engine.shutDown()
        }
    }

    private static func work(
        _ running: RunningEngine, slots: Int, caseTime: CaseTime, queue: RedisJobQueue, metricsAddress: MetricsAddress?,
        jobs: JobMetrics, audit: AuditLog?, supervised: Supervised?, logger: Logger
    ) async throws {
        try await running.warmUp(slots: slots)
        ServeCommand.readImagesAhead(running.images, logger: logger)
        let name = RunCommand.hostName
        let workers = LivingWorkers(queue: queue, commands: [:], logger: logger)
        let runner = running.runner(named: name, slots: slots, caseTime: caseTime)
        let worker = WorkerService(
            queue: queue, runner: runner, name: name, concurrency: slots, logger: logger,
            canRunElsewhere: { await workers.canRun($0) }, metrics: jobs, audit: audit)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let metricsAddress {
            let page = MetricsPage(
                [Figures.build, ProcessFigures.families, queue.metrics.families]
                    + running.figures(of: runner, jobs: jobs, audit: audit))
            services.append(metricsAddress.service(of: page, logger: logger))
        }
        var configuration = ServiceGroupConfiguration(
            services: services + [
                // The last come, the first to go: not announced any more, nothing more taken, what runs is finished.
                .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: QueueCloser(queue: queue), successTerminationBehavior: .gracefullyShutdownGroup),
                .init(
                    service: running.announcer(on: queue, slots: slots),
                    successTerminationBehavior: .gracefullyShutdownGroup),
            ] + supervised.services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.forServiceGroup)
        configuration.maximumGracefulShutdownDuration = .seconds(40)
        logger.info(
            "working",
            metadata: [
                "slots": "\(slots)", "uid": "\(getuid())", "memoryBudget": "\(running.shares?.budget ?? 0)",
                "languages": "\(running.languages.all.map(\.name).joined(separator: " "))",
            ])
        try await ServiceGroup(configuration: configuration).run()
    }
}

extension RunningEngine {
    /// What this process says of itself to those who ask for workers.
    func announcement(slots: Int) -> WorkerAnnouncement {
        WorkerAnnouncement(
            id: UUID().uuidString, host: RunCommand.hostName, languages: languages.all, maxima: maxima, slots: slots,
            version: Bulkhead.configuration.version, since: Date())
    }

    /// Says it on a queue for as long as this process serves.
    func announcer(on queue: RedisJobQueue, slots: Int) -> Announcer {
        Announcer(queue: queue, worker: announcement(slots: slots), engine: engine)
    }
}
