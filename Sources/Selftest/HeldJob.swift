import CLinux
import Glibc
import Isolation
import Jobs
import Linux
import Synchronization

/// A job that waits in its slot, once it has said that it is in place, until it is let go: its standard input is a pipe
/// that ends then.
final class HeldJob: Sendable {
    private let task: Task<ExecutionResult, Never>
    private let lines: AsyncStream<Void>
    private let writer: Int32

    /// Starts it.
    init(_ selftest: Selftest, _ arguments: [String], limits: Limits) throws {
        var ends: [Int32] = [-1, -1]
        try attempt("pipe") { bk_pipe(&ends) }
        let reader = ends[0]
        writer = ends[1]
        let (lines, note) = AsyncStream.makeStream(of: Void.self)
        self.lines = lines
        task = Task {
            let seen = SeenOutput()
            let result = await selftest.job(arguments, limits: limits, input: .descriptor(reader)) { stream, bytes in
                if stream == .output, seen.sawReady(bytes) { note.yield() }
            }
            note.finish()
            close(reader)
            return result
        }
    }

    /// Waits until it is in place, or has ended.
    /// - Returns: whether it is in place.
    func isReady() async -> Bool {
        for await _ in lines { return true }
        return false
    }

    /// Lets it go and waits for its end.
    func release() async -> ExecutionResult {
        close(writer)
        return await task.value
    }
}

/// Looks for the line `ready` in what comes in pieces.
private final class SeenOutput: Sendable {
    private let text = Mutex("")

    func sawReady(_ bytes: [UInt8]) -> Bool {
        text.withLock { text in
            guard text.utf8.count < 65_536 else { return false }
            text += String(decoding: bytes, as: UTF8.self)
            return "\n\(text)".contains("\nready\n")
        }
    }
}
