import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The root process that forks slots and cleans up after them. It runs no job itself and reads nothing but its own few
/// messages.
struct Launcher: ~Copyable {
    let configuration: LauncherConfiguration
    let cgroups: any CgroupDriver
    /// PID 1's filter, then the policies by index.
    let filters: [Filter]
    private var slots: [RunningSlot] = []
    /// Slots that have ended but whose control groups could not be removed yet.
    private var unswept: [UInt16] = []
    /// Ends of children, and the requests to stop.
    private let signals: Descriptor
    /// Slots that were asked for while every number was taken, in order. A slot that is being taken down still has its
    /// number, and the driving process does not know for how long.
    private var awaited: [(image: Int, policy: Int)] = []
    /// Messages that were none.
    private var malformed: UInt64 = 0

    /// As many as two sandboxes need, with what a slot keeps.
    private static let descriptorsOfSlot: Int32 = 128

    private struct RunningSlot {
        var index: UInt16
        /// Not reaped by anybody but the launcher, so it stays this slot's until then.
        var pid: Int32
    }

    init(configuration: LauncherConfiguration) throws(StepFailure) {
        var filters: [Filter] = []
        for number in 0..<Int32(configuration.filters) {
            filters.append(
                try Filter(from: LauncherDescriptor.firstFilter + number, of: number == 0 ? .initProcess : .job))
        }
        func open(_ path: String) throws(StepFailure) -> Int32 {
            try perform(.openCgroup) { bk_open(path, O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0) }
        }
        var folders: [Int32] = []
        for path in configuration.cgroupFolders { folders.append(try open(path)) }
        let cgroups: any CgroupDriver
        switch configuration.hierarchy {
        case .unified:
            cgroups = UnifiedCgroupDriver(folder: folders[0])
        case .legacy:
            cgroups = LegacyCgroupDriver(
                folders: .init(memory: folders[0], pids: folders[1], cpu: folders[2], accounting: folders[3]),
                unifiedAccounting: configuration.unifiedAccounting)
        }
        // The inits of a slot that was killed become children of the launcher, which reaps them.
        try perform(.privateMounts) { bk_prctl(BK_PR_SET_CHILD_SUBREAPER, 1, 0) }
        // A namespace of its own: what the host mounts later does not appear in it, nor the other way round.
        try perform(.privateMounts) { bk_unshare(BK_CLONE_NEWNS) }
        try perform(.privateMounts) { bk_mount("none", "/", nil, BK_MS_REC | BK_MS_PRIVATE, nil) }
        // In a container the runtime has made /proc/sys read-only, by a mount over it. The limits of a user namespace are
        // written there (UserNamespace), so the launcher has a /proc of its own, which nobody else sees.
        var limits = statvfs()
        try performC(.privateMounts) { statvfs("/proc/sys", &limits) }
        if limits.f_flag & UInt(ST_RDONLY) != 0 {
            try perform(.privateMounts) {
                bk_mount("proc", "/proc", "proc", BK_MS_NOSUID | BK_MS_NODEV | BK_MS_NOEXEC, nil)
            }
        }
        let signals = Descriptor(owning: try perform(.readConfiguration) { bk_launcher_signalfd() })
        self.configuration = configuration
        self.cgroups = cgroups
        self.filters = filters
        self.signals = signals
    }

    /// Serves the driving process until it is gone.
    mutating func serve() throws {
        try send(.ready)
        while true {
            var poll = PollSet()
            poll.add(LauncherDescriptor.control)
            poll.add(signals.raw)
            try poll.wait(timeout: unswept.isEmpty ? nil : 1_000_000_000)
            try sweepEndedSlots(patience: 0)
            // Before the look at the children: the signal of one that ends after it stays to be read.
            let stops = try takeSignals()
            try reap()
            while !awaited.isEmpty, slots.count + unswept.count < Int(configuration.slots) {
                let next = awaited.removeFirst()
                try openSlot(image: next.image, policy: next.policy)
            }
            if stops { return }
            if poll.isReady(0) {
                switch try receive() {
                case .ended: return
                case .malformed(let reason):
                    // Each message stands for itself on this socket, so one that is none disturbs no other; and a driving
                    // process that was broken into gains nothing by sending it.
                    if malformed < 10 { complain("a message was refused: \(reason)") }
                    malformed += 1
                case .request(.openSlot(let image, let policy)):
                    // Nobody overtakes: the answers come in the order of the requests.
                    if awaited.isEmpty, slots.count + unswept.count < Int(configuration.slots) {
                        try openSlot(image: Int(image), policy: Int(policy))
                    } else if awaited.count < Int(configuration.slots) {
                        awaited.append((Int(image), Int(policy)))
                    } else {
                        try send(.slotRefused(StepFailure(.protocolViolation, errno: EAGAIN)))
                    }
                case .request(.killSlot(let index)):
                    // Its end is seen as any other.
                    for slot in slots where slot.index == index { kill(slot.pid, SIGKILL) }
                case .request(.ask): try send(.answer)
                }
            }
        }
    }

    /// Ends every slot and removes everything that carries the instance's mark.
    mutating func shutDown() throws {
        // Slots end by themselves when the driving process is gone, and reap their sandboxes; those that do not, or whose
        // driving process lives, are killed.
        let deadline = MonotonicClock.now + 2_000_000_000
        while true {
            // Before any wait: the signals of slots that have ended may have been read by one that failed.
            try reap(announce: false)
            if slots.isEmpty { break }
            let now = MonotonicClock.now
            if now >= deadline { for slot in slots { kill(slot.pid, SIGKILL) } }
            var poll = PollSet()
            poll.add(signals.raw)
            try poll.wait(timeout: now < deadline ? deadline - now : nil)
            _ = try takeSignals()
        }
        try cgroups.sweep(prefix: "", patience: CgroupTree.usualPatience)
        for folder in configuration.cgroupFolders { rmdir(folder) }
        rmdir(configuration.mountFolder)
    }

    private mutating func openSlot(image: Int, policy: Int) throws {
        do {
            let used = Set(slots.map(\.index) + unswept)
            guard let index = (0..<configuration.slots).first(where: { !used.contains($0) }) else {
                throw StepFailure(.forkSlot, errno: EAGAIN)
            }
            guard configuration.images.indices.contains(image), policy >= 0, policy + 1 < filters.count else {
                throw StepFailure(.forkSlot, errno: EINVAL)
            }
            let pair = try under(.forkSlot) { () throws(SystemError) in try SocketPair() }
            let parent = getpid()
            let pid = Int32(try perform(.forkSlot) { bk_fork() })
            if pid == 0 {
                // The other end is the driving process's. A slot that held it too would never see that one close it.
                _ = close(pair.first.raw)
                becomeSlot(
                    index: index, image: configuration.images[image], policy: policy + 1, socket: pair.second,
                    launcher: parent)
            }
            slots.append(RunningSlot(index: index, pid: pid))
            try send(.slotOpened(slot: index), descriptor: pair.first.raw)
        } catch let failure as StepFailure {
            try send(.slotRefused(failure))
        }
    }

    private borrowing func becomeSlot(
        index: UInt16, image: String, policy: Int, socket: consuming Descriptor, launcher: Int32
    ) -> Never {
        // A slot ends with the launcher; one that was orphaned before it could say so ends here.
        if bk_prctl(BK_PR_SET_PDEATHSIG, UInt64(SIGKILL), 0) < 0 || getppid() != launcher { _exit(1) }
        // The lock stays open, so that it is held until the last slot is gone. What belongs to the launcher's own
        // conversation does not: a slot that held it would keep the driving process from seeing the launcher end.
        // Its number stays taken, as those of the configuration and the lock do: a pipe of a sandbox with such a number would
        // be overwritten where the job's descriptors are put in order.
        if dup2(LauncherDescriptor.configuration, LauncherDescriptor.control) < 0 {
            Slot.refuse(StepFailure(.forkSlot, errno: errno), index: index, socket: socket.raw)
        }
        // The table of descriptors grows by steps, when a second sandbox is held beside the first, and never shrinks. At its
        // full size from the beginning it tells a slot that loses descriptors from one that has run a job (Footprint).
        let last = bk_fcntl_dup_above(LauncherDescriptor.configuration, Self.descriptorsOfSlot - 1)
        if last < 0 { Slot.refuse(StepFailure(.forkSlot, errno: -last), index: index, socket: socket.raw) }
        _ = close(last)
        Slot.run(index: index, image: image, policy: policy, launcher: self, socket: socket)
    }

    /// Empties the descriptor of signals.
    /// - Returns: whether one asked the launcher to stop.
    private func takeSignals() throws(SystemError) -> Bool {
        var stops = false
        while true {
            let signal = bk_read_signal(signals.raw)
            if signal == -EAGAIN { return stops }
            if signal < 0 { throw SystemError("read signals", errno: -signal) }
            if signal != SIGCHLD { stops = true }
        }
    }

    /// Cleans up after slots that have ended, by themselves or not. As the subreaper the launcher also gets the inits of
    /// sandboxes whose slot was killed: they end after it, some after their leaf is swept.
    private mutating func reap(announce: Bool = true) throws {
        while true {
            var status: Int32 = 0
            let pid = bk_waitpid(-1, &status, 1)
            if pid == 0 || pid == -ECHILD { return }
            if pid < 0 { throw SystemError("wait for slots", errno: -pid) }
            guard let position = slots.firstIndex(where: { $0.pid == pid }) else { continue }
            let slot = slots.remove(at: position)
            unswept.append(slot.index)
            // Its init dies with it, and every job with its init; the sweep waits for that.
            try sweepEndedSlots(patience: 500_000_000, announce: announce)
        }
    }

    /// Removes what ended slots have left. A process that does not die in time, stuck in the kernel say, keeps only its own
    /// slot's number from being used again; the other slots go on, and the sweep is tried again later.
    private mutating func sweepEndedSlots(patience: UInt64, announce: Bool = true) throws {
        var left: [UInt16] = []
        for index in unswept {
            do {
                try cgroups.sweep(prefix: SlotContext.leafPrefix(slot: index), patience: patience)
                if announce { try send(.slotClosed(slot: index)) }
            } catch let failure as StepFailure where failure.errno == EBUSY {
                left.append(index)
            }
        }
        unswept = left
    }

    private enum Received {
        case request(ControlRequest)
        case malformed(String)
        case ended
    }

    private func receive() throws -> Received {
        var bytes = [UInt8](repeating: 0, count: 256)
        var descriptors: Int32 = 0
        let count = bk_receive(LauncherDescriptor.control, &bytes, UInt64(bytes.count), nil, &descriptors, 0)
        // No message is empty: that is how the end of the conversation reads.
        if count == 0 || count == -Int64(ECONNRESET) { return .ended }
        // Too long, or with descriptors, of which none is ever taken.
        if count == -Int64(EMSGSIZE) { return .malformed("too long, or with a descriptor") }
        if count < 0 { throw SystemError("receive", errno: Int32(-count)) }
        do {
            return .request(try ControlRequest(decoding: bytes[0..<Int(count)]))
        } catch {
            return .malformed(error.reason)
        }
    }

    private func send(_ reply: ControlReply, descriptor: Int32? = nil) throws(SystemError) {
        let bytes = reply.encoded()
        let descriptors = descriptor.map { [$0] } ?? []
        do throws(SystemError) {
            try attempt("send to the driving process") {
                bk_send(LauncherDescriptor.control, bytes, UInt64(bytes.count), descriptors, Int32(descriptors.count))
            }
        } catch {
            // It is gone, which is no failure: the next look at the socket says so, and ends the launcher. The second is how
            // the socket says it first where a message was left unread.
            if error.errno != EPIPE, error.errno != ECONNRESET { throw error }
        }
    }
}
