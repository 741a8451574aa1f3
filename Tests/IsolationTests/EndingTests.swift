import Glibc
import LaunchProtocol
import Testing

@testable import Isolation

/// The precedence of the contract's Status section, rule by rule, without a kernel.
@Suite("How a job ended")
struct EndingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var report: SandboxReport
        var ending: Ending
        var testDescription: String { name }
    }

    private static func exit(_ code: Int32) -> Int32 { code << 8 }

    private static func report(
        _ wait: Int32?, fired: SandboxReport.Fired = [], oomKills: UInt64 = 0, processLimitHits: UInt64 = 0,
        diskFree: UInt64 = 4_096, inodesFree: UInt64 = 1, throttled: UInt64 = 0
    ) -> SandboxReport {
        SandboxReport(
            waitStatus: wait, fired: fired, wallTime: 1, cpuTime: 1, memoryPeak: 1, oomKills: oomKills,
            processLimitHits: processLimitHits, processPeak: nil, throttled: throttled, diskFree: diskFree,
            inodesFree: inodesFree)
    }

    private static let all: SandboxReport.Fired = [
        .cpuTime, .wallTime, .output, .memory, .cancelled, .deniedCalls, .watchedCalls,
    ]

    static let cases: [Case] = [
        // The exit, where nothing else holds.
        Case(name: "exit 0", report: report(exit(0)), ending: .exited(0)),
        Case(name: "exit 3", report: report(exit(3)), ending: .exited(3)),
        Case(name: "exit 255", report: report(exit(255)), ending: .exited(255)),
        Case(name: "segfault", report: report(SIGSEGV), ending: .signaled(SIGSEGV)),
        Case(name: "a core was dumped", report: report(SIGSEGV | 0x80), ending: .signaled(SIGSEGV)),
        Case(name: "abort", report: report(SIGABRT), ending: .signaled(SIGABRT)),
        // Forged: a signal that looks like a limit is a signal.
        Case(name: "forged SIGKILL", report: report(SIGKILL), ending: .signaled(SIGKILL)),
        Case(name: "forged SIGXCPU", report: report(SIGXCPU), ending: .signaled(SIGXCPU)),
        Case(name: "forged SIGXFSZ", report: report(SIGXFSZ), ending: .signaled(SIGXFSZ)),
        Case(name: "forged SIGTERM", report: report(SIGTERM), ending: .signaled(SIGTERM)),
        Case(name: "exit code of a shell that saw SIGKILL", report: report(exit(137)), ending: .exited(137)),
        Case(name: "exit code of timeout(1)", report: report(exit(124)), ending: .exited(124)),
        // What the supervisor killed for.
        Case(name: "cpu", report: report(nil, fired: .cpuTime), ending: .cpuTimeLimit),
        Case(name: "wall", report: report(nil, fired: .wallTime), ending: .wallTimeLimit),
        Case(name: "output", report: report(nil, fired: .output), ending: .outputLimit),
        Case(name: "memory", report: report(nil, fired: .memory), ending: .memoryLimit),
        Case(name: "cancelled", report: report(nil, fired: .cancelled), ending: .cancelled),
        Case(name: "killed, and the kill seen", report: report(SIGKILL, fired: .wallTime), ending: .wallTimeLimit),
        Case(name: "ended as it was killed", report: report(exit(0), fired: .wallTime), ending: .wallTimeLimit),
        // The kernel's killer.
        Case(name: "OOM kill of the main process", report: report(SIGKILL, oomKills: 1), ending: .memoryLimit),
        Case(name: "OOM kill of a child", report: report(exit(0), oomKills: 1), ending: .memoryLimit),
        // Precedence.
        Case(name: "cpu and wall", report: report(nil, fired: [.cpuTime, .wallTime]), ending: .cpuTimeLimit),
        Case(
            name: "cpu, output, memory", report: report(nil, fired: [.cpuTime, .output, .memory]), ending: .cpuTimeLimit
        ),
        Case(name: "wall and output", report: report(nil, fired: [.wallTime, .output]), ending: .wallTimeLimit),
        Case(name: "wall and OOM", report: report(nil, fired: .wallTime, oomKills: 1), ending: .wallTimeLimit),
        Case(name: "output and memory", report: report(nil, fired: [.output, .memory]), ending: .outputLimit),
        Case(name: "output and OOM", report: report(nil, fired: .output, oomKills: 2), ending: .outputLimit),
        Case(name: "everything at once", report: report(nil, fired: all, oomKills: 1), ending: .cancelled),
        Case(
            name: "cancelled, having touched the process limit",
            report: report(nil, fired: .cancelled, processLimitHits: 1), ending: .cancelled),
        // What the filter's supervisor ended it for.
        Case(name: "refused calls", report: report(nil, fired: .deniedCalls), ending: .deniedCallLimit),
        Case(name: "counted calls", report: report(nil, fired: .watchedCalls), ending: .watchedCallLimit),
        Case(
            name: "refused calls and wall", report: report(nil, fired: [.deniedCalls, .wallTime]),
            ending: .wallTimeLimit),
        Case(
            name: "refused calls and OOM", report: report(nil, fired: .deniedCalls, oomKills: 1), ending: .memoryLimit),
        Case(
            name: "refused calls, fork failed", report: report(nil, fired: .deniedCalls, processLimitHits: 1),
            ending: .deniedCallLimit),
        // The process limit: hit, and the program did not end well.
        Case(name: "fork failed, exit 0", report: report(exit(0), processLimitHits: 5), ending: .exited(0)),
        Case(name: "fork failed, exit 1", report: report(exit(1), processLimitHits: 1), ending: .processLimit),
        Case(name: "fork failed, abort", report: report(SIGABRT, processLimitHits: 1), ending: .processLimit),
        Case(
            name: "fork failed, wall", report: report(nil, fired: .wallTime, processLimitHits: 1), ending: .processLimit
        ),
        Case(
            name: "fork failed, cpu", report: report(nil, fired: .cpuTime, processLimitHits: 1), ending: .processLimit),
        Case(
            name: "fork failed, output", report: report(nil, fired: .output, processLimitHits: 1), ending: .outputLimit),
        Case(
            name: "fork failed, memory", report: report(nil, fired: .memory, processLimitHits: 1), ending: .memoryLimit),
        Case(name: "fork failed, OOM", report: report(SIGKILL, oomKills: 1, processLimitHits: 1), ending: .memoryLimit),
        // The disk: full, and an exit that is not 0.
        Case(name: "no block, exit 1", report: report(exit(1), diskFree: 0), ending: .diskLimit),
        Case(name: "no inode, exit 1", report: report(exit(1), inodesFree: 0), ending: .diskLimit),
        Case(name: "no block, exit 0", report: report(exit(0), diskFree: 0), ending: .exited(0)),
        Case(name: "no block, a signal", report: report(SIGBUS, diskFree: 0), ending: .signaled(SIGBUS)),
        Case(name: "no block, wall", report: report(nil, fired: .wallTime, diskFree: 0), ending: .wallTimeLimit),
        Case(
            name: "no block, fork failed", report: report(exit(1), processLimitHits: 1, diskFree: 0),
            ending: .processLimit),
        // Touched limits alone change nothing.
        Case(name: "throttled", report: report(exit(0), throttled: 1_000_000_000), ending: .exited(0)),
    ]

    @Test("by what the supervisor saw", arguments: cases)
    func ending(_ one: Case) { #expect(Ending(one.report) == one.ending) }

    @Test("names of signals")
    func signals() {
        #expect(SignalName.of(11) == "SIGSEGV")
        #expect(SignalName.of(34) == "SIGRTMIN+0")
        #expect(SignalName.of(64) == "SIGRTMIN+30")
        #expect(SignalName.of(99) == "SIG99")
        #expect(Set((1...31).map(SignalName.of)).count == 31)
    }

    @Test("a job that is cancelled before it starts is cancelled")
    func cancelledBeforeStart() { #expect(Outcome.cancelledBeforeStart.ending == .cancelled) }
}
