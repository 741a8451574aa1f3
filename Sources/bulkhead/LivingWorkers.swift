import Foundation
import HTTPAPI
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import ServiceLifecycle

/// The languages of all workers that live, looked up at most once a second.
actor LivingWorkers: LanguageDirectory {
    private let queue: RedisJobQueue
    private let commands: [String: String]
    private let logger: Logger
    private var languages: [Language] = []
    private var lookedAt: ContinuousClock.Instant?
    private var knownAt: ContinuousClock.Instant?
    private var looking: Task<Void, Never>?

    /// - Parameters:
    ///   - queue: where workers announce themselves.
    ///   - commands: by name or alias, the command that adds a language, served or not.
    ///   - logger: hears when workers cannot be looked up.
    init(queue: RedisJobQueue, commands: [String: String], logger: Logger) {
        self.queue = queue
        self.commands = commands
        self.logger = logger
    }

    func served() async -> [Language] {
        if lookedAt.map({ .now - $0 >= .seconds(1) }) ?? true {
            // One look answers all who ask meanwhile.
            let task = looking ?? Task { await look() }
            looking = task
            await task.value
        }
        return languages
    }

    func commandThatAdds(_ name: String) async -> String? { commands[name] }

    private func look() async {
        do {
            let workers = try await queue.workers()
            languages = Self.union(workers.map(\.languages))
            knownAt = .now
        } catch {
            // What was known holds for as long as an announcement would.
            if knownAt.map({ .now - $0 > RedisJobQueue.announcementLease }) ?? true { languages = [] }
            logger.debug("workers not looked up", metadata: ["reason": "\(error)"])
        }
        lookedAt = .now
        looking = nil
    }

    /// Each version of each language once, in the order of the workers.
    private static func union(_ lists: [[Language]]) -> [Language] {
        var seen: Set<[String]> = []
        return lists.joined().filter { seen.insert([$0.name, $0.version]).inserted }
    }
}

/// Announces this process's worker until the graceful shutdown begins.
struct Announcer: Service {
    let queue: RedisJobQueue
    let worker: WorkerAnnouncement

    func run() async throws {
        let announcing = Task { await queue.keepAnnouncing(worker) }
        await withTaskCancellationHandler {
            do {
                try await gracefulShutdown()
            } catch {
                // Cancelled: the end all the same.
            }
            announcing.cancel()
            await announcing.value
        } onCancel: {
            announcing.cancel()
        }
    }
}

/// Ends a worker's queue at graceful shutdown, where no API does.
struct QueueCloser: Service {
    let queue: RedisJobQueue

    func run() async throws {
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled: the end all the same.
        }
        // Nothing more is taken; what runs is finished, and put down over a connection that stays.
        await queue.close()
    }
}
