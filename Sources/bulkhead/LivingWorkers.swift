import Foundation
import HTTPAPI
import Isolation
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import ServiceLifecycle

/// The workers that live and what they offer together, looked up at most once a second.
actor LivingWorkers: LanguageDirectory {
    private let queue: RedisJobQueue
    private let commands: [String: String]
    private let logger: Logger
    /// Nil where nobody could be asked for too long.
    private var known: (workers: [WorkerAnnouncement], offer: Offer)?
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

    func offer() async throws(QueueError) -> Offer { try await current().offer }

    func workers() async throws(QueueError) -> [WorkerAnnouncement] { try await current().workers }

    private func current() async throws(QueueError) -> (workers: [WorkerAnnouncement], offer: Offer) {
        if lookedAt.map({ .now - $0 >= .seconds(1) }) ?? true {
            // One look answers all who ask meanwhile.
            let task = looking ?? Task { await look() }
            looking = task
            await task.value
        }
        guard let known else { throw QueueError(.unavailable, "the workers cannot be looked up") }
        return known
    }

    func commandThatAdds(_ name: String) async -> String? { commands[name] }

    /// Whether some worker that lives could run this request, as far as is known.
    func canRun(_ request: Data) async -> Bool {
        do {
            _ = try ExecutionRequest(json: request, offer: try await offer())
            return true
        } catch is RequestProblems {
            // Whoever asks has its own words for what is wrong with it.
            return false
        } catch {
            // Nobody can tell: no reason to give up a job for good.
            return true
        }
    }

    private func look() async {
        do {
            let workers = try await queue.workers()
            known = (workers, Offer(workers.map { WorkerOffer(languages: $0.languages, maxima: $0.maxima) }))
            knownAt = .now
        } catch {
            // What was known holds for as long as an announcement would.
            if knownAt.map({ .now - $0 > RedisJobQueue.announcementLease }) ?? true { known = nil }
            logger.debug("workers not looked up", metadata: ["reason": "\(error)"])
        }
        lookedAt = .now
        looking = nil
    }
}

/// Announces this process's worker until the graceful shutdown begins, while it could run a job.
struct Announcer: Service {
    let queue: RedisJobQueue
    let worker: WorkerAnnouncement
    let engine: Engine

    func run() async throws {
        let announcing = Task {
            await queue.keepAnnouncing(worker, busy: { await engine.slotFigures.taken }, while: { engine.isUsable })
        }
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
