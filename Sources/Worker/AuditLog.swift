import Dispatch
import Foundation
import Logging
import Synchronization
import Telemetry

/// A file that gets one line for each job that ran here, or was ended here in the queue.
///
/// It is opened once, before root is given up, and never again: who runs jobs may open nothing. Every line is one write(2) to
/// the end of the file, so that several processes may share it and rotation by copytruncate loses the place of none.
public final class AuditLog: Sendable {
    /// What a line cannot be written for.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    private let descriptor: Int32
    private let isOwned: Bool
    private let logger: Logger
    /// Hashing and writing take long enough to keep connections and other jobs waiting. One line at a time.
    private let writing = DispatchQueue(label: "bulkhead.audit")
    private let lines = Counters("bulkhead_audit_lines_total", help: "Lines written to the audit log.")
    private let failures = Counters(
        "bulkhead_audit_errors_total", help: "Lines that could not be written to the audit log whole.")

    /// - Parameters:
    ///   - path: a file, which is made where there is none, for root alone to read; `-` for standard output.
    ///   - logger: hears of lines that could not be written.
    /// - Throws: `Failure` where it cannot be opened: without it nothing is to run.
    public init(path: String, logger: Logger) throws(Failure) {
        self.logger = logger
        isOwned = path != "-"
        if isOwned {
            descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o600)
            guard descriptor >= 0 else {
                throw Failure(description: "cannot open the audit log \(path): \(String(cString: strerror(errno)))")
            }
        } else {
            descriptor = STDOUT_FILENO
        }
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Writes a line; comes back when that was done, or could not be. The caller that waits is what bounds how many lines
    /// there are in memory.
    /// - Parameter make: the line's JSON, without its end.
    func write(_ make: @escaping @Sendable () -> Data) async {
        await withCheckedContinuation { continuation in
            writing.async {
                self.writeNow(make())
                continuation.resume()
            }
        }
    }

    private func writeNow(_ json: Data) {
        let line = Array(json) + [UInt8(ascii: "\n")]
        var count = -1
        repeat { count = Foundation.write(descriptor, line, line.count) } while count < 0 && errno == EINTR
        guard count != line.count else { return lines.add() }
        let reason = count < 0 ? String(cString: strerror(errno)) : "\(count) of \(line.count) bytes were written"
        failures.add()
        // The first, then at growing intervals: a full disk fails every job's line.
        if failures[0].nonzeroBitCount == 1 {
            logger.error("audit line not written", metadata: ["reason": "\(reason)", "failures": "\(failures[0])"])
        }
    }

    public func families() -> [Family] { [lines.family, failures.family] }
}
