import Jobs
import Testing

@testable import Selftest

@Suite("Judging an answer of a storm")
struct StormJudgeTests {
    private static let limits = Limits.standard

    /// An answer with nothing wrong in it.
    private static func sound(
        _ status: Status = .ok, _ change: (inout ExecutionResult) -> Void = { _ in }
    ) -> ExecutionResult {
        var result = ExecutionResult(
            id: "j-1", status: status, language: "bash", version: "5.2",
            program: ProgramRecord(
                stdout: "hello\n", exitCode: 0, wallTimeMs: 20, cpuTimeMs: 10, memoryBytes: 1 << 20, stdoutBytes: 6),
            attempt: 1, worker: "selftest",
            evidence: Evidence(
                limits: limits, peak: .init(memoryBytes: 1 << 20, processes: 2, diskBytes: 0, inodes: 3), start: .slot))
        if status != .ok {
            result.message = "why"
            result.exitCode = nil
        }
        switch status {
        case .nonzeroExit: result.exitCode = 7
        case .signaled: result.signal = "SIGSEGV"
        case .cpuTimeLimit:
            result.evidence.firedLimit = "cpuTimeMs"
            (result.wallTimeMs, result.cpuTimeMs) = (5_010, 5_004)
        case .wallTimeLimit:
            result.evidence.firedLimit = "wallTimeMs"
            result.wallTimeMs = 10_003
        case .memoryLimit:
            result.evidence.firedLimit = "memoryBytes"
            result.evidence.events.oomKill = 1
        case .outputLimit:
            result.evidence.firedLimit = "outputBytes"
            result.stdout = String(repeating: "x", count: limits.outputBytes)
            result.stdoutBytes = limits.outputBytes
            result.stdoutTruncated = true
        case .processLimit:
            result.evidence.firedLimit = "processes"
            result.evidence.events.pidsMax = 3
        case .diskLimit:
            result.exitCode = 1
            result.evidence.firedLimit = "diskBytes"
            result.evidence.peak.diskBytes = limits.diskBytes
        case .compileError:
            result.stdout = ""
            result.stdoutBytes = 0
            (result.wallTimeMs, result.cpuTimeMs, result.memoryBytes) = (0, 0, 0)
            result.compile = CompileResult(
                status: .nonzeroExit, exitCode: 1, signal: nil, stdout: "", stderr: "error", wallTimeMs: 30,
                cpuTimeMs: 20, memoryBytes: 1 << 20, cached: false)
        default: break
        }
        change(&result)
        return result
    }

    private static func contradiction(_ result: ExecutionResult) -> String? {
        StormJudge(result: result, limits: limits, cores: 2, timeScale: 1).contradiction()
    }

    @Test("a sound answer of each status passes", arguments: Status.allCases)
    func sound(status: Status) {
        let wrong = Self.contradiction(Self.sound(status))
        // These two are never right.
        if status == .internalError || status == .expired { #expect(wrong != nil) } else { #expect(wrong == nil) }
    }

    @Test("a job that was cancelled before it ran has used nothing")
    func neverRan() {
        var result = Self.sound(.cancelled) {
            $0.evidence = Evidence()
            ($0.stdout, $0.stdoutBytes) = ("", 0)
            ($0.wallTimeMs, $0.cpuTimeMs, $0.memoryBytes) = (0, 0, 0)
        }
        #expect(Self.contradiction(result) == nil)
        result.cpuTimeMs = 1
        #expect(Self.contradiction(result) != nil)
    }

    @Test("one thing wrong is enough", arguments: 0..<changes.count)
    func wrong(index: Int) {
        let (status, change) = Self.changes[index]
        #expect(Self.contradiction(Self.sound(status, change)) != nil)
    }

    private static let changes: [(Status, @Sendable (inout ExecutionResult) -> Void)] = [
        (.ok, { $0.id = "" }),
        (.ok, { $0.attempt = 0 }),
        (.ok, { $0.worker = "" }),
        (.ok, { $0.exitCode = 1 }),
        (.ok, { $0.exitCode = nil }),
        (.ok, { $0.signal = "SIGTERM" }),
        (.ok, { $0.wallTimeMs = -1 }),
        (.ok, { $0.setupTimeMs = -1 }),
        (.ok, { $0.cpuTimeMs = 1_000 }),
        (.ok, { $0.wallTimeMs = 20_000 }),
        (.ok, { ($0.wallTimeMs, $0.cpuTimeMs) = (9_000, 6_000) }),
        (.ok, { ($0.memoryBytes, $0.evidence.peak.memoryBytes) = (256 << 20, 256 << 20) }),
        (.ok, { $0.memoryBytes = 5 }),
        (.ok, { $0.stdoutBytes = 7 }),
        (.ok, { $0.stdoutTruncated = true }),
        (.ok, { $0.stdoutLossy = true }),
        (.ok, { $0.stderrBytes = 2 << 20 }),
        (.ok, { $0.evidence.firedLimit = "memoryBytes" }),
        (.ok, { $0.evidence.events.oomKill = 1 }),
        (.ok, { $0.evidence.limits?.processes = 5 }),
        (.ok, { $0.evidence.limits = nil }),
        (.ok, { $0.evidence.start = nil }),
        (.ok, { $0.evidence.peak.processes = 65 }),
        (.ok, { $0.evidence.peak.diskBytes = 65 << 20 }),
        (.ok, { $0.evidence.peak.inodes = -1 }),
        (.ok, { $0.evidence.deniedSyscalls = [.init(name: "bpf", count: 0)] }),
        (.ok, { $0.evidence.deniedSyscalls = [.init(name: "bpf", count: 5_000)] }),
        (.ok, { $0.files = [CollectedFile(path: "../x", content: "", bytes: 0)] }),
        (.ok, { $0.files = [CollectedFile(path: "x", content: "abc", bytes: 2)] }),
        (.ok, { $0.files = [CollectedFile(path: "x", content: nil, bytes: 2)] }),
        (.ok, { $0.files = (0..<65).map { CollectedFile(path: "\($0)", content: "", bytes: 0) } }),
        (
            .ok,
            {
                $0.compile = CompileResult(
                    status: .nonzeroExit, exitCode: 1, signal: nil, stdout: "", stderr: "", wallTimeMs: 1, cpuTimeMs: 1,
                    memoryBytes: 1, cached: false)
            }
        ),
        (.nonzeroExit, { $0.exitCode = 0 }),
        (.nonzeroExit, { $0.exitCode = 256 }),
        (.nonzeroExit, { $0.evidence.events.pidsMax = 1 }),
        (.signaled, { $0.signal = nil }),
        (.signaled, { $0.exitCode = 9 }),
        (.signaled, { $0.evidence.events.oomKill = 1 }),
        (.signaled, { $0.evidence.firedLimit = "deniedSyscalls" }),
        (.cpuTimeLimit, { $0.cpuTimeMs = 4_000 }),
        (.cpuTimeLimit, { $0.evidence.firedLimit = "wallTimeMs" }),
        (.cpuTimeLimit, { ($0.wallTimeMs, $0.cpuTimeMs) = (6_000, 5_900) }),
        (.wallTimeLimit, { $0.wallTimeMs = 9_999 }),
        (.wallTimeLimit, { $0.evidence.firedLimit = nil }),
        (.memoryLimit, { $0.evidence.events.oomKill = 0 }),
        (.memoryLimit, { $0.message = nil }),
        (.outputLimit, { $0.stdoutTruncated = false }),
        (.outputLimit, { $0.stdoutBytes -= 1 }),
        (.processLimit, { $0.evidence.events.pidsMax = 0 }),
        (.processLimit, { $0.exitCode = 0 }),
        (.diskLimit, { $0.evidence.peak.diskBytes = 1 << 20 }),
        (.diskLimit, { $0.exitCode = nil }),
        (.cancelled, { $0.files = [CollectedFile(path: "x", content: "", bytes: 0)] }),
        (.cancelled, { $0.evidence.firedLimit = "wallTimeMs" }),
        (.compileError, { $0.compile = nil }),
        (
            .compileError,
            {
                $0.stdout = "x"; $0.stdoutBytes = 1
            }
        ),
        (.compileError, { $0.compile?.exitCode = 0 }),
        (.compileError, { $0.compile?.memoryBytes = 2 }),
    ]
}
