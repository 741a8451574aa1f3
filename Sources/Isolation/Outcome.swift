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
        /// The program itself had come up in it.
        case prestarted
    }

    /// One of the two output streams.
    public struct Stream: Equatable, Sendable {
        /// What was written, up to the output limit.
        public var bytes: [UInt8] = []
        /// Whether more was written than is kept.
        public var isTruncated = false
    }

    /// A file that was left behind.
    public struct SkippedFile: Equatable, Sendable {
        /// Below /box; `.` is /box itself. A path that is not UTF-8 is percent-encoded, and `%` with it, so that no two of
        /// them look alike.
        public var path: String
        public var reason: SkipReason
        /// The file's size; 0 where it has none.
        public var bytes: Int

        public init(path: String, reason: SkipReason, bytes: Int = 0) {
            self.path = path
            self.reason = reason
            self.bytes = bytes
        }

        init(_ path: [UInt8], reason: SkipReason, bytes: UInt64) {
            self.init(path: Self.text(path), reason: reason, bytes: Int(clamping: bytes))
        }

        private static func text(_ path: [UInt8]) -> String {
            if let text = String(validating: path, as: UTF8.self) { return text }
            var text = ""
            for byte in path {
                if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits = String(byte, radix: 16, uppercase: true)
                    text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
                }
            }
            return text
        }
    }

    public var report: SandboxReport
    public var standardOutput: Stream
    public var standardError: Stream
    public var files: [SandboxConfiguration.File]
    /// Files that `collect` names but that were not taken.
    public var skippedFiles: [SkippedFile]
    /// How many more of them there are than are told of.
    public var unlistedFiles = 0
    public var start: Start
    /// Nanoseconds from the job's arrival at a free slot to the start of its program.
    public var setupTime: UInt64
    /// Whether other load made the timing doubtful.
    public var isContended: Bool
    /// What the start ahead of the job came to; nil where there was none.
    var ahead: AheadResult?
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
    public static var cancelledBeforeStart: Outcome {
        Outcome(
            report: SandboxReport(
                waitStatus: nil, fired: .cancelled, wallTime: 0, cpuTime: 0, memoryPeak: 0, oomKills: 0,
                processLimitHits: 0, processPeak: nil, throttled: 0, diskFree: 0, inodesFree: 0),
            standardOutput: Stream(), standardError: Stream(), files: [], skippedFiles: [], start: .cold, setupTime: 0,
            isContended: false)
    }
}
