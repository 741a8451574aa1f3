import ArgumentParser
import Logging
import Worker

/// Whether each job leaves a line: the same for every command that runs them or ends them in the queue.
struct AuditOptions: ParsableArguments {
    @Option(Settings.auditLog) var auditLog: String?

    /// Opens the log. Where root is given up later it must be called before.
    /// - Returns: nil where none is wanted.
    /// - Throws: `ValidationError` where it cannot be opened.
    func open(logger: Logger) throws -> AuditLog? {
        guard let path = try Settings.auditLog.given(auditLog) else { return nil }
        do {
            return try AuditLog(path: path, logger: logger)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
