import ArgumentParser
import Foundation
import HTTPAPI
import Images
import Isolation
import JobQueue
import Jobs
import Logging
import ServiceLifecycle
import UnixSignals
import Worker

/// `bulkhead serve`: API and worker in one process, with the embedded queue.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Take programs over HTTP and run them: API and worker in one process.",
        discussion: """
            curl -s localhost:3000/api/execute -H 'content-type: application/json' \\
              -d '{"language":"javascript","code":"console.log(1 + 1)"}'

            Waiting jobs are kept in memory and end with the process.
            """)

    @OptionGroup var engine: EngineOptions

    @Option(help: "The address to listen on (127.0.0.1; BULKHEAD_HOST).")
    var host: String?

    @Option(name: .shortAndLong, help: "The port to listen on (3000; PORT).")
    var port: Int?

    @Option(help: "How many programs run at once (2 for each core; BULKHEAD_SLOTS).")
    var slots: Int?

    @Option(help: "The longest that a request waits for its result (90s; BULKHEAD_MAX_WAIT in seconds).")
    var maxWait: Milliseconds?

    @Option(help: "How many jobs may wait (1000; BULKHEAD_MAX_QUEUED).")
    var maxQueued: Int?

    mutating func run() throws {
        let host = Setting.string(host, "BULKHEAD_HOST", default: "127.0.0.1")
        let port = try Setting.integer(port, "PORT", flagName: "--port", in: 0...65_535, default: 3_000)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let slots = try Setting.integer(
            slots, "BULKHEAD_SLOTS", flagName: "--slots", in: 1...256, default: 2 * cores)
        let maxQueued = try Setting.integer(
            maxQueued, "BULKHEAD_MAX_QUEUED", flagName: "--max-queued", in: 1...1_000_000, default: 1_000)
        let waitSeconds = try Setting.integer(
            nil, "BULKHEAD_MAX_WAIT", flagName: "--max-wait", in: 1...3_600, default: 90)
        let maxWait = maxWait.map { Duration.milliseconds($0.count) } ?? .seconds(waitSeconds)

        let logger = Logger(label: "bulkhead")
        let running = try RunningEngine.start(engine, images: nil, slots: slots) { error in
            // Without a launcher no job can run, and this process is no longer root to start another: whoever
            // supervises it does.
            logger.critical("\(error); ending")
            Foundation.exit(1)
        }
        let additions = try commandsThatAdd(served: running.languages.all)
        try runToEnd {
            do {
                try await Self.serve(
                    running, slots: slots, additions: additions, queueOptions: QueueOptions(maxQueued: maxQueued),
                    api: APIConfiguration(host: host, port: port, maxWait: maxWait), logger: logger)
            } catch {
                await running.engine.shutDown()
                throw error
            }
            await running.engine.shutDown()
        }
    }

    private static func serve(
        _ running: RunningEngine, slots: Int, additions: [String: String], queueOptions: QueueOptions,
        api: APIConfiguration, logger: Logger
    ) async throws {
        try await running.engine.warmUp(slots: slots)
        readImagesAhead(running.images, logger: logger)
        let queue = EmbeddedJobQueue(options: queueOptions)
        let name = RunCommand.hostName
        let worker = WorkerService(
            queue: queue,
            runner: JobRunner(
                engine: running.engine, languages: running.languages, maxima: running.maxima, worker: name),
            name: name, concurrency: slots, logger: logger)
        let server = APIServer(
            queue: queue, languages: FixedLanguages(running.languages.all, commands: additions),
            maxima: running.maxima, configuration: api, logger: logger
        ) { port in
            logger.info(
                "serving",
                metadata: [
                    "url": "http://\(api.host):\(port)", "slots": "\(slots)", "uid": "\(getuid())",
                    "languages": "\(running.languages.all.map(\.name).joined(separator: " "))",
                ])
        }
        var configuration = ServiceGroupConfiguration(
            services: [
                // The worker ends when the queue is closed, which the server does at its own shutdown: last come, first
                // to go.
                .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = api.drainTimeout + .seconds(10)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// On a thread of its own: the first requests need not wait for it.
    private static func readImagesAhead(_ images: [Image], logger: Logger) {
        // An eighth of the memory, so that a small host keeps what it has cached.
        let limit = Int(clamping: ProcessInfo.processInfo.physicalMemory / 8)
        Thread.detachNewThread {
            var left = limit
            for image in images { left -= image.readAhead(limit: left) }
            logger.debug("images read ahead", metadata: ["bytes": "\(limit - left)"])
        }
    }

    /// For each language that could be served here but is not, the command that changes that.
    private func commandsThatAdd(served: [Language]) throws -> [String: String] {
        let store = engine.store
        var commands: [String: String] = [:]
        for name in try store.recipePaths().keys {
            for language in try store.recipe(name).languages.map(\.language)
            where !served.contains(where: { $0.name == language.name }) {
                for alias in [language.name] + language.aliases { commands[alias] = "bulkhead rootfs build \(name)" }
            }
        }
        return commands
    }
}
