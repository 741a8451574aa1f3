import CLinux
import Glibc
import LaunchProtocol
import Linux

/// One unit of concurrency: a process that stays root, keeps what is the same for all its jobs, and has the next sandbox
/// parked. It talks to the driving process alone and ends with it.
struct Slot: ~Copyable {
    private let context: SlotContext
    private let socket: Descriptor
    private var sandbox: Sandbox?
    private var state = State.spent
    private var sequence: UInt64 = 0
    /// The driving process's number for the sandbox at hand.
    private var number: UInt32 = 0
    private var delivery = FileDelivery()
    /// The runtime that comes up or has come up in the sandbox at hand.
    private var ahead: AheadStart?
    /// Made when the first runtime is started ahead.
    private var hold: FileHold?
    /// Leaves that are still to be removed: those of the last job, and any that a dying process holds.
    private var spentLeaves: [SpentLeaf] = []
    private let processors: UInt64
    private let buffer = MessageBuffer()

    private enum State {
        /// The sandbox takes files and a start.
        case parked
        /// A runtime is coming up in it.
        case starting
        /// That has come up, and takes files and the start of its job.
        case up
        /// Its job has ended; files can be collected.
        case ended
        /// Nothing more can be had of it but `release`.
        case spent
    }

    /// The slot is of no more use, whatever it has offered.
    private struct Retired: Error, CustomStringConvertible {
        let failure: StepFailure

        var description: String { "\(failure.step.name): \(SystemError.text(failure.errno))" }
    }

    /// The body of a slot's process.
    static func run(
        index: UInt16, image: String, policy: Int, launcher: borrowing Launcher, socket: consuming Descriptor
    ) -> Never {
        let context: SlotContext
        do throws(StepFailure) {
            context = try prepare(index: index, image: image, policy: policy, launcher: launcher)
        } catch {
            refuse(error, index: index, socket: socket.raw)
        }
        do {
            var slot = Slot(context: context, socket: socket)
            try slot.serve()
            _exit(0)
        } catch let failure as StepFailure {
            complain("slot \(index): \(failure.step.name): \(SystemError.text(failure.errno))")
            _exit(1)
        } catch {
            complain("slot \(index): \(error)")
            _exit(1)
        }
    }

    /// Ends a slot that cannot be set up. The driving process hears which step failed, and has the words for it.
    static func refuse(_ failure: StepFailure, index: UInt16, socket: Int32) -> Never {
        let bytes = SlotReply.notSetUp(failure).encoded()
        if bk_send(socket, bytes, UInt64(bytes.count), nil, 0) < 0 {
            complain("slot \(index): \(failure.step.name): \(SystemError.text(failure.errno))")
        }
        _exit(1)
    }

    /// What is done once: namespaces, file system, user namespace.
    private static func prepare(
        index: UInt16, image: String, policy: Int, launcher: borrowing Launcher
    ) throws(StepFailure) -> SlotContext {
        let configuration = launcher.configuration
        // While the host's /proc is in view.
        let masks = ProcMasks()
        let userNamespace = try UserNamespace.make(hostUser: configuration.firstJobUser + UInt32(index))
        // No cgroup namespace: with systemd's nsdelegate its root's limit files would answer EPERM.
        try perform(.slotNamespaces) {
            bk_unshare(
                BK_CLONE_NEWNS | protecting("uts namespace", BK_CLONE_NEWUTS, else: 0)
                    | protecting("network namespace", BK_CLONE_NEWNET, else: 0))
        }
        let host = protecting("uts namespace", "sandbox", else: "")
        let network = try SlotNetwork()
        if !host.isEmpty { try perform(.hostname) { bk_sethostname(host, Int32(host.utf8.count)) } }
        try perform(.privateMounts) { bk_mount("none", "/", nil, BK_MS_REC | BK_MS_PRIVATE, nil) }
        try SlotRoot.enter(image: image, mountFolder: configuration.mountFolder)
        return SlotContext(
            index: index, configuration: configuration, cgroups: launcher.cgroups, initFilter: launcher.filters[0],
            jobFilter: launcher.filters[policy], masks: masks, userNamespace: userNamespace,
            network: network, initStack: try Birth.Stack(), jobStack: try Birth.Stack())
    }

    private init(context: consuming SlotContext, socket: consuming Descriptor) {
        self.context = context
        self.socket = socket
        processors = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    private mutating func serve() throws {
        do {
            try converse()
        } catch is Supervision.Abandoned {
            try takeDown()
        }
    }

    private mutating func converse() throws {
        try parkNext()
        while true {
            var poll = PollSet()
            poll.add(socket.raw)
            // A parked sandbox that dies says so before its job is sent; what is over needs no watching.
            let report = poll.add(state == .parked ? sandbox?.report.raw ?? -1 : -1)
            let watch = ahead?.watch(in: &poll)
            if state == .starting, let ahead {
                try poll.wait(until: ahead.deadline)
            } else {
                try poll.wait()
            }
            if poll.isReady(report) { try lostWhileParked() }
            if let watch { try attend(to: watch, in: poll) }
            guard poll.isReady(0) else { continue }
            guard let request = try receive(blocking: true) else { return try takeDown() }
            do {
                try handle(request)
            } catch let failure as StepFailure {
                state = .spent
                try send(.failed(failure))
            }
        }
    }

    private mutating func handle(_ request: SlotRequest) throws {
        switch (request, state) {
        case (.startAhead(let start, let opens), .parked):
            try startAhead(start, opening: opens)
        case (.file(let path, let begins, let executable, let bytes), .parked),
            (.file(let path, let begins, let executable, let bytes), .up):
            guard let sandbox else { throw StepFailure(.protocolViolation, errno: EPROTO) }
            try delivery.take(
                path: path, begins: begins, executable: executable, bytes: bytes, into: sandbox.work.box,
                owner: context.jobUser)
        case (.start(let job), .parked), (.start(let job), .up):
            try run(job)
        case (.collect(let patterns, let maximumBytes, let maximumFiles), .ended):
            guard let sandbox else { throw StepFailure(.protocolViolation, errno: EPROTO) }
            // Nothing may be alive while root reads what a job has left.
            try sandbox.kill()
            // A job that was ended before it was let go has left its main file held, and whoever opens it, this process too.
            try hold?.letGo()
            var collection = FileCollection(patterns, maximumBytes: maximumBytes, maximumFiles: maximumFiles)
            try collection.run(from: sandbox.work.box) { reply in try send(reply) }
        case (.release(let next), _):
            number = next
            // The last one ends while the next is set up.
            try sandbox?.beginKill()
            try parkNext()
            // Only now, because the next job may be here already: a slot that cannot must end, so that the job is given to
            // another.
            do throws(StepFailure) { try removeLeaves() } catch { throw Retired(failure: error) }
        case (.stop, _), (.startAhead, .spent), (.file, .spent), (.start, .spent), (.collect, .spent):
            // Sent before the driving process could know how the job ended, or that the sandbox failed.
            break
        default:
            throw StepFailure(.protocolViolation, errno: EPROTO)
        }
    }

    private mutating func run(_ job: JobStart) throws {
        guard let sandbox else { throw StepFailure(.protocolViolation, errno: EPROTO) }
        guard job.limits.isWithin(context.configuration.maximum) else { throw StepFailure(.checkLimits, errno: ERANGE) }
        let ahead = self.ahead
        if let ahead {
            // Nothing else may run where it was said to be this program, nor one whose main file is missing.
            guard ahead.serves(job), delivery.isComplete else { throw StepFailure(.protocolViolation, errno: EPROTO) }
        }
        self.ahead = nil
        delivery = FileDelivery()
        state = .spent
        var supervision = Supervision(
            sandbox: sandbox, ahead: ahead, limits: job.limits, processors: processors,
            mostWatchedCalls: context.configuration.mostWatchedCalls)
        let socket = self.socket.raw
        let buffer = self.buffer
        let report = try supervision.run(job, control: self.socket) {
            switch Self.receive(from: socket, into: buffer, nonblocking: true) {
            case .request(.stop(let reason)): .stop(reason)
            case .nothing: nil
            default: .gone
            }
        }
        state = .ended
        try send(.ended(report))
    }

    private mutating func startAhead(_ start: JobStart, opening path: String) throws {
        guard let sandbox else { throw StepFailure(.protocolViolation, errno: EPROTO) }
        do throws(StepFailure) {
            let maximum = context.configuration.maximum
            guard start.limits.isWithin(maximum) else { throw StepFailure(.checkLimits, errno: ERANGE) }
            let hold: FileHold
            if let made = self.hold { hold = made } else { hold = try FileHold() }
            self.hold = hold
            let file = try delivery.announce(path, in: sandbox.work.box, owner: context.jobUser)
            ahead = try AheadStart(
                start, file: file, in: sandbox, hold: hold, user: context.jobUser, maximum: maximum,
                mostWatchedCalls: context.configuration.mostWatchedCalls)
            state = .starting
        } catch {
            try giveUpRuntime(error)
        }
    }

    private mutating func attend(to watch: AheadStart.Watch, in poll: PollSet) throws {
        guard let ahead, let sandbox else { return }
        let memory: UInt64
        do throws(StepFailure) {
            guard try ahead.attend(to: watch, in: poll) else { return }
            memory = try sandbox.leaf.counters().memoryPeak
        } catch {
            return try giveUpRuntime(error)
        }
        state = .up
        try send(.startedAhead(number: number, memory: memory))
    }

    private mutating func giveUpRuntime(_ failure: StepFailure) throws {
        state = .spent
        ahead = nil
        try sandbox?.kill()
        try send(.notStartedAhead(number: number, failure))
    }

    private mutating func lostWhileParked() throws {
        state = .spent
        try sandbox?.kill()
        try send(.failed(StepFailure(.initDied, errno: ECHILD)))
    }

    /// Sets the next sandbox up, ends the last, if there is one, and only then lets a job come.
    private mutating func parkNext() throws {
        sequence += 1
        let next: Sandbox.Parked
        do throws(StepFailure) {
            next = try Sandbox.park(in: context, sequence: sequence)
        } catch {
            try endSandbox()
            try send(.failed(error))
            return
        }
        do {
            try endSandbox()
        } catch {
            // The next one ends here, and its leaf must not stay.
            spentLeaves.append(next.sandbox.leaf.spent)
            throw error
        }
        sandbox = next.sandbox
        state = .parked
        try send(
            .parked(number: number),
            descriptors: [next.streams.input.raw, next.streams.output.raw, next.streams.error.raw])
    }

    /// Ends the sandbox and removes its leaf.
    private mutating func takeDown() throws {
        try endSandbox()
        try removeLeaves()
    }

    /// Ends the sandbox, if there is one; its leaf is left.
    private mutating func endSandbox() throws {
        delivery = FileDelivery()
        ahead = nil
        state = .spent
        if let sandbox {
            try sandbox.kill()
            // What it would have opened is nobody's any more.
            try hold?.letGo()
            spentLeaves.append(sandbox.leaf.spent)
            try context.network.becomeEmpty()
        }
        sandbox = nil
    }

    /// Removes the leaves of jobs that have ended; those that cannot be yet are tried again the next time.
    private mutating func removeLeaves() throws(StepFailure) {
        var left: [SpentLeaf] = []
        for leaf in spentLeaves {
            if try !leaf.remove() { left.append(leaf) }
        }
        spentLeaves = left
        // The launcher sweeps what a slot leaves when it ends; one that cannot remove anything must not go on.
        if left.count > 64 { throw StepFailure(.removeCgroup, errno: EBUSY) }
    }

    private enum Received {
        case request(SlotRequest)
        case nothing
        case ended
        case malformed(MalformedMessage)
    }

    private static func receive(from socket: Int32, into buffer: MessageBuffer, nonblocking: Bool) -> Received {
        // No descriptor is ever taken from the driving process.
        var descriptors: Int32 = 0
        var count = -Int64(EINTR)
        while count == -Int64(EINTR) {
            descriptors = 0
            count = bk_receive(
                socket, buffer.bytes.baseAddress, UInt64(buffer.bytes.count), nil, &descriptors, nonblocking ? 1 : 0)
        }
        if count == -Int64(EAGAIN) { return .nothing }
        if count == 0 || count == -Int64(ECONNRESET) { return .ended }
        if count < 0 { return .malformed(MalformedMessage("receive: errno \(-count)")) }
        do {
            return .request(try SlotRequest(decoding: buffer.bytes[0..<Int(count)]))
        } catch {
            return .malformed(error)
        }
    }

    /// The next request; nil when the driving process is gone.
    private func receive(blocking: Bool) throws -> SlotRequest? {
        switch Self.receive(from: socket.raw, into: buffer, nonblocking: !blocking) {
        case .request(let request): return request
        case .ended: return nil
        case .nothing: throw StepFailure(.protocolViolation, errno: EAGAIN)
        case .malformed(let error): throw error
        }
    }

    private func send(_ reply: SlotReply, descriptors: [Int32] = []) throws {
        let bytes = reply.encoded()
        do throws(SystemError) {
            try attempt("send to the driving process") {
                bk_send(socket.raw, bytes, UInt64(bytes.count), descriptors, Int32(descriptors.count))
            }
        } catch {
            // It went away while this was on its way, which is how every slot of an ending service ends.
            if error.errno == EPIPE { throw Supervision.Abandoned() }
            throw error
        }
    }
}

/// Where a slot receives its messages: made once, for the kernel clears every page of a fresh one.
private final class MessageBuffer {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: maximumMessageSize, alignment: 16)

    deinit { bytes.deallocate() }
}
