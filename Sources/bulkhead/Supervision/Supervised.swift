import Foundation
import HTTPAPI
import Isolation
import Logging
import RedisJobQueue
import ServiceLifecycle

/// Tells the service manager when this process serves, how it is, and when it begins to stop. List it last in a
/// `ServiceGroup`: the last come is the first to hear of a shutdown.
struct Supervised: Service {
    let manager: ServiceManager
    let logger: Logger
    /// What must be so before it serves, each with the words for the wait.
    var conditions: [Condition]
    /// Each comes back once a part without which nothing is served has answered.
    var parts: [Part]
    /// How it is, in a line.
    var status: @Sendable () async -> String

    struct Condition: Sendable {
        var waiting: String
        var holds: @Sendable () async -> Void
    }

    struct Part: Sendable {
        var name: String
        /// False where it has ended.
        var answers: @Sendable () async -> Bool
    }

    /// How often the status is told where no watchdog sets the pace.
    private static let usualInterval = Duration.seconds(15)

    func run() async throws {
        let telling = Task { await tell() }
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled: the end all the same.
        }
        // Not waited for: what it waits for may never answer.
        telling.cancel()
        manager.tell("STOPPING=1", "STATUS=finishing what runs")
    }

    private func tell() async {
        for condition in conditions {
            manager.tell("STATUS=\(condition.waiting)")
            await condition.holds()
            if Task.isCancelled { return }
        }
        manager.tell("READY=1", "STATUS=\(await status())")
        // Twice as often as it must: one that comes late is not yet one that is missing.
        let interval = manager.watchdogInterval.map { $0 / 2 } ?? Self.usualInterval
        var next = ContinuousClock.now
        while !Task.isCancelled {
            // A part that does not answer holds this up, and that is what the watchdog sees.
            let silent = await firstSilent()
            if Task.isCancelled { return }
            if let silent {
                logger.error("not well", metadata: ["part": "\(silent)"])
                manager.tell("STATUS=\(silent) has ended")
            } else {
                manager.tell(
                    "STATUS=\(await status())" + (manager.watchdogInterval == nil ? "" : "\nWATCHDOG=1"))
            }
            next = max(next + interval, .now)
            do { try await Task.sleep(until: next, clock: .continuous) } catch { return }
        }
    }

    private func firstSilent() async -> String? {
        for part in parts where await !part.answers() { return part.name }
        return nil
    }
}

extension Supervised.Part {
    /// The threads that serve connections.
    static let loops = Self(name: "an event loop") { await EventLoops.allAnswer() }

    /// The engine: its launcher, and who hands out its slots.
    static func engine(_ engine: Engine) -> Self { Self(name: "the launcher") { await engine.answers() } }
}

extension Supervised.Condition {
    /// An event, which may have been already.
    static func event(_ event: Event, _ waiting: String) -> Self { Self(waiting: waiting) { await event.wait() } }

    /// The queue has answered once.
    static func reached(_ queue: RedisJobQueue, at server: RedisServer) -> Self {
        Self(waiting: "waiting for Redis at \(server)") {
            while !Task.isCancelled {
                do {
                    _ = try await queue.status()
                    return
                } catch {
                    // The connection logs why.
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }
}

extension Supervised? {
    /// For the end of a group's list.
    var services: [ServiceGroupConfiguration.ServiceConfiguration] {
        map { [.init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)] } ?? []
    }
}

/// Something that happens once.
struct Event: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func happen() { continuation.yield() }

    /// Comes back when it has happened, or the task is cancelled. For one who waits.
    func wait() async {
        for await _ in stream { return }
    }
}

extension Engine {
    /// For people: what its slots do.
    func statusLine() async -> String {
        let slots = await slotFigures
        return (isUsable ? "" : "no slot can be set up; ") + "\(slots.taken) jobs run, \(slots.waiting) wait for a slot"
    }
}
