import ArgumentParser
import JobQueue
import Logging
import RedisJobQueue
import SettingSources
import Worker

/// Which queue jobs go through: the same for every command that adds or takes jobs.
struct QueueSelection: ParsableArguments {
    @Option(Settings.queue) var queue: String?
    @Option(Settings.redisURL) var redisURL: String?
    @Option(Settings.redisHost) var redisHost: String?
    @Option(Settings.redisPort) var redisPort: String?
    @Option(Settings.queueName) var queueName: String?
    @Option(Settings.queuePrefix) var queuePrefix: String?
    @Option(Settings.maxQueued) var maxQueued: String?
    @Option(Settings.lockDuration) var lockDuration: String?
    @Option(Settings.stalledInterval) var stalledInterval: String?

    /// Where the queue is.
    /// - Parameter command: the name of a command that cannot do without a Redis; nil for one that can.
    /// - Returns: the Redis; nil for the embedded queue.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed; `ValidationError` for a setting that is wrong.
    func redis(neededBy command: String? = nil) throws -> RedisServer? {
        let kind = try Settings.queue.given(queue)
        if kind == "embedded" {
            guard let command else { return nil }
            note("\(command) works on a queue in Redis only; for the embedded one: bulkhead serve")
            throw ExitCode(2)
        }
        let server = try server()
        if server == nil, let command = command ?? (kind == "redis" ? "--queue redis" : nil) {
            note("\(command) needs a Redis: REDIS_URL=redis://127.0.0.1:6379")
            throw ExitCode(2)
        }
        return server
    }

    /// - Returns: nil where none is named.
    private func server() throws -> RedisServer? {
        let (url, urlOrigin) = try Settings.redisURL.resolved(redisURL.map { [$0] })
        let (host, hostOrigin) = try Settings.redisHost.resolved(redisHost.map { [$0] })
        // Two ways to name one thing: what is nearer to the command line holds here too.
        if let url, urlOrigin.distance <= hostOrigin.distance {
            do {
                return try RedisServer(url: url)
            } catch {
                throw ValidationError("\(urlOrigin): \(error)")
            }
        }
        guard let host else { return nil }
        return RedisServer(host: host, port: try Settings.redisPort.value(redisPort))
    }

    /// - Throws: `ValidationError` for a bound that is none.
    func options() throws -> QueueOptions { QueueOptions(maxQueued: try Settings.maxQueued.value(maxQueued)) }

    /// The queue in a Redis. Its threads start here: not before root has been given up.
    /// - Parameters:
    ///   - server: the Redis.
    ///   - unrun: keeps the books of jobs that this process ends in the queue; nil where nobody does.
    ///   - logger: the queue's.
    /// - Returns: the queue, which connects when it is first used.
    /// - Throws: `ValidationError` for a name that is none.
    func redisQueue(
        on server: RedisServer, unrun: UnrunRecords? = nil, logger: Logger
    ) throws -> RedisJobQueue {
        var options = try options()
        // The job of a worker that died is run again after at most the two together.
        options.lockDuration = try Settings.lockDuration.value(lockDuration)
        let settings = RedisQueueOptions(
            name: try Settings.queueName.value(queueName), prefix: try Settings.queuePrefix.value(queuePrefix),
            sweepInterval: try Settings.stalledInterval.value(stalledInterval))
        return RedisJobQueue(
            server: server, settings: settings, options: options, logger: logger, onUnrun: unrun.map { $0.note })
    }
}
