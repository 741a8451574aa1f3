import Isolation
import JobQueue
import Jobs

/// Between the engine, which moves a job's streams, and the queue, behind which others follow them and send to them.
public struct LiveJob: Sendable {
    let log: LiveLog
    private let input: JobInput?

    init(_ lease: Lease) {
        log = lease.live
        input = lease.input
    }

    /// The field of a request that asks for more standard input than it holds.
    static let pointer = "#/interactive"

    /// Whether an interactive request can be run as one.
    /// - Throws: where nobody could send to it, or what was sent may have been read by an attempt that came to nothing.
    func checkInteractive() throws(RequestProblems) {
        let reason: String
        if log.attempt > 1 {
            reason = "an interactive job is not run again: what was sent to its stdin went with the worker that had it"
        } else if input == nil {
            reason = "only a job that was made by POST /api/jobs can be interactive"
        } else {
            return
        }
        throw RequestProblems(FieldProblem(pointer: Self.pointer, code: .invalidValue, detail: reason))
    }

    /// The program's standard input: this, then what is sent.
    func standardInput(after beginning: [UInt8]) throws(IsolationError) -> SandboxConfiguration.Input? {
        guard let input else { return nil }
        let live = try LiveInput(
            beginning: beginning, onTaken: { [weak input] in input?.took($0) },
            onBroken: { [weak input] in input?.broke() })
        input.attach(InputSink(input: live))
        return .live(live)
    }

    /// The compiler is about to be run.
    func enterCompile() { log.enter(.compile) }

    /// The program is about to be run.
    /// - Returns: where its output is to be collected.
    func enterRun() -> OutputTap {
        let tap = OutputTap()
        log.enter(.run)
        log.collect(from: TappedOutput(tap: tap))
        return tap
    }
}

private struct InputSink: JobInputSink {
    let input: LiveInput

    func write(_ bytes: [UInt8]) { input.write(bytes) }

    func close() { input.close() }
}

private struct TappedOutput: LiveOutput {
    let tap: OutputTap

    func bytes(of stream: LiveStream, from offset: Int, atMost most: Int) -> [UInt8] {
        tap.bytes(of: stream == .stdout ? .output : .error, from: offset, atMost: most)
    }

    func whenMore(_ action: (@Sendable () -> Void)?) { tap.whenMore(action) }
}
