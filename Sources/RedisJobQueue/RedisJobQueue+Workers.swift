import Foundation
import JobQueue
import Jobs
import Logging

// Who works on this queue.

extension RedisJobQueue {
    /// How long an announcement holds unless it is repeated.
    public static let announcementLease = Duration.seconds(15)
    /// How often to repeat it.
    public static let announcementInterval = Duration.seconds(5)

    private static var announcementEncoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .millisecondsSince1970
        return encoder
    }

    private static var announcementDecoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .millisecondsSince1970
        return decoder
    }

    /// Tells everybody of a worker, until `announcementLease` has passed.
    /// - Throws: `unavailable`.
    public func announce(_ worker: WorkerAnnouncement) async throws(QueueError) {
        let text: Data
        do {
            text = try Self.announcementEncoder.encode(worker)
        } catch {
            // Limits and names are finite numbers and text.
            throw Self.unexpected
        }
        _ = try await run(
            .announce,
            [
                RedisArgument(worker.id), RedisArgument(text),
                RedisArgument(Self.milliseconds(Self.announcementLease)),
            ])
    }

    /// Takes an announcement back at once.
    /// - Throws: `unavailable`; then the lease runs out.
    public func retire(_ worker: WorkerAnnouncement) async throws(QueueError) {
        _ = try await run(.announce, [RedisArgument(worker.id), "", "0"])
    }

    /// Tells everybody of a worker again and again, until the calling task is cancelled; then takes it back.
    /// - Parameters:
    ///   - worker: what stays as it is.
    ///   - busy: in how many slots a program runs, asked before each time.
    ///   - isUsable: asked each time; while it is not so, the announcement is taken back.
    public func keepAnnouncing(
        _ worker: WorkerAnnouncement, busy: (@Sendable () async -> Int)? = nil,
        while isUsable: @Sendable () -> Bool = { true }
    ) async {
        var worker = worker
        while !Task.isCancelled {
            if let busy { worker.busy = await busy() }
            do {
                if isUsable() { try await announce(worker) } else { try await retire(worker) }
            } catch {
                // The connection logs why; the next turn tries again.
                logger.debug("worker not announced", metadata: ["reason": "\(error)"])
            }
            await pause(Self.announcementInterval)
        }
        do {
            try await retire(worker)
        } catch {
            logger.debug("worker not retired", metadata: ["reason": "\(error)"])
        }
    }

    /// The workers that live, those that were there first first.
    /// - Throws: `unavailable`.
    public func workers() async throws(QueueError) -> [WorkerAnnouncement] {
        let texts = try await run(.workers, []).elements ?? []
        return texts.compactMap { text in
            do {
                return try Self.announcementDecoder.decode(WorkerAnnouncement.self, from: Data(text.data ?? []))
            } catch {
                // One of another version must not hide the others.
                logger.warning("a worker's announcement cannot be read")
                return nil
            }
        }
    }
}
