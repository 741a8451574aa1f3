import Isolation
import Jobs

/// What a compile stage came to.
struct Compilation: Sendable {
    /// Why the job ends with it.
    struct Failure: Sendable {
        var status: Status
        /// For people.
        var message: String
        var evidence: Evidence
    }

    enum Yield: Sendable {
        /// The files that the program's sandbox gets in place of the source.
        case products([SandboxConfiguration.File])
        case failure(Failure)
    }

    /// As the job's result shows it.
    var result: CompileResult
    var yield: Yield

    init(result: CompileResult, yield: Yield) {
        self.result = result
        self.yield = yield
    }

    /// - Parameters:
    ///   - outcome: of the compiler's sandbox.
    ///   - limits: what that sandbox was given.
    ///   - products: what the compiler is to make, as the recipe names it.
    init(_ outcome: Outcome, limits: Limits, products: [String]) {
        let verdict = Verdict(outcome, limits: limits)
        let standardOutput = OutputText(outcome.standardOutput.bytes, isTruncated: outcome.standardOutput.isTruncated)
        let standardError = OutputText(outcome.standardError.bytes, isTruncated: outcome.standardError.isTruncated)
        result = CompileResult(
            status: verdict.status, exitCode: verdict.exitCode, signal: verdict.signal, stdout: standardOutput.text,
            stderr: standardError.text, wallTimeMs: outcome.report.wallTime.milliseconds,
            cpuTimeMs: outcome.report.cpuTime.milliseconds, memoryBytes: Int(clamping: outcome.report.memoryPeak),
            cached: false)
        if verdict.status == .cancelled {
            yield = .failure(
                Failure(
                    status: .cancelled, message: "cancelled while it was compiled", evidence: verdict.evidence))
            return
        }
        // A product that is not there is one that the compiler did not make, and perhaps another one was.
        let unusable = outcome.skippedFiles.first { $0.reason != .noSuchFile }
        if verdict.status == .ok, !outcome.files.isEmpty, unusable == nil {
            yield = .products(outcome.files)
            return
        }
        let message: String
        if verdict.status != .ok {
            message = verdict.message.map { "compilation: \($0)" } ?? "the program does not compile"
        } else if let unusable {
            message = "the compiler's product cannot be used: \(unusable.path): \(unusable.reason.words)"
        } else {
            message = "the compiler made none of \(products.joined(separator: ", "))"
        }
        yield = .failure(Failure(status: .compileError, message: message, evidence: verdict.evidence))
    }

    /// Whether it may stand for the next one with the same key. A failure may not: whoever gets it wants the evidence of a
    /// compilation of their own, and the next one may have more luck with a limit.
    var isReusable: Bool {
        if case .products = yield { true } else { false }
    }

    /// What keeping it costs, in bytes.
    var bytes: Int {
        // Covers the fixed fields, the key and the places in tables.
        var bytes = 1_024 + result.stdout.utf8.count + result.stderr.utf8.count
        if case .products(let files) = yield {
            bytes += files.reduce(0) { $0 + 128 + $1.path.utf8.count + $1.contents.count }
        }
        return bytes
    }

    /// The same, as the answer to another job.
    var reused: Compilation {
        var copy = self
        copy.result.cached = true
        return copy
    }
}
