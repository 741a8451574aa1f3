import Foundation
import JobQueue

// What an operator asks for and does.

extension RedisJobQueue {
    /// The queue as it stands.
    /// - Throws: `unavailable`.
    public func status() async throws(QueueError) -> QueueStatus {
        let reply = try await run(.inspect, [])
        let seconds = Double(reply[9].integer ?? 0) / 1_000
        let taken = Double(reply[8].integer ?? 0)
        return QueueStatus(
            waiting: reply[0].integer ?? 0, delayed: reply[1].integer ?? 0, running: reply[2].integer ?? 0,
            completed: reply[3].integer ?? 0, failed: reply[4].integer ?? 0, isPaused: reply[5].integer == 1,
            concurrency: reply[6].integer, nextAddedAt: reply[7].integer.map(Self.date),
            takenPerSecond: seconds > 0 ? taken / seconds : nil)
    }

    /// Stops every worker, of ours and of BullMQ's, from taking jobs; what runs goes on.
    /// - Returns: whether that changed anything.
    /// - Throws: `unavailable`.
    public func pause() async throws(QueueError) -> Bool { try await run(.pause, []).integer == 1 }

    /// Lets jobs be taken again.
    /// - Returns: whether that changed anything.
    /// - Throws: `unavailable`.
    public func resume() async throws(QueueError) -> Bool { try await run(.resume, []).integer == 1 }

    /// What became of a job that was to be tried again.
    public enum RetryOutcome: Sendable, Equatable {
        case retried
        case unknownJob
        /// It waits, runs or was completed.
        case notFailed
        /// It is part of a BullMQ flow, which is for BullMQ to try again.
        case partOfFlow
    }

    /// Puts a failed job back to the end of the line.
    /// - Throws: `unavailable`.
    public func retry(_ id: String) async throws(QueueError) -> RetryOutcome {
        guard QueueKeys.isUsable(id) else { return .unknownJob }
        switch try await run(.reprocess, [RedisArgument(id)]).integer {
        case 0: return .retried
        case 1: return .notFailed
        case 2: return .partOfFlow
        case -1: return .unknownJob
        default: throw Self.unexpected
        }
    }

    /// Failed jobs that another attempt may help, the oldest first: not those that were cancelled or expired.
    /// - Parameter most: how many at most.
    /// - Returns: their ids.
    /// - Throws: `unavailable`.
    public func failedJobs(atMost most: Int) async throws(QueueError) -> [String] {
        var ids: [String] = []
        var looked = 0
        while ids.count < most {
            // A page is small, because results are read for it and Redis does nothing else meanwhile.
            let reply = try await run(.failures, [RedisArgument(looked), "100"])
            ids += (reply[1].elements ?? []).compactMap(\.string)
            let count = reply[0].integer ?? 0
            looked += count
            if count < 100 { break }
        }
        return Array(ids.prefix(most))
    }

    /// Cancels every job that waits now: whoever waits for one is answered. What runs goes on.
    /// - Parameter includesDelayed: also those whose time has not come.
    /// - Returns: how many were cancelled.
    /// - Throws: `unavailable`.
    public func cancelWaiting(includingDelayed includesDelayed: Bool) async throws(QueueError) -> Int {
        let status = try await status()
        // Producers go on adding: what was there at the beginning is the end.
        var left = status.waiting + (includesDelayed ? status.delayed : 0)
        var cancelled = 0
        while left > 0 {
            let page = try await run(
                .waiting, [RedisArgument(min(left, 500)), includesDelayed ? "1" : "0"])
            let ids = (page.elements ?? []).compactMap(\.string)
            guard !ids.isEmpty else { break }
            left -= ids.count
            for id in ids where try await withdraw(id, .clear) == .cancelled { cancelled += 1 }
        }
        return cancelled
    }

    /// Removes everything that the queue has in Redis: for a queue that nobody uses any more.
    /// - Throws: `unavailable`.
    public func erase() async throws(QueueError) {
        // A pattern in a name stands for itself.
        let pattern = keys.prefix.flatMap { "*?[]\\".contains($0) ? ["\\", $0] : [$0] } + "*"
        do throws(RedisError) {
            var cursor = "0"
            repeat {
                let page = try await commands.send(
                    ["SCAN", RedisArgument(cursor), "MATCH", RedisArgument(String(pattern)), "COUNT", "1000"])
                let found = (page[1].elements ?? []).compactMap(\.data).map { RedisArgument(Data($0)) }
                if !found.isEmpty { _ = try await commands.send(RedisCommand(["UNLINK"] + found)) }
                cursor = page[0].string ?? "0"
            } while cursor != "0"
        } catch {
            throw Self.queueError(error)
        }
    }
}
