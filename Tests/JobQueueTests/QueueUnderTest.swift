import Foundation
import JobQueue
import Jobs
import Logging
import ManualClock
import RedisJobQueue
import RedisTestServer
import Testing

/// A kind of queue that the conformance suite runs against. Another kind is one more entry in `all`.
struct QueueKind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// A new, empty queue.
    let make: @Sendable (QueueOptions, ManualClock, UnrunJobObserver?) async throws -> any JobQueue

    static let all =
        [QueueKind(testDescription: "embedded") { EmbeddedJobQueue(options: $0, clock: $1, onUnrun: $2) }]
        + (RedisTestServer.shared.map { [redis(on: $0)] } ?? [])

    /// A queue of its own for each test, on one server. What the server ends by its own time ends by the test's as well.
    private static func redis(on server: RedisTestServer) -> QueueKind {
        QueueKind(testDescription: "redis") { options, clock, onUnrun in
            let name = UUID().uuidString
            clock.whenAdvanced { duration in
                do {
                    try server.age("bull:\(name):", by: duration)
                } catch {
                    Issue.record("\(error)")
                }
            }
            return RedisJobQueue(
                server: try server.server(), settings: RedisQueueOptions(name: name), options: options, clock: clock,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onUnrun: onUnrun)
        }
    }

    /// A new, empty queue with its clock.
    func start(
        _ options: QueueOptions = QueueOptions(), onUnrun: UnrunJobObserver? = nil
    ) async throws -> (queue: any JobQueue, clock: ManualClock) {
        let clock = ManualClock()
        return (try await make(options, clock, onUnrun), clock)
    }
}

extension JobQueue {
    /// Adds a small job.
    func add(_ id: String, timeToLive: Duration? = nil, attempts: Int = 1) async throws {
        let request = Data(#"{"language":"c","code":"\#(id)","metadata":{"of":"\#(id)"}}"#.utf8)
        try await add(NewJob(id: id, request: request, timeToLive: timeToLive, attempts: attempts))
    }

    func take() async throws -> Lease { try await take(by: "test") }

    /// As a worker that lives and runs so many jobs at once. In one process there is nobody to tell.
    func announce(slots: Int) async throws {
        guard let shared = self as? RedisJobQueue else { return }
        try await shared.announce(
            WorkerAnnouncement(id: "test", host: "test", languages: [], maxima: .standard, slots: slots))
    }

    /// Takes the next job and finishes it with `ok`.
    func runNext() async throws {
        let lease = try await take()
        try await complete(lease.token, with: .sample(lease.id, attempt: lease.attempt))
    }

    /// Waits far longer than any deadline of a test.
    func result(of id: String) async throws -> ExecutionResult? {
        try await result(of: id, waitingAtMost: .seconds(1_000_000))
    }

    /// Returns once the counts are as wanted; gives other tasks their turn meanwhile.
    func settle(until condition: (QueueCounts) -> Bool) async throws {
        while !condition(try await counts()) { await Task.yield() }
    }
}

extension ExecutionResult {
    static func sample(_ id: String, _ status: Status = .ok, attempt: Int = 1, stdout: String = "") -> ExecutionResult {
        ExecutionResult(
            id: id, status: status, language: "c", version: "12", program: ProgramRecord(stdout: stdout),
            attempt: attempt,
            worker: "test", evidence: Evidence())
    }
}

/// Expects `operation` to be refused with `code`.
func expectRefusal(
    _ code: QueueError.Code, sourceLocation: SourceLocation = #_sourceLocation,
    _ operation: () async throws -> Void
) async {
    do {
        try await operation()
        Issue.record("was not refused", sourceLocation: sourceLocation)
    } catch let error as QueueError {
        #expect(error.code == code, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
