import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The job's process from its birth to execve. The order is the invariant of the whole project and stands nowhere else;
/// each line says what breaks when it moves.
enum JobProcess {
    static func run(_ sandbox: SandboxParts) -> Never {
        do throws(StepFailure) {
            let listener = try becomeJob(sandbox)
            SetupRecord(kind: .jobParked, value: listener).send(to: sandbox.report)
            let start = try receiveStart(from: sandbox.start)
            try limit(BK_RLIMIT_FSIZE, start.limits.fileSize)
            try limit(BK_RLIMIT_NOFILE, UInt64(start.limits.openFiles))
            throw execute(start)
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
        for (descriptor, number) in [
            (sandbox.standardInput, 0), (sandbox.standardOutput, 1), (sandbox.standardError, 2),
        ] {
            try performC(.standardStreams) { dup2(descriptor, Int32(number)) }
        }
        // Marked, not closed: the report descriptor must still tell of an execve that fails.
        try perform(.closeDescriptors) { bk_close_range(3, UInt32.max, 1) }
        // An ignored signal stays ignored over execve (signal(7)).
        try perform(.resetSignals) { bk_reset_signals() }
        // Last: whatever the steps above need is not the job's to have. The listener is closed when the job is executed.
        return try sandbox.filter.loadAsking()
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

    private static func receiveStart(from descriptor: Int32) throws(StepFailure) -> JobStart {
        func read(_ count: Int) throws(StepFailure) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let got = try performC(.receiveStart) {
                    bytes.withUnsafeMutableBytes { buffer in
                        Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled)
                    }
                }
                if got == 0 { throw StepFailure(.receiveStart, errno: EPIPE) }
                filled += got
            }
            return bytes
        }
        do {
            var length = ByteReader(try read(4))
            var reader = ByteReader(try read(Int(min(try length.number(UInt32.self), UInt32(maximumMessageSize)))))
            return try JobStart(from: &reader)
        } catch let failure as StepFailure {
            throw failure
        } catch {
            throw StepFailure(.receiveStart, errno: EBADMSG)
        }
    }

    /// Executes the program; comes back only with the reason why not.
    private static func execute(_ start: JobStart) -> StepFailure {
        func vector(_ values: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
            values.map { value in
                value.withUnsafeBytes { bytes in
                    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
                    copy.withMemoryRebound(to: UInt8.self, capacity: bytes.count + 1) { target in
                        for (index, byte) in bytes.enumerated() { target[index] = byte }
                        target[bytes.count] = 0
                    }
                    return copy
                }
            } + [nil]
        }
        let arguments = vector(start.arguments)
        let environment = vector(start.environment)
        arguments.withUnsafeBufferPointer { argv in
            environment.withUnsafeBufferPointer { envp in
                guard let argv = argv.baseAddress, let envp = envp.baseAddress, let program = argv[0] else { return }
                _ = execve(program, argv, envp)
            }
        }
        return StepFailure(.execve, errno: errno)
    }
}
