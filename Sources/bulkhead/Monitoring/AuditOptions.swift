import ArgumentParser
import Logging
import Worker

/// Whether each job leaves a line: the same for every command that runs them.
struct AuditOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file that gets a JSON line for each job, by hashes and sizes; - for standard output "
                + "(none; BULKHEAD_AUDIT_LOG).", valueName: "file"))
    var auditLog: String?

    /// Opens the log. Must be called as root.
    /// - Returns: nil where none is wanted.
    /// - Throws: `ValidationError` where it cannot be opened.
    func open(logger: Logger) throws -> AuditLog? {
        let path = Setting.string(auditLog, "BULKHEAD_AUDIT_LOG", default: "")
        guard !path.isEmpty else { return nil }
        do {
            return try AuditLog(path: path, logger: logger)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
