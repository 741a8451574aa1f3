import CLinux
import Glibc
import LaunchProtocol
import Linux

/// PID 1 of a sandbox: places the mounts of its namespaces, forks the job, gives everything up, reaps, and reports how
/// the job ended. The job is never PID 1, for which the kernel ignores SIGABRT and the like (pid_namespaces(7)).
enum SandboxInit {
    static func run(_ sandbox: SandboxParts, work: WorkMount) -> Never {
        // Before the job is forked, so that it gets no copy either: while anybody but the slot can read the reports, a slot
        // that died before init asked to be killed with it would go unnoticed, and this sandbox would live for ever.
        _ = close(sandbox.slotEndOfReport)
        do throws(StepFailure) {
            try placeMounts(sandbox, work: work)
            let job = Int32(try perform(.cloneJob) { bk_clone3(0, sandbox.leaf.cloneTarget, nil) })
            if job == 0 { JobProcess.run(sandbox) }
            try giveUp(sandbox)
            reap(job: job)
        } catch {
            SetupRecord.fail(error, to: sandbox.report)
        }
    }

    private static func placeMounts(_ sandbox: SandboxParts, work: WorkMount) throws(StepFailure) {
        try perform(.mountProc) {
            bk_mount(
                "proc", "/proc", "proc", BK_MS_NOSUID | BK_MS_NODEV | BK_MS_NOEXEC,
                protecting("hidepid", "hidepid=invisible", else: ""))
        }
        // What the masks cover must be procfs and nothing else (CVE-2025-52881).
        let proc = try under(.verifyProc) { () throws(SystemError) in try Descriptor.open("/proc", BK_O_PATH) }
        var type: UInt64 = 0
        var blocks: UInt64 = 0
        var inodes: UInt64 = 0
        try perform(.verifyProc) { bk_fstatfs(proc.raw, &type, &blocks, &inodes) }
        guard type == BK_PROC_MAGIC else { throw StepFailure(.verifyProc, errno: EXDEV) }
        try sandbox.masks.apply()
        try work.place()
    }

    private static func giveUp(_ sandbox: SandboxParts) throws(StepFailure) {
        try Privileges.become(sandbox.initUser, groups: .initGroups, identity: .initIdentity)
        try Privileges.dropCapabilities(step: .initCapabilities)
        try Privileges.forbidNewPrivileges(step: .initNoNewPrivileges)
        // Nobody may read or trace it, whatever their uid (ptrace(2)).
        try perform(.initNotDumpable) { bk_prctl(BK_PR_SET_DUMPABLE, 0, 0) }
        try Privileges.dieWithParent(step: .initParentDeath)
        // A slot that died before the line above sends no signal, but its end of the report pipe is gone.
        var slot = PollSet()
        slot.add(sandbox.report, for: 0)
        try under(.slotGone) { () throws(SystemError) in try slot.wait(timeout: 0) }
        if slot.isReady(0) { throw StepFailure(.slotGone, errno: EPIPE) }
        try performC(.initDescriptors) { dup2(sandbox.report, 0) }
        try perform(.initDescriptors) { bk_close_range(1, UInt32.max, 0) }
        do throws(StepFailure) {
            try sandbox.initFilter.load(step: .initFilter)
        } catch {
            // The report descriptor has moved to 0.
            SetupRecord.fail(error, to: 0)
        }
        SetupRecord(kind: .initReady).send(to: 0)
    }

    /// From here on only what the init filter allows: read, write, wait and exit.
    private static func reap(job: Int32) -> Never {
        var status: Int32 = 0
        while true {
            let reaped = bk_waitpid(-1, &status, 0)
            if reaped == job {
                SetupRecord(kind: .exited, value: status).send(to: 0)
                // The end of PID 1 ends everything else in the namespace.
                _exit(0)
            }
            if reaped < 0, reaped != -EINTR { _exit(122) }
        }
    }
}
