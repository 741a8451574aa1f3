import Isolation
import Jobs

/// What the contract calls an outcome, with the words and the evidence that go with it.
struct Verdict {
    var status: Status
    var exitCode: Int?
    var signal: String?
    /// For people; nil where the program simply ended.
    var message: String?
    var evidence: Evidence

    private static func start(_ start: Outcome.Start) -> Evidence.Start {
        switch start {
        case .cold: .cold
        case .slot: .slot
        case .prestarted: .prestarted
        }
    }

    init(_ outcome: Outcome, limits: Limits) {
        let report = outcome.report
        let processesHit = report.processLimitHits
        guard report.waitStatus != nil || report.wallTime > 0 || !report.fired.contains(.cancelled) else {
            status = .cancelled
            message = "cancelled before it ran"
            // No program ran that anything could be told of.
            evidence = Evidence()
            return
        }
        evidence = Evidence(
            limits: limits,
            peak: .init(
                memoryBytes: Int(clamping: report.memoryPeak), processes: report.processPeak.map { Int(clamping: $0) },
                diskBytes: max(0, limits.diskBytes - Int(clamping: report.diskFree)),
                inodes: max(0, limits.inodes - Int(clamping: report.inodesFree))),
            events: .init(
                oomKill: Int(clamping: report.oomKills), pidsMax: Int(clamping: processesHit),
                throttledMs: report.throttled.milliseconds),
            deniedSyscalls: outcome.deniedCalls.map { .init(name: $0.name, count: $0.count) },
            start: Self.start(outcome.start), contended: outcome.isContended)
        switch outcome.ending {
        case .cancelled:
            status = .cancelled
            message = "cancelled while it ran"
        case .cpuTimeLimit:
            status = .cpuTimeLimit
            message = "ended: used its \(limits.cpuTimeMs) ms of CPU time"
            evidence.firedLimit = "cpuTimeMs"
        case .wallTimeLimit:
            status = .wallTimeLimit
            message = "ended: its \(limits.wallTimeMs) ms of wall time were over"
            evidence.firedLimit = "wallTimeMs"
        case .outputLimit:
            status = .outputLimit
            message = "ended: wrote more than \(limits.outputBytes) bytes to stdout and stderr"
            evidence.firedLimit = "outputBytes"
        case .memoryLimit:
            status = .memoryLimit
            message = "ended: needed more than \(limits.memoryBytes) bytes of memory"
            evidence.firedLimit = "memoryBytes"
        case .deniedCallLimit:
            status = .signaled
            signal = "SIGSYS"
            message = "ended: went on making system calls that its policy refuses"
            evidence.firedLimit = "deniedSyscalls"
        case .watchedCallLimit:
            status = .signaled
            signal = "SIGSYS"
            let names = outcome.watchedCalls.map(\.name).joined(separator: ", ")
            message = "ended: made more calls of \(names) than its policy's count allows"
            evidence.firedLimit = "watchedSyscalls"
        case .processLimit:
            status = .processLimit
            message = "\(processesHit) forks failed at the limit of \(limits.processes) processes and threads"
            evidence.firedLimit = "processes"
        case .diskLimit:
            status = .diskLimit
            let bytes = report.diskFree == 0
            message =
                bytes
                ? "/box and /tmp were full with \(limits.diskBytes) bytes"
                : "/box and /tmp were full with \(limits.inodes) inodes"
            evidence.firedLimit = bytes ? "diskBytes" : "inodes"
        case .exited(0):
            status = .ok
        case .exited:
            status = .nonzeroExit
        case .signaled:
            status = .signaled
        }
        if evidence.firedLimit != nil { evidence.firedAtMs = report.firedAt?.milliseconds }
        // What the program itself did last is told whatever the verdict, where it came to that.
        switch report.ownEnding {
        case .exited(let code): exitCode = Int(code)
        case .signaled(let number) where outcome.ending == .signaled(number): signal = SignalName.of(number)
        default: break
        }
        if case .signaled = outcome.ending, let signal { message = "ended by \(signal)" }
    }
}
