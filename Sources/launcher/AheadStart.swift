import CLinux
import Glibc
import LaunchProtocol
import Linux

/// A runtime that comes up in a parked sandbox before its job is known. It is executed as the job will be, with the same
/// filter, limits and namespaces, and is held as it opens its main file: all that is missing then is what that file says.
final class AheadStart {
    /// What was executed.
    let start: JobStart
    /// Until when it must have come up.
    let deadline: UInt64
    private(set) var isUp = false
    /// What its filter asks about while it comes up is counted with the job's, as in a run that did not wait.
    private(set) var calls: CallSupervisor?
    private let sandbox: Sandbox
    private let user: UInt32
    private let hold: FileHold
    private var listener: Int32

    /// How long a runtime may take to come up. Generous, as everything that it competes with may be more urgent.
    private static let patience: UInt64 = 30_000_000_000

    /// Executes the runtime.
    /// - Parameters:
    ///   - start: the runtime, and the limits under which it comes up.
    ///   - file: its main file, open and empty.
    ///   - sandbox: a parked one.
    ///   - hold: of the slot.
    ///   - user: the host's uid of its jobs.
    ///   - maximum: within which the limits of its job will be. Those of a process can only become lower.
    ///   - mostWatchedCalls: as for every job.
    /// - Throws: `StepFailure`; then the sandbox is of no use.
    init(
        _ start: JobStart, file: Int32, in sandbox: Sandbox, hold: FileHold, user: UInt32,
        maximum: ResourceLimits, mostWatchedCalls: UInt32
    ) throws(StepFailure) {
        self.start = start
        self.sandbox = sandbox
        self.hold = hold
        self.user = user
        listener = sandbox.listener
        calls = CallSupervisor(of: sandbox, mostWatched: mostWatchedCalls)
        deadline = MonotonicClock.now + Self.patience
        try hold.hold(file)
        try sandbox.leaf.apply(start.limits)
        var widest = start
        widest.limits.fileSize = maximum.fileSize
        widest.limits.openFiles = maximum.openFiles
        try sandbox.go(widest)
    }

    /// What to wait for while it comes up, and while it waits: places in a poll.
    struct Watch {
        fileprivate var report: Int
        fileprivate var memory: Int
        fileprivate var held: Int
        fileprivate var questions: Int
    }

    func watch(in poll: inout PollSet) -> Watch {
        Watch(
            report: poll.add(sandbox.report.raw), memory: poll.add(sandbox.leaf.outOfMemoryEvent),
            held: poll.add(isUp ? -1 : hold.event), questions: poll.add(listener))
    }

    /// Acts on what came.
    /// - Returns: whether it has come up just now.
    /// - Throws: `StepFailure` when it will serve no job.
    func attend(to watch: Watch, in poll: PollSet) throws(StepFailure) -> Bool {
        if poll.isReady(watch.report) {
            if let record = SetupRecord.receive(from: sandbox.report.raw), record.kind == .failed {
                throw StepFailure(record.step, errno: record.value)
            }
            throw StepFailure(.startRuntime, errno: ECHILD)
        }
        if poll.isReady(watch.memory) { throw StepFailure(.startRuntime, errno: ENOMEM) }
        if poll.isHungUp(watch.questions) {
            listener = -1
        } else if poll.isReady(watch.questions), let end = try calls?.answerNext(), !end.isEmpty {
            throw StepFailure(.startRuntime, errno: EPERM)
        }
        if isUp { return false }
        if poll.isReady(watch.held) { isUp = try hold.takeFirst() }
        if !isUp, MonotonicClock.now >= deadline { throw StepFailure(.startRuntime, errno: ETIMEDOUT) }
        return isUp
    }

    /// Whether `job` is what came up here, but for limits.
    func serves(_ job: JobStart) -> Bool {
        isUp && job.arguments == start.arguments && job.environment == start.environment
    }

    /// Puts the job's own limits of a process in force on all that came up.
    ///
    /// Root without CAP_SYS_RESOURCE may do that to processes whose ids are all its own real ones (prlimit(2)), so it takes
    /// theirs for as long. What has that id meanwhile is in its own PID namespace, and no program of a job has run in it.
    func apply(_ limits: ResourceLimits) throws(StepFailure) {
        try perform(.resourceLimits) { bk_set_real_ids(user) }
        let result = Result { () throws(StepFailure) in try lower(limits) }
        try perform(.resourceLimits) { bk_set_real_ids(0) }
        try result.get()
    }

    private func lower(_ limits: ResourceLimits) throws(StepFailure) {
        for pid in try sandbox.leaf.members() {
            for (resource, value) in [(BK_RLIMIT_FSIZE, limits.fileSize), (BK_RLIMIT_NOFILE, UInt64(limits.openFiles))]
            {
                guard protecting("rlimit \(resource)", true, else: false) else { continue }
                let result = bk_lower_limit(pid, resource, value)
                // The new limit of memory has ended it.
                if result != -ESRCH { try perform(.resourceLimits) { result } }
            }
        }
    }

    /// Lets it go on.
    func letGo() throws(StepFailure) { try hold.letGo() }
}
