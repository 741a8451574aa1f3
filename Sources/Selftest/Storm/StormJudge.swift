import Foundation
import Jobs

/// Whether an answer is one that the contract allows, whatever the job was: every field within its bounds, and the status
/// borne out by the evidence beside it.
struct StormJudge {
    let result: ExecutionResult
    /// What the program was to be held to, or its compilation where that was the end.
    let limits: Limits
    let cores: Int
    let timeScale: Int

    /// What the evidence is about: the program, or the compilation where that was the end.
    private struct Run {
        var status: Status
        var exitCode: Int?
        var signal: String?
        var wallTimeMs: Double
        var cpuTimeMs: Double
        var memoryBytes: Int
    }

    /// Whether the job ended with its compilation.
    static func endedInCompilation(_ result: ExecutionResult) -> Bool {
        result.status == .compileError || result.compile?.status == .cancelled
    }

    private var run: Run {
        if Self.endedInCompilation(result), let compile = result.compile {
            return Run(
                status: compile.status, exitCode: compile.exitCode, signal: compile.signal,
                wallTimeMs: compile.wallTimeMs, cpuTimeMs: compile.cpuTimeMs, memoryBytes: compile.memoryBytes)
        }
        return Run(
            status: result.status, exitCode: result.exitCode, signal: result.signal, wallTimeMs: result.wallTimeMs,
            cpuTimeMs: result.cpuTimeMs, memoryBytes: result.memoryBytes)
    }

    /// The first thing that is wrong with it, or nil.
    func contradiction() -> String? {
        form() ?? output() ?? usage() ?? ending() ?? verdict() ?? collected() ?? compilation()
    }

    /// Whether a program ran at all: nothing is known of one that did not.
    private var ran: Bool { result.evidence.limits != nil }

    private func form() -> String? {
        do {
            let again = try ExecutionResult(json: result.json())
            if again.status != result.status || again.stdout != result.stdout || again.id != result.id {
                return "its JSON reads back as another result"
            }
        } catch {
            return "its JSON cannot be read: \(error.field) \(error.reason)"
        }
        if !result.id.hasPrefix("j-") { return "the id is \(result.id)" }
        if result.attempt != 1 { return "the attempt is \(result.attempt)" }
        if result.worker.isEmpty { return "no worker is named" }
        return nil
    }

    private func output() -> String? {
        let kept = result.stdoutBytes + result.stderrBytes
        if kept > limits.outputBytes { return "\(kept) bytes of output were kept for a limit of \(limits.outputBytes)" }
        let isTruncated = result.stdoutTruncated || result.stderrTruncated
        if isTruncated, kept != limits.outputBytes {
            return "the output is called truncated with \(kept) bytes of \(limits.outputBytes)"
        }
        // What outranks the output limit; the job was being ended for it already.
        let outranking: Set<Status> = [.outputLimit, .cancelled, .cpuTimeLimit, .wallTimeLimit, .processLimit]
        if isTruncated, !outranking.contains(result.status) { return "the output is truncated" }
        return Self.text(result.stdout, result.stdoutBytes, result.stdoutTruncated, result.stdoutLossy)
            ?? Self.text(result.stderr, result.stderrBytes, result.stderrTruncated, result.stderrLossy)
    }

    /// A stream's text and what is said about it.
    private static func text(_ text: String, _ bytes: Int, _ isTruncated: Bool, _ isLossy: Bool) -> String? {
        if isLossy { return text.unicodeScalars.contains("\u{FFFD}") ? nil : "an output is called lossy and is not" }
        // A character that the cut went through is left out.
        let count = text.utf8.count
        if count == bytes || isTruncated && count < bytes && count + 3 >= bytes { return nil }
        return Data(base64Encoded: text)?.count == bytes ? nil : "\(bytes) bytes of output have \(count) bytes of text"
    }

    private func usage() -> String? {
        let run = run
        if result.queueTimeMs < 0 || result.setupTimeMs < 0 || run.wallTimeMs < 0 || run.cpuTimeMs < 0 {
            return "a time is below zero"
        }
        guard ran else {
            return run.wallTimeMs == 0 && run.cpuTimeMs == 0 && run.memoryBytes == 0
                ? nil : "it used something without having run"
        }
        guard result.evidence.limits == limits else { return "it ran under other limits" }
        let late = Double(2_000 * timeScale)
        if run.wallTimeMs > Double(limits.wallTimeMs) + late {
            return "it ran for \(run.wallTimeMs) ms of \(limits.wallTimeMs)"
        }
        if run.cpuTimeMs > Double(limits.cpuTimeMs) + late / 4 {
            return "it used \(run.cpuTimeMs) ms of CPU of \(limits.cpuTimeMs)"
        }
        // The quota of some periods can be used at once.
        let share = min(Double(cores), limits.cpus)
        if run.cpuTimeMs > run.wallTimeMs * share + 250 * Double(cores) {
            return "it used \(run.cpuTimeMs) ms of CPU in \(run.wallTimeMs) ms with \(limits.cpus) CPUs"
        }
        return amounts()
    }

    private func amounts() -> String? {
        let evidence = result.evidence
        // A limit below what the sandbox itself needs is exceeded before there is a program.
        let most = max(limits.memoryBytes, 1 << 20) + 1 << 20
        if run.memoryBytes > most { return "it had \(run.memoryBytes) bytes of memory of \(limits.memoryBytes)" }
        if evidence.peak.memoryBytes != run.memoryBytes { return "two peaks of memory" }
        if let processes = evidence.peak.processes, processes > limits.processes {
            return "it had \(processes) processes of \(limits.processes)"
        }
        if let bytes = evidence.peak.diskBytes, !(0...limits.diskBytes).contains(bytes) {
            return "it had \(bytes) bytes of disk of \(limits.diskBytes)"
        }
        if let inodes = evidence.peak.inodes, !(0...limits.inodes).contains(inodes) {
            return "it had \(inodes) inodes of \(limits.inodes)"
        }
        if evidence.events.oomKill < 0 || evidence.events.pidsMax < 0 || evidence.events.throttledMs < 0 {
            return "an event's count is below zero"
        }
        if evidence.deniedSyscalls.contains(where: { $0.name.isEmpty || $0.count < 1 }) {
            return "a refused call without a name or a count"
        }
        // It is ended after a thousand; those that were under way by then are counted too.
        let refused = evidence.deniedSyscalls.reduce(0) { $0 + $1.count }
        return refused > 1_300 ? "\(refused) calls were refused" : nil
    }

    /// Exit code and signal, beside the status.
    private func ending() -> String? {
        let run = run
        if let code = run.exitCode, !(0...255).contains(code) { return "the exit code is \(code)" }
        if run.exitCode != nil, run.signal != nil { return "both an exit code and a signal" }
        switch run.status {
        case .ok: if run.exitCode != 0 { return "ok with exit code \(run.exitCode ?? -1)" }
        case .nonzeroExit: if (run.exitCode ?? 0) == 0 { return "nonzero_exit with no such code" }
        case .signaled: if run.signal?.hasPrefix("SIG") != true { return "signaled without a signal" }
        case .expired, .internalError: return "\(run.status.rawValue): \(result.message ?? "no message")"
        default: break
        }
        if run.status != .signaled, run.signal != nil { return "a signal with \(run.status.rawValue)" }
        if result.message == nil, result.status != .ok, result.status != .nonzeroExit { return "no message" }
        if !ran, result.status != .cancelled { return "nothing ran, yet it is no cancellation" }
        if ran, result.evidence.start == nil { return "it is not said what it was started from" }
        return nil
    }

    /// The status and what bears it out.
    private func verdict() -> String? {
        let (run, evidence) = (run, result.evidence)
        let fired = evidence.firedLimit
        func must(_ isTrue: Bool, _ reason: String) -> String? {
            isTrue ? nil : "\(run.status.rawValue), but \(reason)"
        }
        func fires(_ name: String) -> String? { must(fired == name, "what fired is \(fired ?? "nothing")") }
        switch run.status {
        case .cpuTimeLimit:
            return fires("cpuTimeMs")
                ?? must(run.cpuTimeMs >= Double(limits.cpuTimeMs), "it used \(run.cpuTimeMs) ms")
        case .wallTimeLimit:
            return fires("wallTimeMs")
                ?? must(run.wallTimeMs >= Double(limits.wallTimeMs), "it ran for \(run.wallTimeMs) ms")
        case .outputLimit:
            return fires("outputBytes")
                ?? must(result.stdoutTruncated || result.stderrTruncated, "no output is truncated")
        case .memoryLimit:
            // The supervisor may be faster than the kernel's own killer, and then sees the limit reached.
            let isFull = run.memoryBytes * 10 >= limits.memoryBytes * 9
            return fires("memoryBytes")
                ?? must(
                    evidence.events.oomKill > 0 || isFull,
                    "it had \(run.memoryBytes) bytes and no process was killed")
        case .processLimit:
            return fires("processes") ?? must(evidence.events.pidsMax > 0, "no fork failed")
                ?? must(run.exitCode != 0, "it exited with 0")
        case .diskLimit:
            let isFull =
                fired == "diskBytes"
                ? evidence.peak.diskBytes == limits.diskBytes : evidence.peak.inodes == limits.inodes
            return must(fired == "diskBytes" || fired == "inodes", "what fired is \(fired ?? "nothing")")
                ?? must(isFull, "there was room") ?? must((run.exitCode ?? 0) != 0, "it did not exit with an error")
        case .signaled:
            let isForCalls = fired == "deniedSyscalls" || fired == "watchedSyscalls"
            return must(fired == nil || isForCalls && run.signal == "SIGSYS", "\(fired ?? "") fired")
                ?? must(evidence.events.oomKill == 0, "a process was killed for memory")
                ?? must(isForCalls || evidence.events.pidsMax == 0, "a fork failed")
        case .ok, .nonzeroExit:
            return must(fired == nil, "\(fired ?? "") fired")
                ?? must(evidence.events.oomKill == 0, "a process was killed for memory")
                ?? must(run.status == .ok || evidence.events.pidsMax == 0, "a fork failed")
        default:
            return must(fired == nil, "\(fired ?? "") fired")
        }
    }

    private func collected() -> String? {
        let taken = result.files.filter { $0.skipped == nil }
        if taken.count > CollectedFile.most { return "\(taken.count) files came out" }
        if taken.reduce(0, { $0 + $1.bytes }) > CollectedFile.mostBytes {
            return "more bytes of files than may come out"
        }
        if result.status == .cancelled, !result.files.isEmpty { return "files of a cancelled job" }
        for file in result.files {
            if file.path.hasPrefix("/") || file.path.split(separator: "/").contains("..") {
                return "a file is called \(file.path)"
            }
            if (file.content == nil) != (file.skipped != nil) { return "\(file.path) is neither taken nor left out" }
            if let contents = file.contents, contents.count != file.bytes { return "\(file.path) is not whole" }
        }
        return nil
    }

    private func compilation() -> String? {
        guard let compile = result.compile else {
            return result.status == .compileError ? "compile_error without a compilation" : nil
        }
        if compile.wallTimeMs < 0 || compile.cpuTimeMs < 0 || compile.memoryBytes < 0 {
            return "a compilation below zero"
        }
        if result.status == .compileError {
            if !result.stdout.isEmpty || !result.stderr.isEmpty { return "output of what was not compiled" }
            return nil
        }
        if compile.status != .ok, result.status != .cancelled {
            return "it ran, and its compilation was \(compile.status)"
        }
        return nil
    }
}
