/// How a job ended. The raw values are part of the wire: only ever added to, never renamed.
public enum Status: String, Sendable, CaseIterable {
    /// Exit code 0.
    case ok
    case nonzeroExit = "nonzero_exit"
    /// Ended by a signal that the supervisor did not send.
    case signaled
    case cpuTimeLimit = "cpu_time_limit"
    case wallTimeLimit = "wall_time_limit"
    case memoryLimit = "memory_limit"
    case outputLimit = "output_limit"
    case processLimit = "process_limit"
    case diskLimit = "disk_limit"
    /// The compile stage did not end with exit code 0; `compile` has the details.
    case compileError = "compile_error"
    case cancelled
    /// The job waited in the queue for longer than it was allowed to.
    case expired
    /// The engine, not the program, failed.
    case internalError = "internal_error"

    /// Whether this is a verdict about the program. Only such a job counts as completed in the queue; the others failed.
    public var isVerdict: Bool {
        switch self {
        case .cancelled, .expired, .internalError: false
        default: true
        }
    }
}
