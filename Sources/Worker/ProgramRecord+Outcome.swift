import Isolation
import Jobs

extension ProgramRecord {
    /// What the engine and the verdict say of a program; what it wrote is not in it yet.
    init(_ outcome: Outcome, _ verdict: Verdict) {
        self.init(
            exitCode: verdict.exitCode, signal: verdict.signal, message: verdict.message,
            wallTimeMs: outcome.report.wallTime.milliseconds, cpuTimeMs: outcome.report.cpuTime.milliseconds,
            memoryBytes: Int(clamping: outcome.report.memoryPeak),
            stdoutBytes: outcome.standardOutput.bytes.count, stderrBytes: outcome.standardError.bytes.count,
            stdoutTruncated: outcome.standardOutput.isTruncated, stderrTruncated: outcome.standardError.isTruncated)
    }

    /// Puts in what the program wrote, as much of it as was kept.
    mutating func show(output: [UInt8], error: [UInt8], _ encoding: OutputEncoding) {
        stdoutTruncated = stdoutTruncated || output.count < stdoutBytes
        stderrTruncated = stderrTruncated || error.count < stderrBytes
        let output = OutputText(output, isTruncated: stdoutTruncated, encoding: encoding)
        let error = OutputText(error, isTruncated: stderrTruncated, encoding: encoding)
        (stdout, stdoutLossy) = (output.text, output.isLossy)
        (stderr, stderrLossy) = (error.text, error.isLossy)
    }
}
