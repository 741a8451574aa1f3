import Foundation
import JobQueue
import Jobs
import Logging
import RedisTestServer
import Testing

@testable import RedisJobQueue

/// A queue of a test's own on a server, and looks at what lies there.
struct QueueOnServer {
    let server: RedisTestServer
    let name = UUID().uuidString
    var prefix = "bull"

    var base: String { "\(prefix):\(name):" }

    /// Another process's view of the queue, as it were.
    func queue(
        _ options: QueueOptions = QueueOptions(lockDuration: .seconds(15)),
        _ adjust: (inout RedisQueueOptions) -> Void = { _ in }, at other: RedisServer? = nil,
        onUnrun: UnrunJobObserver? = nil
    ) throws -> RedisJobQueue {
        var settings = RedisQueueOptions(name: name, prefix: prefix)
        adjust(&settings)
        return RedisJobQueue(
            server: try other ?? server.server(), settings: settings, options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onUnrun: onUnrun)
    }

    @discardableResult
    func redis(_ words: String...) throws -> String { try server.command(words) }

    func field(_ name: String, of id: String) throws -> String { try redis("HGET", base + id, name) }
}

extension ExecutionResult {
    static func sample(_ id: String, _ status: Status = .ok, attempt: Int = 1, stdout: String = "") -> ExecutionResult {
        ExecutionResult(
            id: id, status: status, language: "c", version: "12", program: ProgramRecord(stdout: stdout),
            attempt: attempt,
            worker: "test", evidence: Evidence())
    }
}

extension NewJob {
    static func sample(_ id: String, timeToLive: Duration? = nil, attempts: Int = 1) -> NewJob {
        NewJob(
            id: id, request: Data(#"{"language":"c","code":"\#(id)"}"#.utf8), timeToLive: timeToLive,
            attempts: attempts)
    }
}

/// Runs `operation` until it says yes.
func eventually(
    within limit: Duration = .seconds(15), sourceLocation: SourceLocation = #_sourceLocation,
    _ operation: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !operation() {
        guard ContinuousClock.now < deadline else {
            Issue.record("it did not happen within \(limit)", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(20))
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
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
