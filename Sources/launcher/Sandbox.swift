import CLinux
import Glibc
import LaunchProtocol
import Linux

/// One sandbox as its slot holds it: parked, then running one job, then dead. It is never used twice.
final class Sandbox {
    let leaf: any CgroupLeaf
    let work: WorkMount
    /// Where init and the job report; its end means that init is gone.
    let report: Descriptor
    /// The job's filter, as it was compiled.
    let filter: FilterProgram
    /// Where the job's filter asks about calls, as long as this sandbox is held; -1 where it asks about none.
    private(set) var listener: Int32 = -1
    private var heldListener: Descriptor?
    private let start: Descriptor
    private let initPid: Int32
    private let initHandle: Descriptor
    private var reaped = false

    /// The driving process's ends of the job's standard streams: stdin to write, stdout and stderr to read. Of a terminal the
    /// first two are its master, and the third is at its end.
    struct Streams: ~Copyable {
        var input: Descriptor
        var output: Descriptor
        var error: Descriptor
    }

    /// A sandbox that waits for its job, and the streams that go to the driving process.
    struct Parked: ~Copyable {
        let sandbox: Sandbox
        let streams: Streams
    }

    /// How long the stubs of a sandbox may take to be ready; until they run the slot is stopped. Generous: it runs into this
    /// only when something is stuck.
    private static let parkTimeout: UInt64 = 60_000_000_000

    /// Sets up a sandbox to the point where its job only has to be executed.
    static func park(
        in slot: borrowing SlotContext, sequence: UInt64
    ) throws(StepFailure) -> Parked {
        let leaf = try slot.cgroups.makeLeaf(
            named: "\(SlotContext.leafPrefix(slot: slot.index))\(sequence)", limits: slot.configuration.standard)
        do throws(StepFailure) {
            let parked = try Sandbox.create(in: slot, leaf: leaf)
            try parked.sandbox.waitUntilParked(asks: slot.jobFilter.asks)
            return parked
        } catch {
            // Everything of a sandbox that failed to come up ends with the descriptors of `parked`; the leaf is left.
            leaf.killAll()
            _ = try? leaf.spent.remove()
            throw error
        }
    }

    private static func create(
        in slot: borrowing SlotContext, leaf: any CgroupLeaf
    ) throws(StepFailure) -> Parked {
        func pipe() throws(StepFailure) -> Pipe {
            try under(.makePipes) { () throws(SystemError) in try Pipe() }
        }
        let report = try pipe()
        let start = try pipe()
        let user = slot.jobUser
        let streams =
            slot.configuration.terminal ? try JobStreams.terminal(owner: user) : try JobStreams.pipes(owner: user)
        let standard = slot.configuration.standard
        let work = try WorkMount(user: user, bytes: standard.disk, inodes: standard.inodes)
        let parts = SandboxParts(
            report: report.writer.raw, slotEndOfReport: report.reader.raw, start: start.reader.raw,
            standardInput: streams.input.raw, standardOutput: streams.output.raw, standardError: streams.error.raw,
            isTerminal: slot.configuration.terminal, leaf: leaf,
            work: work, userNamespace: slot.userNamespace.raw, filter: slot.jobFilter, initFilter: slot.initFilter,
            initUser: slot.configuration.initUser, masks: slot.masks,
            jobStack: slot.jobStack, coreScheduling: slot.configuration.coreScheduling)
        var handle: Int32 = -1
        let pid = Int32(
            try perform(.cloneInit) {
                SandboxInit.birth.clone(
                    parts, on: slot.initStack,
                    flags: protecting("pid namespace", BK_CLONE_NEWPID, else: 0) | BK_CLONE_NEWNS
                        | protecting("ipc namespace", BK_CLONE_NEWIPC, else: 0), cgroup: -1, handle: &handle)
            })
        // Both have changed their identity in this memory.
        try Privileges.hideMemory(step: .cloneInit)
        let sandbox = Sandbox(
            leaf: leaf, work: work, filter: slot.jobFilter.program, report: report.reader, start: start.writer,
            initPid: pid, initHandle: Descriptor(owning: handle))
        return Parked(sandbox: sandbox, streams: streams.outside)
    }

    private init(
        leaf: any CgroupLeaf, work: WorkMount, filter: FilterProgram, report: consuming Descriptor,
        start: consuming Descriptor, initPid: Int32, initHandle: consuming Descriptor
    ) {
        self.leaf = leaf
        self.work = work
        self.filter = filter
        heldListener = nil
        self.report = report
        self.start = start
        self.initPid = initPid
        self.initHandle = initHandle
    }

    deinit {
        // A sandbox that is let go of before `kill` was called, because parking failed.
        if !reaped {
            _ = bk_pidfd_send_signal(initHandle.raw, SIGKILL)
            var status: Int32 = 0
            _ = bk_waitpid(initPid, &status, 0)
        }
    }

    /// - Parameter asks: whether the job's filter asks about calls.
    /// - Throws: `StepFailure`; then the sandbox is of no use.
    private func waitUntilParked(asks: Bool) throws(StepFailure) {
        let deadline = MonotonicClock.now + Self.parkTimeout
        var jobParked = false
        var initReady = false
        while !(jobParked && initReady) {
            var poll = PollSet()
            poll.add(report.raw)
            let now = MonotonicClock.now
            guard now < deadline else { throw StepFailure(.parkTimeout, errno: ETIMEDOUT) }
            try under(.parkTimeout) { () throws(SystemError) in try poll.wait(timeout: deadline - now) }
            guard poll.isReady(0) else { continue }
            guard let record = SetupRecord.receive(from: report.raw) else {
                throw StepFailure(.initDied, errno: ECHILD)
            }
            switch record.kind {
            case .jobParked:
                // A filter that asks, without anybody to answer, would refuse with ENOSYS and count nothing.
                guard protecting("job filter", (record.value >= 0) == asks, else: true) else {
                    throw StepFailure(.takeListener, errno: EBADF)
                }
                if record.value >= 0 {
                    let taken = try takeListener(record.value)
                    listener = taken.raw
                    heldListener = consume taken
                }
                jobParked = true
            case .initReady: initReady = true
            case .failed: throw StepFailure(record.step, errno: record.value)
            case .exited: throw StepFailure(.initDied, errno: ECHILD)
            }
        }
    }

    /// Takes the listener of the job's filter out of the job, which closes its own as it is executed. While nobody holds
    /// one, calls that are asked about answer ENOSYS.
    /// - Parameter number: the descriptor's number in the job.
    /// - Returns: this process's own descriptor of it.
    /// - Throws: `StepFailure`; then the job does not run.
    private func takeListener(_ number: Int32) throws(StepFailure) -> Descriptor {
        // Nothing but the parked job is in the leaf yet, and no code that is not ours has run in it.
        let members = try leaf.members()
        guard members.count == 1, let pid = members.first else { throw StepFailure(.takeListener, errno: ESRCH) }
        let job = Descriptor(owning: try perform(.takeListener) { bk_pidfd_open(pid) })
        let handle = job.raw
        let listener = Descriptor(owning: try perform(.takeListener) { bk_pidfd_getfd(handle, number) })
        let taken = listener.raw
        try perform(.takeListener) { bk_seccomp_prepare_listener(taken) }
        return listener
    }

    /// Lets the parked job execute its program.
    func go(_ job: JobStart) throws(StepFailure) {
        let bytes = ExecImage.make(job)
        var written = 0
        while written < bytes.count {
            let descriptor = start.raw
            written += try performC(.sendStart) {
                bytes.withUnsafeBytes {
                    write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
                }
            }
        }
    }

    /// Kills init, and with it everything in its PID namespace: the one way in which a job is ended, the same on every
    /// kind of host. That is only the beginning of its end.
    func beginKill() throws(StepFailure) {
        guard !reaped else { return }
        // ESRCH: it has ended by itself.
        let result = bk_pidfd_send_signal(initHandle.raw, SIGKILL)
        if result < 0, result != -ESRCH { throw StepFailure(.initDied, errno: -result) }
        // Also where that cannot be told: to lift it for nothing costs little.
        if (try? leaf.isEmpty()) != true { leaf.liftQuota() }
    }

    /// Kills it and comes back when nothing of the sandbox is alive.
    func kill() throws(StepFailure) {
        guard !reaped else { return }
        try beginKill()
        let handle = initHandle.raw
        let deadline = MonotonicClock.now + 10_000_000_000
        var last = false
        while true {
            var poll = PollSet()
            poll.add(handle)
            try under(.initDied) { () throws(SystemError) in try poll.wait(timeout: 5_000_000_000) }
            if poll.isReady(0) { break }
            if last || MonotonicClock.now > deadline { throw StepFailure(.initDied, errno: EBUSY) }
            leaf.killAll()
            last = true
        }
        var status: Int32 = 0
        try perform(.initDied) { bk_waitpid(initPid, &status, 0) }
        reaped = true
    }
}
