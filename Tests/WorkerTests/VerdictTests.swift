import Isolation
import Jobs
import LaunchProtocol
import Testing

@testable import Worker

@Suite("Verdict")
struct VerdictTests {
    /// One row of the contract: an ending, and every field that follows from it.
    struct Row: Sendable, CustomTestStringConvertible {
        var ending: Ending
        var status: Status
        var exitCode: Int?
        var signal: String?
        var message: String?
        var firedLimit: String?

        var testDescription: String { "\(ending)" }
    }

    static let rows: [Row] = [
        Row(ending: .exited(0), status: .ok, exitCode: 0),
        Row(ending: .exited(3), status: .nonzeroExit, exitCode: 3),
        Row(ending: .exited(255), status: .nonzeroExit, exitCode: 255),
        Row(ending: .signaled(6), status: .signaled, signal: "SIGABRT", message: "ended by SIGABRT"),
        Row(ending: .signaled(11), status: .signaled, signal: "SIGSEGV", message: "ended by SIGSEGV"),
        Row(ending: .signaled(36), status: .signaled, signal: "SIGRTMIN+2", message: "ended by SIGRTMIN+2"),
        Row(ending: .cancelled, status: .cancelled, message: "cancelled while it ran"),
        Row(
            ending: .cpuTimeLimit, status: .cpuTimeLimit, message: "ended: used its 5000 ms of CPU time",
            firedLimit: "cpuTimeMs"),
        Row(
            ending: .wallTimeLimit, status: .wallTimeLimit, message: "ended: its 10000 ms of wall time were over",
            firedLimit: "wallTimeMs"),
        Row(
            ending: .outputLimit, status: .outputLimit,
            message: "ended: wrote more than 1048576 bytes to stdout and stderr", firedLimit: "outputBytes"),
        Row(
            ending: .memoryLimit, status: .memoryLimit, message: "ended: needed more than 134217728 bytes of memory",
            firedLimit: "memoryBytes"),
        Row(
            ending: .deniedCallLimit, status: .signaled, signal: "SIGSYS",
            message: "ended: went on making system calls that its policy refuses", firedLimit: "deniedSyscalls"),
        Row(
            ending: .watchedCallLimit, status: .signaled, signal: "SIGSYS",
            message: "ended: made more calls of fcntl than its policy's count allows", firedLimit: "watchedSyscalls"),
        Row(
            ending: .processLimit, status: .processLimit, exitCode: 1,
            message: "7 forks failed at the limit of 64 processes and threads", firedLimit: "processes"),
        Row(
            ending: .diskLimit, status: .diskLimit, exitCode: 1,
            message: "/box and /tmp were full with 67108864 bytes", firedLimit: "diskBytes"),
    ]

    @Test("every ending has its status, exit code, signal, message and limit", arguments: rows)
    func endings(row: Row) {
        let outcome = Samples.outcome(row.ending)
        #expect(outcome.ending == row.ending)
        let verdict = Verdict(outcome, limits: .standard)
        #expect(verdict.status == row.status)
        #expect(verdict.exitCode == row.exitCode)
        #expect(verdict.signal == row.signal)
        #expect(verdict.message == row.message)
        #expect(verdict.evidence.firedLimit == row.firedLimit)
    }

    @Test("a disk without inodes names them")
    func inodes() {
        let report = Samples.report { ($0.inodesFree, $0.waitStatus) = (0, 1 << 8) }
        let verdict = Verdict(Samples.outcome(report), limits: .standard)
        #expect(verdict.status == .diskLimit)
        #expect(verdict.evidence.firedLimit == "inodes")
        #expect(verdict.message == "/box and /tmp were full with 4096 inodes")
    }

    /// What a limit is worth against the exit and against the other limits, as the contract orders them.
    struct Precedence: Sendable, CustomTestStringConvertible {
        var name: String
        var report: SandboxReport
        var status: Status
        var testDescription: String { name }
    }

    static let precedences: [Precedence] = [
        Precedence(
            name: "cancelled before every limit",
            report: Samples.report {
                $0.fired = [.cancelled, .cpuTime, .wallTime, .output, .memory]
                ($0.oomKills, $0.waitStatus) = (1, nil)
            }, status: .cancelled),
        Precedence(
            name: "CPU where CPU and wall time have both run out",
            report: Samples.report { ($0.fired, $0.waitStatus) = ([.cpuTime, .wallTime], nil) }, status: .cpuTimeLimit),
        Precedence(
            name: "wall time before output and memory",
            report: Samples.report { ($0.fired, $0.waitStatus, $0.oomKills) = ([.wallTime, .output], nil, 1) },
            status: .wallTimeLimit),
        Precedence(
            name: "output before memory", report: Samples.report { ($0.fired, $0.oomKills) = (.output, 1) },
            status: .outputLimit),
        Precedence(
            name: "an OOM kill also where the program exited well", report: Samples.report { $0.oomKills = 1 },
            status: .memoryLimit),
        Precedence(
            name: "SIGKILL that nobody here sent is the program's own", report: Samples.report { $0.waitStatus = 9 },
            status: .signaled),
        Precedence(
            name: "a limit of processes that the program got over", report: Samples.report { $0.processLimitHits = 5 },
            status: .ok),
        Precedence(
            name: "processes, where the program was ended for time",
            report: Samples.report { ($0.processLimitHits, $0.fired, $0.waitStatus) = (5, .wallTime, nil) },
            status: .processLimit),
        Precedence(
            name: "a full disk that the program got over", report: Samples.report { $0.diskFree = 0 }, status: .ok),
        Precedence(
            name: "a full disk and a signal",
            report: Samples.report { ($0.diskFree, $0.waitStatus) = (0, 6) }, status: .signaled),
    ]

    @Test("precedence", arguments: precedences)
    func precedence(row: Precedence) {
        #expect(Verdict(Samples.outcome(row.report), limits: .standard).status == row.status)
    }

    @Test("a limit that was touched but did not end the program shows in the evidence alone")
    func touched() {
        let verdict = Verdict(
            Samples.outcome(Samples.report { ($0.processLimitHits, $0.diskFree) = (5, 0) }), limits: .standard)
        #expect(verdict.status == .ok)
        #expect(verdict.message == nil)
        #expect(verdict.evidence.firedLimit == nil)
        #expect(verdict.evidence.events.pidsMax == 5)
        #expect(verdict.evidence.peak.diskBytes == 64 << 20)
    }

    @Test("evidence is what the supervisor counted")
    func evidence() {
        var outcome = Samples.outcome(
            Samples.report { ($0.processPeak, $0.memoryPeak, $0.oomKills) = (12, UInt64.max, 2) })
        outcome.isContended = true
        outcome.start = .cold
        let evidence = Verdict(outcome, limits: .standard).evidence
        #expect(evidence.limits == .standard)
        #expect(evidence.peak == .init(memoryBytes: Int.max, processes: 12, diskBytes: 4 << 20, inodes: 96))
        #expect(evidence.events == .init(oomKill: 2, pidsMax: 0, throttledMs: 1.5))
        #expect(evidence.start == .cold)
        #expect(evidence.contended)
        #expect(evidence.deniedSyscalls.isEmpty)
    }

    @Test("the moment is told where a limit ended the program, and nowhere else")
    func moment() {
        func firedAt(_ edit: (inout SandboxReport) -> Void) -> Double? {
            Verdict(Samples.outcome(Samples.report(edit)), limits: .standard).evidence.firedAtMs
        }
        #expect(firedAt { ($0.fired, $0.firedAt, $0.waitStatus) = (.wallTime, 2_000_123_000, nil) } == 2_000.123)
        #expect(firedAt { ($0.oomKills, $0.firedAt, $0.waitStatus) = (1, 7_000_000, 9) } == 7)
        // Ended for time; that forks had failed is the verdict.
        #expect(firedAt { ($0.processLimitHits, $0.fired, $0.firedAt) = (7, .wallTime, 5_000_000) } == 5)
        #expect(firedAt { ($0.diskFree, $0.waitStatus) = (0, 1 << 8) } == nil)
        #expect(firedAt { ($0.fired, $0.firedAt, $0.waitStatus) = (.cancelled, 5_000_000, nil) } == nil)
        #expect(firedAt { _ in } == nil)
    }

    @Test("a job that was cancelled before its program started claims no program")
    func cancelledBeforeStart() {
        let report = Samples.report { report in
            (report.fired, report.waitStatus, report.wallTime) = (.cancelled, nil, 0)
            (report.diskFree, report.inodesFree) = (0, 0)
        }
        let verdict = Verdict(Samples.outcome(report), limits: .standard)
        #expect(verdict.status == .cancelled)
        #expect(verdict.message == "cancelled before it ran")
        #expect(verdict.evidence == Evidence())
    }
}
