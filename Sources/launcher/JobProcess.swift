import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The job's process from its birth to execve. The order is the invariant of the whole project and stands nowhere else;
/// each line says what breaks when it moves.
enum JobProcess {
    static func run(_ sandbox: SandboxParts) -> Never {
        do throws(StepFailure) {
            let room = ExecImage.makeRoom()
            let listener = try becomeJob(sandbox)
            SetupRecord(kind: .jobParked, value: listener).send(to: sandbox.report)
            let image = try ExecImage.receive(from: sandbox.start, into: room)
            try limit(BK_RLIMIT_FSIZE, image.fileSize)
            try limit(BK_RLIMIT_NOFILE, image.openFiles)
            throw image.execute()
        } catch {
            SetupRecord.fail(error, to: sandbox.report)
        }
    }

    /// - Returns: the number of the filter's listener in this process, or -1.
    private static func becomeJob(_ sandbox: SandboxParts) throws(StepFailure) -> Int32 {
        // First, while still root: from here on everything that this process uses is charged to the job's leaf.
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
        try closeDescriptors(but: sandbox.report, and: sandbox.start)
        // An ignored signal stays ignored over execve (signal(7)). The launcher ignores one, and blocks some.
        try perform(.resetSignals) { bk_reset_signals() }
        // What execve takes apart while the caller waits is to be little.
        try perform(.forgetProgram) { bk_forget_program() }
        // Last: whatever the steps above need is not the job's to have. The listener is closed when the job is executed.
        return try sandbox.filter.loadAsking()
    }

    /// Closes all above the standard streams while nobody waits yet, but two, which execve closes: where the start comes
    /// from, and what must still tell of an execve that fails.
    private static func closeDescriptors(but one: Int32, and other: Int32) throws(StepFailure) {
        let first = UInt32(min(one, other))
        let second = UInt32(max(one, other))
        if first > 3 { try perform(.closeDescriptors) { bk_close_range(3, first - 1, 0) } }
        if second > first + 1 { try perform(.closeDescriptors) { bk_close_range(first + 1, second - 1, 0) } }
        try perform(.closeDescriptors) { bk_close_range(second + 1, UInt32.max, 0) }
    }

    /// Limits that are the same for every job; the request's own follow when it is known.
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
