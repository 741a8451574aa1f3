import LaunchProtocol
import Seccomp

/// How a job went, as its supervisors saw it.
public struct Outcome: Sendable {
    /// Where the sandbox came from.
    public enum Start: String, Sendable {
        /// It was set up while the job waited.
        case cold
        /// It was parked already.
        case slot
    }

    /// One of the two output streams.
    public struct Stream: Equatable, Sendable {
        /// What was written, up to the output limit.
        public var bytes: [UInt8] = []
        /// Whether more was written than is kept.
        public var isTruncated = false
    }

    public var report: SandboxReport
    public var standardOutput: Stream
    public var standardError: Stream
    public var files: [SandboxConfiguration.File]
    /// Files that `collect` names but that were not taken, with the reason.
    public var skippedFiles: [String]
    public var start: Start
    /// Nanoseconds from the job's arrival at a free slot to the start of its program.
    public var setupTime: UInt64
    /// Whether other load made the timing doubtful.
    public var isContended: Bool
    /// System calls that its policy refused, by name, with how often, the most frequent first.
    public var deniedCalls: [(name: String, count: Int)] { Self.named(report.calls.filter(\.isDenied)) }
    /// System calls that its policy let through but counted.
    public var watchedCalls: [(name: String, count: Int)] { Self.named(report.calls.filter { !$0.isDenied }) }

    private static func named(_ calls: [CallCount]) -> [(name: String, count: Int)] {
        calls.map { (SyscallNumbers.name(of: $0.number), Int($0.count)) }
    }

    /// How it ended.
    public var ending: Ending { Ending(report) }

    /// A job that was cancelled before its program was started.
    static var cancelledBeforeStart: Outcome {
        Outcome(
            report: SandboxReport(
                waitStatus: nil, fired: .cancelled, wallTime: 0, cpuTime: 0, memoryPeak: 0, oomKills: 0,
                processLimitHits: 0, processPeak: nil, throttled: 0, diskFree: 0, inodesFree: 0),
            standardOutput: Stream(), standardError: Stream(), files: [], skippedFiles: [], start: .cold, setupTime: 0,
            isContended: false)
    }
}
