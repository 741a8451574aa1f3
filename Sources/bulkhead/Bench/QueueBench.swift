import Foundation
import JobQueue
import Jobs
import Logging
import RedisJobQueue

/// Measures the queue alone: jobs that need no work, through a Redis, from being added to having their result.
struct QueueBench: Sendable {
    let server: RedisServer
    let jobs: Int
    let concurrency: Int
    let workers: Int
    let roundTrips: Int

    struct Report: Sendable {
        /// Per second.
        var added: Double
        var worked: Double
        /// Milliseconds from before the add to the result, one job at a time, with a worker that waits; sorted by nothing.
        var roundTrips: [Double]
    }

    /// A queue of this run's own, with connections of its own.
    private func connect(as name: String) -> RedisJobQueue {
        var logger = Logger(label: "bulkhead")
        logger.logLevel = .error
        let options = QueueOptions(
            maxQueued: 2 * jobs + 1_000, lockDuration: .seconds(15), keepFinishedFor: .seconds(600), maxFinished: 1_000)
        return RedisJobQueue(
            server: server, settings: RedisQueueOptions(name: name), options: options, logger: logger)
    }

    /// - Throws: `QueueError` for what Redis did not do.
    func run() async throws -> Report {
        let name = "bench-\(UUID().uuidString.lowercased())"
        let producer = connect(as: name)
        do {
            let report = try await run(producer, name)
            try await producer.erase()
            await producer.close()
            return report
        } catch {
            // What went wrong first is what counts; the finished jobs of this queue go after an hour, or by hand.
            try? await producer.erase()
            await producer.close()
            throw error
        }
    }

    private func run(_ producer: RedisJobQueue, _ name: String) async throws -> Report {
        // The first command of a connection pays for the connection and the script.
        _ = try await producer.counts()
        let added = try await rate { try await add(jobs, to: producer) }
        let queues = (0..<workers).map { _ in connect(as: name) }
        let done = Countdown(jobs)
        let working = queues.map { queue in
            Task {
                do {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<concurrency { group.addTask { try await work(from: queue, done) } }
                        try await group.waitForAll()
                    }
                } catch {
                    await done.fail(error)
                    throw error
                }
            }
        }
        let worked = try await rate { try await done.wait() }
        var trips: [Double] = []
        for number in 0..<roundTrips {
            let id = "trip-\(number)"
            let start = ContinuousClock.now
            try await producer.add(NewJob(id: id, request: Self.request))
            guard try await producer.result(of: id, waitingAtMost: .seconds(30)) != nil else {
                throw QueueError(.unavailable, "no result after 30 s")
            }
            trips.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        for queue in queues { await queue.close() }
        for task in working { try await task.value }
        return Report(added: added, worked: worked, roundTrips: trips)
    }

    private static let request = Data(#"{"language":"python","code":"pass"}"#.utf8)

    private func add(_ count: Int, to queue: RedisJobQueue) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<concurrency {
                group.addTask {
                    for number in stride(from: lane, to: count, by: concurrency) {
                        try await queue.add(NewJob(id: "job-\(number)", request: Self.request))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func work(from queue: RedisJobQueue, _ done: Countdown) async throws {
        while true {
            let lease: Lease
            do {
                lease = try await queue.take(by: "bench")
            } catch  where error.code == .closed {
                return
            }
            let result = ExecutionResult(
                id: lease.id, status: .ok, language: "python", version: "", attempt: lease.attempt, worker: "bench",
                evidence: Evidence())
            try await queue.complete(lease.token, with: result)
            await done.count()
        }
    }

    /// What `body` does of all jobs, per second.
    private func rate(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return Double(jobs) / ((ContinuousClock.now - start) / .seconds(1))
    }
}

/// Lets one caller wait until something has happened so many times.
private actor Countdown {
    private var left: Int
    private var waiter: CheckedContinuation<Void, any Error>?
    private var failure: (any Error)?

    init(_ count: Int) {
        left = count
    }

    func count() {
        left -= 1
        guard left == 0 else { return }
        waiter?.resume()
        waiter = nil
    }

    /// Whoever waits hears of it instead.
    func fail(_ error: any Error) {
        failure = failure ?? error
        waiter?.resume(throwing: error)
        waiter = nil
    }

    func wait() async throws {
        if let failure { throw failure }
        guard left > 0 else { return }
        try await withCheckedThrowingContinuation { waiter = $0 }
    }
}
