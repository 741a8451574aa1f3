import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The job's process from its birth to execve. The order is the invariant of the whole project and stands nowhere else;
/// each line says what breaks when it moves.
enum JobProcess {
    static let birth = Birth(
        work: { context in
            guard let sandbox = Birth.parts(context) else { return -1 }
            return run(sandbox)
        },
        failed: { _, error in
            SetupRecord.failed(StepFailure(.executeStub, errno: error)).send(to: Stub.jobReport)
        }, name: "bulkhead-parked", stub: stubNumber)

    /// Where the stub is until it is executed; what it needs is below.
    private static let stubNumber = Stub.jobStart + 1

    private static func run(_ sandbox: SandboxParts) -> Int64 {
        do throws(StepFailure) {
            // Where everything later reports.
            try performC(.standardStreams) { dup2(sandbox.report, Stub.jobReport) }
        } catch {
            SetupRecord.failed(error).send(to: sandbox.report)
            return -1
        }
        do throws(StepFailure) {
            try becomeJob(sandbox)
            return 0
        } catch {
            SetupRecord.failed(error).send(to: Stub.jobReport)
            return -1
        }
    }

    private static func becomeJob(_ sandbox: SandboxParts) throws(StepFailure) {
        // First, while still root: from here on what the kernel makes for this process is charged to the job's leaf.
        try sandbox.leaf.join()
        // All that the job forks has the same cookie, and nothing else on the host: no thread of anybody else's runs beside
        // it on a core (Documentation/admin-guide/hw-vuln/core-scheduling.rst).
        if sandbox.coreScheduling { try perform(.coreScheduling) { bk_core_scheduling_begin() } }
        // After joining, so that the leaf is the root of what the job sees of the hierarchy.
        try perform(.cgroupNamespace) { bk_unshare(BK_CLONE_NEWCGROUP) }
        try performC(.newSession) { setsid() }
        // Before the user namespace, in which setgroups is denied.
        try perform(.dropGroups) { bk_setgroups_empty() }
        try perform(.enterUserNamespace) { bk_setns(sandbox.userNamespace, BK_CLONE_NEWUSER) }
        try perform(.jobIdentity) { bk_setresgid(UserNamespace.insideUser) }
        try perform(.jobIdentity) { bk_setresuid(UserNamespace.insideUser) }
        // The memory is still the slot's, and a change of identity can lift this.
        try Privileges.hideMemory(step: .jobIdentity)
        // After setns, which fills it again.
        try Privileges.dropBoundingSet()
        try Privileges.dropCapabilities(step: .dropCapabilities)
        try Privileges.forbidNewPrivileges(step: .noNewPrivileges)
        // After the change of uid, which clears it. Init ends with the slot, so there is no race to close here.
        try Privileges.dieWithParent(step: .jobParentDeath)
        try limitResources()
        try performC(.enterBox) { chdir("/box") }
        umask(0o022)
        try performC(.standardStreams) { dup2(sandbox.standardInput, 0) }
        try performC(.standardStreams) { dup2(sandbox.standardOutput, 1) }
        try performC(.standardStreams) { dup2(sandbox.standardError, 2) }
        // After setsid: only the leader of a session without a terminal can take one. The policy has no such request for jobs.
        if sandbox.isTerminal { try perform(.takeTerminal) { bk_terminal_take(0) } }
        try performC(.standardStreams) { dup2(sandbox.start, Stub.jobStart) }
        try perform(.executeStub) { bk_dup_cloexec(sandbox.filter.stub.program.raw, stubNumber) }
        // All of these are copies of higher numbers, which are closed here.
        try perform(.closeDescriptors) { bk_close_range(UInt32(stubNumber) + 1, UInt32.max, 0) }
        // An ignored signal stays ignored over execve (signal(7)). The launcher ignores one, and blocks some.
        try perform(.resetSignals) { bk_reset_signals() }
        // What follows is the stub's (stub.c), in a memory of its own: it has the last two descriptors closed by the job's
        // execve; loads the filter, last, for whatever the steps above need is not the job's to have; says that the job is
        // parked; waits for the start, lowers the two limits that are the request's own, and executes the program.
    }

    /// Limits that are the same for every job; the stub lowers the request's own when it is known.
    private static func limitResources() throws(StepFailure) {
        // 1, not 0: a core_pattern that is a pipe runs its handler at 0 (core(5)).
        try limit(BK_RLIMIT_CORE, 1)
        try limit(BK_RLIMIT_MEMLOCK, 64 << 10)
        try limit(BK_RLIMIT_MSGQUEUE, 819_200)
        try limit(BK_RLIMIT_RTPRIO, 0)
        try limit(BK_RLIMIT_NICE, 0)
        try limit(BK_RLIMIT_SIGPENDING, 1_024)
        try limit(BK_RLIMIT_STACK, 8 << 20, hard: 64 << 20)
    }

    /// Lowers a limit; one that is lower already stays, for raising needs CAP_SYS_RESOURCE (setrlimit(2)).
    private static func limit(_ resource: Int32, _ soft: UInt64, hard: UInt64? = nil) throws(StepFailure) {
        var currentSoft: UInt64 = 0
        var currentHard: UInt64 = 0
        guard protecting("rlimit \(resource)", true, else: false) else { return }
        try perform(.resourceLimits) { bk_getrlimit(resource, &currentSoft, &currentHard) }
        try perform(.resourceLimits) { bk_setrlimit(resource, min(soft, currentHard), min(hard ?? soft, currentHard)) }
    }
}
