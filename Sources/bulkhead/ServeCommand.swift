import ArgumentParser
import Foundation
import HTTPAPI
import Images
import Isolation
import JobQueue
import Jobs
import Keyring
import Logging
import RedisJobQueue
import ServiceLifecycle
import Telemetry
import UnixSignals
import Worker

/// `bulkhead serve`: API and worker in one process, with the embedded queue unless there is a Redis.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Take programs over HTTP and run them: API and worker in one process.",
        discussion: """
            curl -s localhost:3000/api/execute -H 'content-type: application/json' \\
              -d '{"language":"javascript","code":"console.log(1 + 1)"}'

            Waiting jobs are kept in memory and end with the process, unless there is a Redis to keep them.
            """)

    @OptionGroup var engine: EngineOptions

    @OptionGroup var listening: ListeningOptions
    @OptionGroup var selection: QueueSelection

    @Option(Settings.slots) var slots: String?
    @Option(Settings.maxJobTime) var maxJobTime: String?

    @OptionGroup var memory: MemoryOptions
    @OptionGroup var metrics: MetricsOptions
    @OptionGroup var logging: LogOptions
    @OptionGroup var auditing: AuditOptions

    mutating func run() throws {
        let logger = try logging.logger()
        let stateDirectory = try Settings.stateDir.value(engine.stateDir)
        let keys = try listening.access.keyFile(standard: KeyPlace.standard(in: stateDirectory))
        var settings = try listening.apiConfiguration(
            keys: keys,
            hint: "bulkhead keys add NAME"
                + (stateDirectory == ImageStore.defaultStateDirectory ? "" : " --state-dir \(stateDirectory)"))
        let slots = try Self.slotCount(slots)
        let memory = try memory.settings()
        let caseTime = CaseTime(limit: try Settings.maxJobTime.value(maxJobTime))
        let redis = try selection.redis()
        let queueOptions = try selection.options()
        let metricsAddress = try metrics.address(allowedHosts: settings.access.allowedHosts)

        let audit = try auditing.open(logger: logger)
        let running = try RunningEngine.serving(engine, slots: slots, memory: memory, logger: logger)
        // Not before root was given up: what is read again later must be readable then.
        settings.access.keys = try keys.map { try APIKeyStore(file: $0, logger: logger) }
        // For this process alone: what it started has its own.
        settings.maxConnections = try DescriptorLimit.connections(besides: 8 * slots)
        let api = settings
        let manager = try running.serviceManager(logger: logger)
        let additions = ImageStore.commandsThatAdd(try engine.store.knownLanguages())
        let jobs = JobMetrics(jobs: JobCounter(languages: running.languages.all))
        let unrun = UnrunRecords(jobs: jobs.jobs, audit: audit)
        let shared = try redis.map { try selection.redisQueue(on: $0, unrun: unrun, logger: logger) }
        let isOpen = Event()
        var conditions = [Supervised.Condition.event(isOpen, "starting")]
        if let redis, let shared { conditions.append(.reached(shared, at: redis)) }
        let supervised = manager.map {
            Supervised(
                manager: $0, logger: logger, conditions: conditions, parts: [.loops, .engine(running.engine)],
                status: running.engine.statusLine)
        }
        try runToEnd {
            do {
                try await Self.serve(
                    running, slots: slots, caseTime: caseTime, additions: additions, shared: shared,
                    queueOptions: queueOptions, api: api,
                    metricsAddress: metricsAddress, jobs: jobs, unrun: unrun, audit: audit, listening: isOpen,
                    supervised: supervised,
                    logger: logger)
            } catch {
                await running.engine.shutDown()
                throw error
            }
            await running.engine.shutDown()
        }
    }

    /// - Throws: `ValidationError` for a number that is out of its range.
    static func slotCount(_ flag: String?) throws -> Int {
        try Settings.slots.given(flag) ?? 2 * ProcessInfo.processInfo.activeProcessorCount
    }

    private static func serve(
        _ running: RunningEngine, slots: Int, caseTime: CaseTime, additions: [String: String], shared: RedisJobQueue?,
        queueOptions: QueueOptions, api: APIConfiguration, metricsAddress: MetricsAddress?, jobs: JobMetrics,
        unrun: UnrunRecords, audit: AuditLog?, listening: Event, supervised: Supervised?, logger: Logger
    ) async throws {
        try await running.warmUp(slots: slots)
        readImagesAhead(running.images, logger: logger)
        let queue: any JobQueue
        let languages: any LanguageDirectory
        var announcers: [ServiceGroupConfiguration.ServiceConfiguration] = []
        var canRunElsewhere: (@Sendable (Data) async -> Bool)?
        let queueFigures: [MetricsPage.Source]
        if let shared {
            queue = shared
            let workers = LivingWorkers(queue: shared, commands: additions, logger: logger)
            languages = workers
            queueFigures = [Figures.queue(shared, logger: logger), shared.metrics.families]
            canRunElsewhere = { await workers.canRun($0) }
            announcers = [
                .init(
                    service: running.announcer(on: shared, slots: slots),
                    successTerminationBehavior: .gracefullyShutdownGroup)
            ]
        } else {
            let own = EmbeddedJobQueue(options: queueOptions, onUnrun: unrun.note)
            queue = own
            queueFigures = [Figures.queue(own)]
            let this = running.announcement(slots: slots)
            let engine = running.engine
            languages = FixedLanguages(
                Offer([WorkerOffer(languages: running.languages.all, maxima: running.maxima)]), commands: additions,
                isServed: { engine.isUsable }
            ) {
                var now = this
                now.busy = await engine.slotFigures.taken
                return now
            }
        }
        let name = RunCommand.hostName
        let runner = running.runner(named: name, slots: slots, caseTime: caseTime)
        let http = HTTPMetrics()
        let page = MetricsPage(
            [Figures.build, ProcessFigures.families, http.families] + queueFigures
                + running.figures(of: runner, jobs: jobs, audit: audit))
        let worker = WorkerService(
            queue: queue, runner: runner, name: name, concurrency: slots, logger: logger,
            canRunElsewhere: canRunElsewhere,
            threads: WorkerThreads(anywhere: LoopExecutor.anywhere) { LoopExecutor.here }, metrics: jobs, audit: audit)
        let server = APIServer(
            queue: queue, languages: languages, configuration: api, metrics: http, metricsPage: page, logger: logger
        ) { port in
            logger.info(
                "serving",
                metadata: [
                    "url": "http://\(api.host):\(port)", "slots": "\(slots)", "uid": "\(getuid())",
                    "memoryBudget": "\(running.shares?.budget ?? 0)", "keys": "\(api.access.keys != nil)",
                    "languages": "\(running.languages.all.map(\.name).joined(separator: " "))",
                ])
            listening.happen()
        }
        var configuration = ServiceGroupConfiguration(
            services: (metricsAddress.map { [$0.service(of: page, logger: logger)] } ?? []) + [
                // The worker ends when the queue is closed, which the server does at its own shutdown: last come, first
                // to go.
                .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
            ] + announcers + supervised.services, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger.forServiceGroup)
        configuration.maximumGracefulShutdownDuration = api.drainTimeout + .seconds(10)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// On a thread of its own: the first requests need not wait for it.
    static func readImagesAhead(_ images: [Image], logger: Logger) {
        // An eighth of the memory, so that a small host keeps what it has cached.
        let limit = Int(clamping: ProcessInfo.processInfo.physicalMemory / 8)
        Thread.detachNewThread {
            var left = limit
            for image in images { left -= image.readAhead(limit: left) }
            logger.debug("images read ahead", metadata: ["bytes": "\(limit - left)"])
        }
    }
}
