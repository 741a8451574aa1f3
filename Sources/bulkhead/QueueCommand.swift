import ArgumentParser
import Foundation
import HTTPAPI
import Images
import JobQueue
import Jobs
import Logging
import RedisJobQueue
import Worker

/// `bulkhead queue`: look at a queue in Redis and act on it, from anywhere and without root.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Look at a queue in Redis, pause it, try failed jobs again, or cancel what waits.",
        discussion: """
            REDIS_URL=redis://127.0.0.1:6379 bulkhead queue status
            Exit 0 when it was done, 1 when it was not (Redis away, no such job), 2 when no Redis is named.
            """,
        subcommands: [
            StatusCommand.self, WorkersCommand.self, PauseCommand.self, ResumeCommand.self, RetryCommand.self,
            DrainCommand.self, QueueBenchCommand.self,
        ])

    struct StatusCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "How many jobs wait, run and are done, and how fast they are taken.")

        @OptionGroup var target: QueueTarget

        mutating func run() throws {
            let (status, workers) = try target.use { queue in (try await queue.status(), try await queue.workers()) }
            let slots = workers.reduce(0) { $0 + $1.slots }
            let waited = status.nextAddedAt.map { max(0, Date().timeIntervalSince($0)) }
            target.show(
                [
                    "waiting": .integer(status.waiting), "delayed": .integer(status.delayed),
                    "running": .integer(status.running), "completed": .integer(status.completed),
                    "failed": .integer(status.failed), "paused": .bool(status.isPaused),
                    "concurrency": status.concurrency.map { .integer($0) } ?? .null,
                    "nextWaitedMs": waited.map { .integer(Int($0 * 1_000)) } ?? .null,
                    "takenPerSecond": status.takenPerSecond.map { .double(($0 * 1_000).rounded() / 1_000) } ?? .null,
                    "workers": .integer(workers.count), "slots": .integer(slots),
                ],
                """
                \(status.isPaused ? "paused" : "open"): \(status.waiting) waiting, \(status.delayed) delayed, \
                \(status.running) running, \(status.completed) completed, \(status.failed) failed
                workers: \(workers.count), with \(slots) slots\
                \(status.concurrency.map { "; at most \($0) jobs at once" } ?? "")
                """
                    + (waited.map { "\nthe next job has waited \(Int($0)) s" } ?? "")
                    + (status.takenPerSecond.map { String(format: "\ntaken: %.1f jobs/s", $0) } ?? ""))
        }
    }

    struct WorkersCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "workers", abstract: "Which workers live, and what they serve.")

        @OptionGroup var target: QueueTarget

        mutating func run() throws {
            let workers = try target.use { try await $0.workers() }
            let lines = workers.map { worker in
                "\(worker.host)  \(worker.slots) slots  ".printable
                    + worker.languages.map { "\($0.name) \($0.version)".printable }.joined(separator: ", ")
            }
            target.show(
                ServiceDescription.workers(workers), lines.isEmpty ? "no worker lives" : lines.joined(separator: "\n"))
        }
    }

    struct PauseCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause", abstract: "Let no worker take a job, BullMQ's included; what runs goes on.")

        @OptionGroup var target: QueueTarget

        mutating func run() throws {
            let changed = try target.use { try await $0.pause() }
            target.show(
                ["paused": .bool(true), "changed": .bool(changed)], changed ? "paused" : "it was paused already")
        }
    }

    struct ResumeCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Let workers take jobs again.")

        @OptionGroup var target: QueueTarget

        mutating func run() throws {
            let changed = try target.use { try await $0.resume() }
            target.show(
                ["paused": .bool(false), "changed": .bool(changed)], changed ? "resumed" : "it was not paused")
        }
    }

    struct RetryCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Put failed jobs back to the end of the line.",
            discussion: "Exit 1 where one of the jobs named is unknown or has not failed; the others are put back.")

        @OptionGroup var target: QueueTarget

        @Argument(help: "The jobs' ids.")
        var ids: [String] = []

        @Flag(help: "All that failed, but those that were cancelled or expired.")
        var all = false

        @Option(help: "With --all: how many at most, the oldest first.")
        var limit = 10_000

        mutating func validate() throws {
            guard all != !ids.isEmpty else { throw ValidationError("name jobs by their ids, or give --all") }
            guard (1...1_000_000).contains(limit) else { throw ValidationError("--limit must be 1 to 1000000") }
        }

        mutating func run() throws {
            let (named, all, limit) = (ids, all, limit)
            let outcomes = try target.use { queue in
                var outcomes: [(id: String, outcome: RedisJobQueue.RetryOutcome)] = []
                for id in all ? try await queue.failedJobs(atMost: limit) : named {
                    outcomes.append((id, try await queue.retry(id)))
                }
                return outcomes
            }
            let retried = outcomes.filter { $0.outcome == .retried }.map(\.id)
            let others = outcomes.filter { $0.outcome != .retried }
            target.show(
                [
                    "retried": .array(retried.map { .string($0) }),
                    "notRetried": .array(
                        others.map {
                            .object(["id": .string($0.id), "reason": .string(Self.words($0.outcome))])
                        }),
                ],
                (others.map { "\($0.id.printable): \(Self.words($0.outcome))" } + ["retried: \(retried.count)"])
                    .joined(separator: "\n"))
            // Of all that failed one may have been retried by somebody else meanwhile: nobody asked for that very one.
            if !all, !others.isEmpty { throw ExitCode(1) }
        }

        private static func words(_ outcome: RedisJobQueue.RetryOutcome) -> String {
            switch outcome {
            case .retried: "retried"
            case .unknownJob: "unknown job"
            case .notFailed: "has not failed"
            case .partOfFlow: "part of a flow"
            }
        }
    }

    struct DrainCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Cancel every job that waits; whoever waits for one is answered. What runs goes on.",
            discussion: """
                To stop taking without losing what waits: bulkhead queue pause.
                With an audit log each of them gets its line there, from here.
                """)

        @OptionGroup var target: QueueTarget
        @OptionGroup var auditing: AuditOptions

        @Flag(help: "Also the jobs whose time has not come yet.")
        var delayed = false

        mutating func run() throws {
            let delayed = delayed
            let count = try target.use(auditing: auditing) { try await $0.cancelWaiting(includingDelayed: delayed) }
            target.show(["cancelled": .integer(count)], "cancelled: \(count)")
        }
    }
}

/// Which queue, and how to say what came of it.
struct QueueTarget: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var selection: QueueSelection

    @Flag(help: "Say it in JSON, as one line.")
    var json = false

    /// Does something with the queue.
    /// - Parameters:
    ///   - auditing: where jobs get their lines that are ended so; nil where none are.
    ///   - body: what is done.
    /// - Returns: what `body` returns.
    /// - Throws: `ExitCode(2)` where no Redis is named, `ExitCode(1)` after the reason was printed, `ValidationError` where the
    ///   audit log cannot be opened.
    func use<Value: Sendable>(
        auditing: AuditOptions? = nil, _ body: @escaping @Sendable (RedisJobQueue) async throws -> Value
    ) throws -> Value {
        try use(auditing: auditing) { _, queue in try await body(queue) }
    }

    /// Does something with the queue and the Redis that it is in.
    /// - Throws: as above.
    func use<Value: Sendable>(
        auditing: AuditOptions? = nil,
        _ body: @escaping @Sendable (RedisServer, RedisJobQueue) async throws -> Value
    ) throws -> Value {
        guard let server = try selection.redis(neededBy: "bulkhead queue") else { throw ExitCode(2) }
        var logger = Logger(label: "bulkhead")
        // The one line below says it.
        logger.logLevel = .critical
        let audit = try auditing?.open(
            logger: Logger(label: "bulkhead", factory: { TextLogHandler(label: $0) }))
        let unrun = try audit.map {
            UnrunRecords(
                jobs: JobCounter(languages: try ImageStore.standard.knownLanguages().map(\.language)), audit: $0)
        }
        let queue = try selection.redisQueue(on: server, unrun: unrun, logger: logger)
        do {
            return try runToEnd {
                do {
                    let value = try await body(server, queue)
                    await queue.close()
                    return value
                } catch {
                    await queue.close()
                    throw error
                }
            }
        } catch let error as QueueError {
            note("queue: \(error.detail) (\(server))")
            throw ExitCode(1)
        }
    }

    func show(_ object: JSONObject, _ text: String) {
        print(json ? String(decoding: JSONValue.object(object).bytes, as: UTF8.self) : text)
    }
}
