import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The driving process's side of one slot, for one thread at a time: sends a job in, keeps its streams moving and bounded, and
/// takes the report and the files out.
final class SlotConversation {
    private let socket: Descriptor
    private var streams: Streams?
    private var buffer = [UInt8](repeating: 0, count: maximumMessageSize)
    /// Whether the slot died after its last job had ended.
    private(set) var isOver = false
    /// How far the start of the job at hand has come.
    private enum Start {
        case notSent
        /// Nothing was sent after it and nothing was answered since.
        case sentLast
        case perhapsRead
    }
    private var start = Start.notSent
    /// Sandboxes that failed since the last job.
    private var parkFailures = 0
    /// Counts the sandboxes: what the slot says of an earlier one than this no longer counts.
    private var number: UInt32 = 0
    /// The runtime that was to come up in the sandbox at hand.
    private var runtime: Runtime?
    private var isRuntimeUp = false
    /// What that came to.
    private var aheadResult: AheadResult?
    /// What `beginIfParked` came to, until `run` takes it up.
    private var begun: Result<Begun, any Error>?

    /// A job whose start has been sent.
    private struct Begun {
        /// When the job came, and when its start was sent.
        var arrived: UInt64
        var started: UInt64
        var from: Outcome.Start
    }

    private struct Streams {
        var input: Int32
        var output: Int32
        var error: Int32

        func closeAll() { for descriptor in [input, output, error] where descriptor >= 0 { close(descriptor) } }
    }

    /// The runtime that was to serve the job had ended before the job was started.
    private struct LostRuntime: Error {}

    /// The slot is gone or does not keep to the protocol: it cannot be used again.
    struct Broken: Error {
        var reason: IsolationError
    }

    init(socket: consuming Descriptor) {
        self.socket = socket
    }

    deinit { streams?.closeAll() }

    /// The most bytes of files that are sent without waiting: a slot that is parked has read everything before them, and
    /// they fit into what the kernel keeps for a socket (net.core.wmem_default).
    private static let mostAtOnce = 32 << 10

    /// Sends a job to a sandbox that is parked already, without waiting for anything, so that it starts while the thread
    /// that will `run` it is still waking up. Does nothing where that cannot be done.
    func beginIfParked(_ configuration: SandboxConfiguration) {
        guard configuration.files.count <= 8,
            configuration.files.reduce(0, { $0 + $1.contents.count }) <= Self.mostAtOnce
        else { return }
        start = .notSent
        let arrived = MonotonicClock.now
        do {
            guard try isReady(for: configuration.runtime) else { return }
            begun = .success(try begin(configuration, arrived: arrived, from: isRuntimeUp ? .prestarted : .slot))
        } catch {
            begun = .failure(error)
        }
    }

    /// Runs one job, begun or not, and leaves the slot parking its next sandbox.
    /// - Throws: `IsolationError` when the job did not run; `Broken` when the slot is of no more use.
    func run(
        _ configuration: SandboxConfiguration, cancellation: Cancellation, onOutput: OutputObserver?
    ) throws -> Outcome {
        do {
            let begun: Begun
            if let early = self.begun {
                self.begun = nil
                begun = try early.get()
            } else {
                start = .notSent
                let arrived = MonotonicClock.now
                let from = try waitUntilReady(for: configuration.runtime)
                begun = try begin(configuration, arrived: arrived, from: from)
            }
            let outcome: Outcome
            do {
                outcome = try finish(configuration, begun, cancellation: cancellation, onOutput: onOutput)
            } catch is LostRuntime {
                // Nothing of the job has run, and nothing of it is lost.
                try release()
                start = .notSent
                let from = try waitUntilReady(for: nil)
                let again = try begin(configuration, arrived: begun.arrived, from: from)
                outcome = try finish(configuration, again, cancellation: cancellation, onOutput: onOutput)
            }
            // The job has its verdict; a slot that dies from here on is the next job's concern, and is not given one.
            do { try release() } catch is Broken { isOver = true }
            return outcome
        } catch let error as IsolationError {
            try release()
            throw error
        } catch var error as Broken where error.reason.code == .slotDied && start == .notSent {
            error.reason.code = .slotLost
            throw error
        }
    }

    /// Waits until the slot is set up and its first sandbox is.
    /// - Throws: `Broken` where that cannot be.
    func waitUntilSetUp() throws { while streams == nil { try hearWhileParking() } }

    /// Has a runtime come up in the next sandbox, or in none. Waits for nothing, and what fails is the next job's to hear of.
    func prepare(_ runtime: Runtime?) {
        guard runtime != self.runtime else { return }
        do {
            if self.runtime != nil { try release() }
            guard let runtime else { return }
            try send(runtime.request)
            self.runtime = runtime
        } catch {
            // The slot is gone. The next job finds out, and is given to another.
        }
    }

    /// Whether a sandbox in which nothing has gone wrong waits now, with the runtime of the job where there is one.
    private func isReady(for wanted: Runtime?) throws -> Bool {
        guard runtime == nil || runtime == wanted else { return false }
        while !isParked {
            guard try hasMessage() else { return false }
            try hearWhileParking()
        }
        // What came after it was parked is for those to see who can wait for another.
        return try !hasMessage()
    }

    /// Whether the sandbox is set up as far as it is to be.
    private var isParked: Bool { streams != nil && (runtime == nil || isRuntimeUp) }

    /// Waits for a sandbox in which nothing has gone wrong. One in which another runtime came up makes room.
    /// - Returns: what the job starts from.
    private func waitUntilReady(for wanted: Runtime?) throws -> Outcome.Start {
        var isWarm = parkFailures == 0
        if runtime != nil, runtime != wanted {
            isWarm = false
            try release()
        }
        let patience = MonotonicClock.now + Self.runtimePatience
        while true {
            if try !hasMessage() {
                if isParked { return isRuntimeUp ? .prestarted : isWarm ? .slot : .cold }
                isWarm = false
            }
            if let runtime, streams != nil, try !hasMessage(before: patience) {
                // It may never come up; the job starts its own.
                aheadResult = AheadResult(
                    runtime: runtime, yield: .failure(StepFailure(.startRuntime, errno: ETIMEDOUT)))
                try release()
            }
            try hearWhileParking()
            if parkFailures > 0 { isWarm = false }
        }
    }

    /// What fails while no job is there belongs to none, so one failure, of a sandbox that died while it waited say, is made
    /// good by parking another; and where a runtime does not come up, the job's own start will say why.
    private func hearWhileParking() throws {
        switch try receive(timeout: 90_000_000_000) {
        case .parked(let number):
            guard number != self.number || streams != nil else { throw broken("a sandbox without streams") }
        case .startedAhead(let number, let memory):
            guard number == self.number, let runtime else { return }
            isRuntimeUp = true
            aheadResult = AheadResult(runtime: runtime, yield: .success(memory))
        case .notStartedAhead(let number, let failure):
            guard number == self.number, let runtime else { return }
            // One that was up has only been lost, like any sandbox that dies while it waits.
            if !isRuntimeUp { aheadResult = AheadResult(runtime: runtime, yield: .failure(failure)) }
            try release()
        case .failed(let failure):
            parkFailures += 1
            // A slot that can set up no sandbox is of no more use. What comes in its place is set up anew.
            guard parkFailures < 2 else { throw Broken(reason: IsolationError(failure, code: .notSetUp)) }
            try release()
        default: throw broken("unexpected message while parking")
        }
    }

    /// How long a job waits for a runtime that is still coming up, in nanoseconds: what it would take to start its own.
    private static let runtimePatience: UInt64 = 2_000_000_000

    /// Whether the slot has said something; waits for that until `deadline`.
    private func hasMessage(before deadline: UInt64 = 0) throws -> Bool {
        var poll = PollSet()
        poll.add(socket.raw)
        try poll.wait(until: deadline)
        return poll.isReady(0)
    }

    private func release() throws {
        streams?.closeAll()
        streams = nil
        runtime = nil
        isRuntimeUp = false
        number &+= 1
        try send(.release(next: number))
    }

    private func begin(_ configuration: SandboxConfiguration, arrived: UInt64, from: Outcome.Start) throws -> Begun {
        parkFailures = 0
        let message = try configuration.start()
        for file in configuration.files { try deliver(file) }
        if let terminal = configuration.terminal { try terminal.apply(to: streams?.output ?? -1) }
        let started = MonotonicClock.now
        try send(message)
        // What came out of a descriptor and into this sandbox is lost with it: such a job cannot be given to another slot.
        if case .bytes = configuration.standardInput { start = .sentLast } else { start = .perhapsRead }
        return Begun(arrived: arrived, started: started, from: from)
    }

    private func finish(
        _ configuration: SandboxConfiguration, _ begun: Begun, cancellation: Cancellation, onOutput: OutputObserver?
    ) throws -> Outcome {
        // While the job starts. What was lost until then, to whatever kept this thread from it, is not seen.
        let before = Contention()
        var run = try watch(configuration, cancellation: cancellation, onOutput: onOutput)
        if run.outputExceeded {
            run.report.fired.insert(.output)
            // The program came to its end before the slot heard of it.
            run.report.firedAt = run.report.firedAt ?? run.report.wallTime
        }
        var outcome = Outcome(
            report: run.report, standardOutput: run.output, standardError: run.error, files: [], skippedFiles: [],
            start: begun.from, setupTime: begun.started - begun.arrived,
            isContended: before.exceeds(duration: run.report.wallTime), ahead: aheadResult)
        aheadResult = nil
        let isWanted = configuration.collectsAlways ? outcome.ending != .cancelled : outcome.ending == .exited(0)
        if !configuration.collect.isEmpty, isWanted { try collect(configuration, into: &outcome) }
        return outcome
    }

    private func deliver(_ file: SandboxConfiguration.File) throws {
        var rest = file.contents[...]
        var begins = true
        repeat {
            let chunk = rest.prefix(SlotRequest.chunkSize)
            rest = rest.dropFirst(chunk.count)
            try send(
                .file(path: file.path, begins: begins, executable: file.isExecutable, bytes: Array(chunk)))
            begins = false
        } while !rest.isEmpty
    }

    private struct Run {
        var report: SandboxReport
        var output: Outcome.Stream
        var error: Outcome.Stream
        var outputExceeded: Bool
    }

    private func watch(
        _ configuration: SandboxConfiguration, cancellation: Cancellation, onOutput: OutputObserver?
    ) throws -> Run {
        guard var streams else { throw broken("no streams") }
        for descriptor in [streams.input, streams.output, streams.error] {
            try attempt("nonblocking") { bk_set_nonblocking(descriptor) }
        }
        var collector = OutputCollector(
            limit: configuration.outputLimit, observer: onOutput, tap: configuration.tap ?? OutputTap(),
            passesOn: configuration.terminal != nil)
        var feed = InputFeed(configuration.standardInput)
        var isCancelled = false
        var stopSent = false
        // The slot keeps the deadline; this one only notices a slot that does not.
        let backstop = MonotonicClock.now + configuration.limits.wallTime + 60_000_000_000
        defer { self.streams = streams }
        feed.closeIfOver(&streams.input)
        while true {
            var poll = PollSet()
            let reply = poll.add(socket.raw)
            let output = poll.add(streams.output)
            let error = poll.add(streams.error)
            let waitsForSource = feed.waitsForSource
            let stdin = poll.add(waitsForSource ? feed.source : streams.input, for: waitsForSource ? POLLIN : POLLOUT)
            let cancelled = poll.add(isCancelled ? -1 : cancellation.descriptor)
            let resized = poll.add(streams.output >= 0 ? configuration.terminal?.descriptor ?? -1 : -1)
            let now = MonotonicClock.now
            guard now < backstop else { throw broken("the slot does not answer") }
            try poll.wait(timeout: backstop - now)
            if poll.isReady(output) { try collector.read(from: &streams.output, stream: .output) }
            if poll.isReady(error) { try collector.read(from: &streams.error, stream: .error) }
            if poll.isReady(resized), streams.output >= 0 { try configuration.terminal?.apply(to: streams.output) }
            if poll.isReady(stdin) { feed.move(to: &streams.input) }
            if collector.isExceeded, configuration.endsAtOutputLimit, !stopSent {
                stopSent = true
                try send(.stop(.output))
            }
            if !isCancelled, poll.isReady(cancelled) {
                isCancelled = true
                try send(.stop(.cancelled))
            }
            guard poll.isReady(reply) else { continue }
            switch try receive(timeout: nil) {
            case .ended(let report):
                // Nothing writes any more: what is in the pipes now is all there will be.
                try collector.drain(&streams.output, stream: .output)
                try collector.drain(&streams.error, stream: .error)
                let kept = collector.streams
                return Run(
                    report: report, output: kept.output, error: kept.error,
                    outputExceeded: collector.isExceeded && configuration.endsAtOutputLimit)
            case .failed(let failure): throw IsolationError(failure)
            case .notStartedAhead(let number, let failure) where number == self.number:
                // What came out of a descriptor is lost with the sandbox.
                guard case .bytes = configuration.standardInput else { throw IsolationError(failure) }
                throw LostRuntime()
            default: throw broken("unexpected message while a job runs")
            }
        }
    }

    private func collect(_ configuration: SandboxConfiguration, into outcome: inout Outcome) throws {
        let most = configuration.collectCount
        try send(
            .collect(
                patterns: try configuration.patterns(), maximumBytes: UInt64(configuration.collectLimit),
                maximumFiles: UInt16(most)))
        var left = configuration.collectLimit
        while true {
            switch try receive(timeout: 60_000_000_000) {
            case .file(let name, let begins, let executable, let bytes):
                left -= bytes.count
                guard left >= 0 else { throw broken("more collected than asked for") }
                if begins {
                    guard outcome.files.count < most else { throw broken("more files than asked for") }
                    outcome.files.append(.init(path: name, contents: bytes, isExecutable: executable))
                } else if let last = outcome.files.indices.last,
                    outcome.files[last].path.utf8.elementsEqual(name.utf8)
                {
                    outcome.files[last].contents.append(contentsOf: bytes)
                } else {
                    throw broken("a part of a file that did not begin")
                }
            case .skipped(let path, let reason, let bytes):
                guard outcome.skippedFiles.count < 1_024 else { throw broken("no end of files left out") }
                outcome.skippedFiles.append(.init(path, reason: reason, bytes: bytes))
            case .collected(let unlisted):
                outcome.unlistedFiles = Int(unlisted)
                return
            case .failed(let failure): throw IsolationError(failure)
            default: throw broken("unexpected message while collecting")
            }
        }
    }

    private func broken(_ reason: String) -> Broken {
        Broken(reason: IsolationError(.protocolViolation, reason))
    }

    private func send(_ request: SlotRequest) throws {
        let bytes = request.encoded()
        if start == .sentLast { start = .perhapsRead }
        do {
            try attempt("send to the slot") { bk_send(socket.raw, bytes, UInt64(bytes.count), nil, 0) }
        } catch {
            throw hasEnded("the slot has ended (\(error))")
        }
    }

    /// - Returns: why a slot that is gone is: the step in which it could not be set up, where it left that behind.
    private func hasEnded(_ words: String) -> Broken {
        var descriptors: [Int32] = [-1, -1, -1]
        while true {
            var count: Int32 = 3
            let size = bk_receive(socket.raw, &buffer, UInt64(buffer.count), &descriptors, &count, 1)
            for descriptor in descriptors.prefix(Int(max(0, count))) where size > 0 { close(descriptor) }
            // The kernel says once that something was left unread, and then gives what had been sent before.
            if size == -Int64(ECONNRESET) || size == -Int64(EINTR) { continue }
            guard size > 0 else { return Broken(reason: IsolationError(.slotDied, words)) }
            if case .notSetUp(let failure) = try? SlotReply(decoding: buffer[0..<Int(size)]) {
                return Broken(reason: IsolationError(failure, code: .notSetUp))
            }
        }
    }

    private func receive(timeout: UInt64?) throws -> SlotReply {
        if let timeout {
            var poll = PollSet()
            poll.add(socket.raw)
            let deadline = MonotonicClock.now + timeout
            while !poll.isReady(0) {
                let now = MonotonicClock.now
                guard now < deadline else { throw broken("the slot does not answer") }
                try poll.wait(timeout: deadline - now)
            }
        }
        var descriptors: [Int32] = [-1, -1, -1]
        var descriptorCount: Int32 = 3
        let count: Int64
        do {
            count = try attempt("receive from the slot") { () -> Int64 in
                descriptorCount = 3
                let count = bk_receive(socket.raw, &buffer, UInt64(buffer.count), &descriptors, &descriptorCount, 0)
                guard count == -Int64(ECONNRESET) else { return count }
                // A Unix socket says so where its other end was closed with messages unread, and what was sent last is
                // among them: a slot that had not read the start has started nothing.
                if start == .sentLast { start = .notSent }
                return 0
            }
        } catch {
            throw broken("the slot's connection failed (\(error))")
        }
        if count == 0 { throw hasEnded("the slot has ended") }
        if start == .sentLast { start = .perhapsRead }
        let came = Streams(input: descriptors[0], output: descriptors[1], error: descriptors[2])
        do {
            let reply = try SlotReply(decoding: buffer[0..<Int(count)])
            if case .parked(self.number) = reply, descriptorCount == 3 {
                streams?.closeAll()
                streams = came
            } else if descriptorCount > 0 {
                came.closeAll()
            }
            if case .notSetUp(let failure) = reply {
                throw Broken(reason: IsolationError(failure, code: .notSetUp))
            }
            return reply
        } catch let error as MalformedMessage {
            if descriptorCount > 0 { came.closeAll() }
            throw broken(error.reason)
        }
    }
}
