import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Watches one job from its start to its end: deadlines, CPU time, memory, and the driving process's wish to stop it.
/// Verdicts are grounded here and nowhere else: on clocks and on the kernel's counters, never on what the job says.
struct Supervision {
    let sandbox: Sandbox
    let limits: ResourceLimits
    let processors: UInt64
    private let cpuLimit: UInt64

    /// The runtime that serves the job, where one was started ahead.
    private let ahead: AheadStart?
    private var calls: CallSupervisor?
    private var fired: SandboxReport.Fired = []
    private var firedAt: UInt64?
    private var startedAt: UInt64 = 0
    private var cpuAtStart: UInt64 = 0
    private var endedAt: UInt64?
    private var waitStatus: Int32?

    /// What the driving process said while the job ran.
    enum Request {
        case stop(SlotRequest.StopReason)
        case gone
    }

    /// The driving process is gone or does not keep to the protocol: the slot ends.
    struct Abandoned: Error {}

    init(
        sandbox: Sandbox, ahead: AheadStart?, limits: ResourceLimits, processors: UInt64, mostWatchedCalls: UInt32
    ) {
        self.sandbox = sandbox
        self.limits = limits
        cpuLimit = protecting("cpu time", limits.cpuTime, else: 1 << 50)
        self.processors = processors
        self.ahead = ahead
        calls = ahead.map(\.calls) ?? CallSupervisor(of: sandbox, mostWatched: mostWatchedCalls)
    }

    /// Runs the job to its end. When this returns or throws a `StepFailure`, nothing of the job is alive.
    mutating func run(
        _ job: JobStart, control: borrowing Descriptor, receive: () -> Request?
    ) throws -> SandboxReport {
        do {
            startedAt = MonotonicClock.now
            if try start(job) { try watch(control: control, receive: receive) } else { try end() }
            return try report()
        } catch {
            try sandbox.kill()
            throw error
        }
    }

    /// - Returns: false where the memory limit has no room even for the parked job, which is the program's verdict and no
    ///   failure of ours: v1 refuses such a limit with EBUSY (cgroup-v1/memory.rst), v2 kills the job for it.
    private mutating func start(_ job: JobStart) throws(StepFailure) -> Bool {
        do throws(StepFailure) {
            // Also for a job that never starts: what was used before it is not its own.
            cpuAtStart = try sandbox.leaf.cpuTime()
            try sandbox.leaf.apply(limits)
            try sandbox.work.resize(bytes: limits.disk, inodes: limits.inodes)
            if let ahead {
                try ahead.apply(limits)
                try sandbox.leaf.beginCounting()
            }
            cpuAtStart = try sandbox.leaf.cpuTime()
            startedAt = MonotonicClock.now
            if let ahead { try ahead.letGo() } else { try sandbox.go(job) }
            return true
        } catch {
            var isTooSmall = error == StepFailure(.applyCgroupLimits, errno: EBUSY)
            if error.step == .sendStart { isTooSmall = try sandbox.leaf.counters().oomKills > 0 }
            guard isTooSmall else { throw error }
            fire(.memory)
            return false
        }
    }

    private mutating func watch(control: borrowing Descriptor, receive: () -> Request?) throws {
        let deadline = protecting(
            "wall time", startedAt + limits.wallTime, else: startedAt + limits.wallTime + 10_000_000_000)
        var nextLook = startedAt + untilCPULimit(used: 0)
        var poll = PollSet()
        var listener = sandbox.listener
        while true {
            let now = MonotonicClock.now
            if now >= deadline {
                // Both may have run out; the verdict names CPU time first.
                fire(.wallTime)
                if try cpuUsed() >= cpuLimit { fire(.cpuTime) }
                return try end()
            }
            if now >= nextLook {
                let used = try cpuUsed()
                if used >= cpuLimit {
                    fire(.cpuTime)
                    return try end()
                }
                nextLook = MonotonicClock.now + untilCPULimit(used: used)
            }
            poll.removeAll()
            let report = poll.add(sandbox.report.raw)
            let memory = poll.add(sandbox.leaf.outOfMemoryEvent)
            let requests = poll.add(control.raw)
            let questions = poll.add(listener)
            try poll.wait(until: min(deadline, nextLook))
            // The end of the job first: what comes in the same instant no longer concerns it.
            if poll.isReady(report) {
                guard let record = SetupRecord.receive(from: sandbox.report.raw) else {
                    throw StepFailure(.initDied, errno: ECHILD)
                }
                switch record.kind {
                case .exited:
                    endedAt = MonotonicClock.now
                    waitStatus = record.value
                    if try !sandbox.leaf.isEmpty() { try sandbox.kill() }
                    return
                case .failed: throw StepFailure(record.step, errno: record.value)
                case .jobParked, .initReady: throw StepFailure(.protocolViolation, errno: EPROTO)
                }
            }
            if poll.isReady(memory) {
                fire(.memory)
                return try end()
            }
            if poll.isReady(requests) {
                switch receive() {
                case .stop(.output): fire(.output)
                case .stop(.cancelled): fire(.cancelled)
                case .gone: throw Abandoned()
                case nil: continue
                }
                return try end()
            }
            // Last, and one at a time, so that a flood of them keeps nothing above from being seen.
            if poll.isHungUp(questions) {
                // Nothing that the filter holds for is alive: the report of the end is on its way.
                listener = -1
            } else if poll.isReady(questions), let end = try calls?.answerNext(), !end.isEmpty {
                fire(end)
                return try self.end()
            }
        }
    }

    /// The first moment counts: what else has run out by then ended nothing.
    private mutating func fire(_ what: SandboxReport.Fired) {
        fired.formUnion(what)
        if firedAt == nil { firedAt = MonotonicClock.now }
    }

    private mutating func end() throws(StepFailure) {
        try sandbox.kill()
        endedAt = MonotonicClock.now
        // It may have ended by itself just before the kill; then its exit was seen, and is part of the evidence.
        while let record = SetupRecord.receive(from: sandbox.report.raw) {
            if record.kind == .exited { waitStatus = record.value }
            if record.kind == .failed { throw StepFailure(record.step, errno: record.value) }
        }
    }

    private func cpuUsed() throws(StepFailure) -> UInt64 {
        let total = try sandbox.leaf.cpuTime()
        return total > cpuAtStart ? total - cpuAtStart : 0
    }

    /// How long the job cannot reach its CPU limit, however it tries: with the burst, twice its quota in a period, and
    /// never more than every processor. Looking again only then needs a handful of looks in a job's life.
    private func untilCPULimit(used: UInt64) -> UInt64 {
        let rate = min(2 * UInt64(limits.milliCPUs), 1_000 * processors)
        let left = cpuLimit > used ? cpuLimit - used : 0
        return max(500_000, left / max(rate, 1) * 1_000)
    }

    private func report() throws(StepFailure) -> SandboxReport {
        let counters = try sandbox.leaf.counters()
        let cpu = try cpuUsed()
        let free = try sandbox.work.free()
        let ended = endedAt ?? MonotonicClock.now
        // Where the kernel itself ends the group, that is seen as the end of the job and no sooner.
        let moment = firedAt ?? (counters.oomKills > 0 ? ended : nil)
        return SandboxReport(
            waitStatus: waitStatus, fired: fired, firedAt: moment.map { $0 - startedAt }, wallTime: ended - startedAt,
            cpuTime: cpu, memoryPeak: counters.memoryPeak, oomKills: counters.oomKills,
            processLimitHits: counters.processLimitHits, processPeak: counters.processPeak,
            throttled: counters.throttled, diskFree: free.bytes, inodesFree: free.inodes, calls: calls?.counts ?? [])
    }
}
