import ArgumentParser
import Foundation
import HTTPAPI
import Images
import Jobs
import Keyring
import Logging
import RedisJobQueue
import ServiceLifecycle
import Telemetry
import UnixSignals
import Worker

/// `bulkhead api`: HTTP in front of a queue in Redis. Needs no root and starts no sandbox.
struct APICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Take programs over HTTP into a queue in Redis, for workers elsewhere.",
        discussion: """
            REDIS_URL=redis://127.0.0.1:6379 bulkhead api
            REDIS_URL=redis://127.0.0.1:6379 sudo -E bulkhead worker
            """)

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var listening: ListeningOptions
    @OptionGroup var selection: QueueSelection
    @OptionGroup var metrics: MetricsOptions
    @OptionGroup var logging: LogOptions
    @OptionGroup var auditing: AuditOptions

    mutating func run() throws {
        let logger = try logging.logger()
        guard let server = try selection.redis(neededBy: "bulkhead api") else { throw ExitCode(2) }
        let keys = try listening.access.keyFile(standard: nil)
        var settings = try listening.apiConfiguration(
            keys: keys, hint: "bulkhead keys add NAME --keys FILE, and then --keys FILE here")
        settings.access.keys = try keys.map { try APIKeyStore(file: $0, logger: logger) }
        settings.maxConnections = try DescriptorLimit.connections(besides: 0)
        let api = settings
        let metricsAddress = try metrics.address(allowedHosts: api.access.allowedHosts)
        let audit = try auditing.open(logger: logger)
        let manager = try ServiceManager.take(logger: logger)
        let languages = try ImageStore.standard.knownLanguages()
        let jobs = JobCounter(languages: languages.map(\.language))
        let queue = try selection.redisQueue(
            on: server, unrun: UnrunRecords(jobs: jobs, audit: audit), logger: logger)
        let directory = LivingWorkers(queue: queue, commands: ImageStore.commandsThatAdd(languages), logger: logger)
        let isOpen = Event()
        try runToEnd {
            let http = HTTPMetrics()
            let page = MetricsPage(
                [
                    Figures.build, ProcessFigures.families, http.families, Figures.queue(queue, logger: logger),
                    queue.metrics.families, jobs.families,
                ] + (audit.map { [$0.families] } ?? []))
            let httpServer = APIServer(
                queue: queue, languages: directory, configuration: api, metrics: http, metricsPage: page, logger: logger
            ) { port in
                logger.info(
                    "serving",
                    metadata: [
                        "url": "http://\(api.host):\(port)", "uid": "\(getuid())",
                        "keys": "\(api.access.keys != nil)",
                    ])
                isOpen.happen()
            }
            let supervised = manager.map {
                Supervised(
                    manager: $0, logger: logger,
                    conditions: [.event(isOpen, "starting"), .reached(queue, at: server)], parts: [.loops],
                    status: { "listens on \(api.host)" })
            }
            var services = ServiceGroupConfiguration(
                services: (metricsAddress.map { [$0.service(of: page, logger: logger)] } ?? []) + [
                    .init(service: httpServer, successTerminationBehavior: .gracefullyShutdownGroup)
                ] + supervised.services,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.forServiceGroup)
            services.maximumGracefulShutdownDuration = api.drainTimeout + .seconds(10)
            try await ServiceGroup(configuration: services).run()
        }
    }
}

extension ImageStore {
    /// That of a process without an engine: it knows the recipes of this installation.
    static var standard: ImageStore {
        ImageStore(
            stateDirectory: defaultStateDirectory,
            recipeDirectories: standardRecipeDirectories(executable: Installation.executable))
    }

    /// The languages of all recipes, built or not, each with the name of its recipe.
    /// - Throws: where a recipe cannot be read.
    func knownLanguages() throws -> [(recipe: String, language: Language)] {
        try recipePaths().keys.sorted().flatMap { name in
            try recipe(name).languages.map { (name, $0.language) }
        }
    }

    /// For each of these languages, by name and alias, the command that adds it.
    static func commandsThatAdd(_ languages: [(recipe: String, language: Language)]) -> [String: String] {
        var commands: [String: String] = [:]
        for (recipe, language) in languages {
            for alias in [language.name] + language.aliases { commands[alias] = "bulkhead rootfs build \(recipe)" }
        }
        return commands
    }
}
