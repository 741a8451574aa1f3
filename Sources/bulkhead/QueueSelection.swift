import ArgumentParser
import Foundation
import JobQueue
import Logging
import RedisJobQueue

/// Which queue jobs go through: the same for every command that adds or takes jobs.
struct QueueSelection: ParsableArguments {
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case embedded, redis
    }

    @Option(
        help: """
            embedded, or redis (which is the default where REDIS_URL or REDIS_HOST is set; REDIS_PORT is 6379 unless \
            given).
            """)
    var queue: Kind?

    @Option(help: "BullMQ's name of the queue in Redis (code-execution; BULKHEAD_QUEUE_NAME).")
    var queueName: String?

    @Option(
        help: "BullMQ's prefix of the queue in Redis (bull; BULKHEAD_QUEUE_PREFIX). For a cluster: {bull}.")
    var queuePrefix: String?

    @Option(help: "How many jobs may wait (1000; BULKHEAD_MAX_QUEUED).")
    var maxQueued: Int?

    @Option(
        help: """
            How long a worker keeps a job in Redis without a word, at least 1s (15s; BULKHEAD_LOCK_DURATION in seconds).
            """)
    var lockDuration: Milliseconds?

    @Option(
        help: """
            Time between two looks for jobs in Redis whose worker died, at least 1s (5s; BULKHEAD_STALLED_INTERVAL in \
            seconds).
            """)
    var stalledInterval: Milliseconds?

    /// Where the queue is.
    /// - Parameter command: the name of a command that cannot do without a Redis; nil for one that can.
    /// - Returns: the Redis; nil for the embedded queue.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed; `ValidationError` for a setting that is wrong.
    func redis(neededBy command: String? = nil) throws -> RedisServer? {
        if queue == .embedded {
            guard let command else { return nil }
            note("\(command) works on a queue in Redis only; for the embedded one: bulkhead serve")
            throw ExitCode(2)
        }
        let server: RedisServer?
        do {
            server = try RedisServer.named(in: ProcessInfo.processInfo.environment)
        } catch {
            throw ValidationError("\(error)")
        }
        if server == nil, let command = command ?? (queue == .redis ? "--queue redis" : nil) {
            note("\(command) needs a Redis: REDIS_URL=redis://127.0.0.1:6379")
            throw ExitCode(2)
        }
        return server
    }

    /// - Throws: `ValidationError` for a bound that is none.
    func options() throws -> QueueOptions {
        let maxQueued = try Setting.integer(
            maxQueued, "BULKHEAD_MAX_QUEUED", flagName: "--max-queued", in: 1...1_000_000, default: 1_000)
        return QueueOptions(maxQueued: maxQueued)
    }

    /// The queue in a Redis. Its threads start here: not before root has been given up.
    /// - Throws: `ValidationError` for a name that is none.
    func redisQueue(on server: RedisServer, logger: Logger) throws -> RedisJobQueue {
        var options = try options()
        // The job of a worker that died is run again after at most the two together.
        options.lockDuration = try duration(lockDuration, "BULKHEAD_LOCK_DURATION", "--lock-duration", default: 15)
        let settings = RedisQueueOptions(
            name: try name(queueName, "BULKHEAD_QUEUE_NAME", default: "code-execution"),
            prefix: try name(queuePrefix, "BULKHEAD_QUEUE_PREFIX", default: "bull"),
            sweepInterval: try duration(
                stalledInterval, "BULKHEAD_STALLED_INTERVAL", "--stalled-interval", default: 5))
        return RedisJobQueue(server: server, settings: settings, options: options, logger: logger)
    }

    private func duration(
        _ flag: Milliseconds?, _ variable: String, _ flagName: String, default standard: Int
    ) throws -> Duration {
        let seconds = try Setting.integer(nil, variable, flagName: flagName, in: 1...3_600, default: standard)
        guard let flag else { return .seconds(seconds) }
        guard (1_000...3_600_000).contains(flag.count) else {
            throw ValidationError("\(flagName) must be from 1s to 3600s")
        }
        return .milliseconds(flag.count)
    }

    private func name(_ flag: String?, _ variable: String, default standard: String) throws -> String {
        let name = Setting.string(flag, variable, default: standard)
        // BullMQ parts its keys by colons and refuses them in names as well.
        guard !name.isEmpty, name.utf8.count <= 128, !name.contains(":") else {
            throw ValidationError("a queue's name and prefix must be 1 to 128 bytes without a colon")
        }
        return name
    }
}
