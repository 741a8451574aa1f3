import LaunchProtocol

/// How a job ended, by the precedence that the contract fixes. It is read off what supervisor and kernel counted, never
/// off a signal that the job could have sent itself.
public enum Ending: Equatable, Sendable {
    case cancelled
    case cpuTimeLimit
    case wallTimeLimit
    case outputLimit
    case memoryLimit
    /// It went on making system calls that its policy refuses.
    case deniedCallLimit
    /// It made more than its share of calls that its policy lets through but counts.
    case watchedCallLimit
    /// The program ended badly, or was ended for time, after a fork had failed on the limit.
    case processLimit
    /// The program exited with an error and /box and /tmp had no block or no inode left.
    case diskLimit
    case exited(Int32)
    case signaled(Int32)

    init(_ report: SandboxReport) {
        let fired = report.fired
        let wait = report.waitStatus.map(WaitStatus.init)
        let endedWell = wait == .exited(0) && fired.isEmpty
        let touchedProcessLimit = report.processLimitHits > 0
        if fired.contains(.cancelled) {
            self = .cancelled
        } else if touchedProcessLimit, fired.contains(.cpuTime) || fired.contains(.wallTime) {
            self = .processLimit
        } else if fired.contains(.cpuTime) {
            self = .cpuTimeLimit
        } else if fired.contains(.wallTime) {
            self = .wallTimeLimit
        } else if fired.contains(.output) {
            self = .outputLimit
        } else if fired.contains(.memory) || report.oomKills > 0 {
            self = .memoryLimit
        } else if fired.contains(.deniedCalls) {
            self = .deniedCallLimit
        } else if fired.contains(.watchedCalls) {
            self = .watchedCallLimit
        } else if touchedProcessLimit, !endedWell {
            self = .processLimit
        } else if case .exited(let code) = wait, code != 0, report.diskFree == 0 || report.inodesFree == 0 {
            self = .diskLimit
        } else {
            switch wait {
            case .exited(let code): self = .exited(code)
            case .signaled(let signal): self = .signaled(signal)
            // The supervisor ends a job only for a reason, and each is above.
            case nil: self = .signaled(9)
            }
        }
    }
}

extension SandboxReport {
    /// How the main process itself ended, whatever the verdict is; nil where it was ended with its sandbox.
    public var ownEnding: Ending? {
        switch waitStatus.map(WaitStatus.init) {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .signaled(signal)
        case nil: nil
        }
    }
}

/// A wait status as wait(2) encodes it.
enum WaitStatus: Equatable {
    case exited(Int32)
    case signaled(Int32)

    init(_ status: Int32) {
        self = status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signaled(status & 0x7F)
    }
}

/// Names of signals as signal(7) has them.
public enum SignalName {
    private static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
        9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
        16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU",
        23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO",
        30: "SIGPWR", 31: "SIGSYS",
    ]

    /// `SIGSEGV` for 11; real-time signals count from SIGRTMIN, which is 34 for programs of the C library.
    public static func of(_ signal: Int32) -> String {
        names[signal] ?? (signal >= 34 && signal <= 64 ? "SIGRTMIN+\(signal - 34)" : "SIG\(signal)")
    }
    /// The number of a named signal, or nil.
    public static func number(of name: String) -> Int32? {
        names.first { $0.value == name }?.key ?? (34...64).first { of($0) == name }
    }
}
