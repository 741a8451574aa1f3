import CLinux
import Glibc
import LaunchProtocol
import Linux

/// PID 1 of a sandbox: places the mounts of its namespaces, makes the job, gives everything up, reaps, and reports how the
/// job ended. The job is never PID 1, for which the kernel ignores SIGABRT and the like (pid_namespaces(7)).
enum SandboxInit {
    static let birth = Birth(
        work: { context in
            guard let sandbox = Birth.parts(context) else { return -1 }
            return run(sandbox)
        },
        failed: { _, error in
            SetupRecord.failed(StepFailure(.executeStub, errno: error)).send(to: Stub.initReport)
        }, name: "bulkhead-init", stub: stubNumber)

    /// Where the stub is until it is executed.
    private static let stubNumber = Stub.initReport + 1

    /// - Returns: the number of the job's process, or a negative one.
    private static func run(_ sandbox: SandboxParts) -> Int64 {
        // Before the job is made, so that it gets no copy either: while anybody but the slot can read the reports, a slot
        // that died before init asked to be killed with it would go unnoticed, and this sandbox would live for ever.
        _ = close(sandbox.slotEndOfReport)
        do throws(StepFailure) {
            try placeMounts(sandbox)
            let job = try perform(.cloneJob) {
                JobProcess.birth.clone(
                    sandbox, on: sandbox.jobStack, flags: 0, cgroup: sandbox.leaf.cloneTarget, handle: nil)
            }
            try giveUp(sandbox)
            return job
        } catch {
            SetupRecord.failed(error).send(to: sandbox.report)
            return -1
        }
    }

    private static func placeMounts(_ sandbox: SandboxParts) throws(StepFailure) {
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
        try sandbox.work.place()
    }

    private static func giveUp(_ sandbox: SandboxParts) throws(StepFailure) {
        try Privileges.become(sandbox.initUser, groups: .initGroups, identity: .initIdentity)
        try Privileges.dropCapabilities(step: .initCapabilities)
        try Privileges.forbidNewPrivileges(step: .initNoNewPrivileges)
        // The memory is still the slot's; the stub hides its own.
        try Privileges.hideMemory(step: .initNotDumpable)
        try Privileges.dieWithParent(step: .initParentDeath)
        // A slot that died before the line above sends no signal, but its end of the report pipe is gone.
        var slot = PollSet()
        slot.add(sandbox.report, for: 0)
        try under(.slotGone) { () throws(SystemError) in try slot.wait(timeout: 0) }
        if slot.isReady(0) { throw StepFailure(.slotGone, errno: EPIPE) }
        try performC(.initDescriptors) { dup2(sandbox.report, Stub.initReport) }
        try perform(.initDescriptors) { bk_dup_cloexec(sandbox.initFilter.stub.program.raw, stubNumber) }
        do throws(StepFailure) {
            try perform(.initDescriptors) { bk_close_range(UInt32(stubNumber) + 1, UInt32.max, 0) }
        } catch {
            // The report descriptor has moved.
            SetupRecord.failed(error).send(to: Stub.initReport)
            throw error
        }
        // What follows is the stub's (stub.c), in a memory of its own: it hides that, loads the filter, says that init is
        // ready, reaps, and reports how the job ended.
    }
}
