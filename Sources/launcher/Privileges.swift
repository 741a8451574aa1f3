import CCap
import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Giving up what root has, for good. The callers are single-threaded processes between fork and exec.
enum Privileges {
    /// Empties the bounding set. Entering a user namespace fills it again, so it comes after that.
    static func dropBoundingSet() throws(StepFailure) {
        for capability in 0..<cap_max_bits() {
            try performC(.boundingSet) { cap_drop_bound(cap_value_t(capability)) }
        }
    }

    /// Empties the permitted, effective, inheritable and with them the ambient set (capabilities(7)).
    static func dropCapabilities(step: SetupStep) throws(StepFailure) {
        guard let none = cap_init() else { throw StepFailure(step, errno: errno) }
        defer { cap_free(UnsafeMutableRawPointer(none)) }
        try performC(step) { cap_set_proc(none) }
    }

    /// No set-id bit and no file capability counts from here on, also for the filter's sake (prctl(2)).
    static func forbidNewPrivileges(step: SetupStep) throws(StepFailure) {
        try perform(step) { bk_prctl(BK_PR_SET_NO_NEW_PRIVS, 1, 0) }
    }

    /// Lets nobody read or trace this memory, whatever their uid (ptrace(2)). A change of identity can undo it (proc(5),
    /// suid_dumpable).
    static func hideMemory(step: SetupStep) throws(StepFailure) {
        try perform(step) { bk_prctl(BK_PR_SET_DUMPABLE, 0, 0) }
    }

    /// Dies with the parent. Must follow the last change of identity, which clears it (prctl(2)).
    static func dieWithParent(step: SetupStep) throws(StepFailure) {
        try perform(step) { bk_prctl(BK_PR_SET_PDEATHSIG, UInt64(SIGKILL), 0) }
    }

    /// Changes every uid and gid, group first, with no supplementary group left.
    static func become(_ user: UInt32, groups: SetupStep, identity: SetupStep) throws(StepFailure) {
        try perform(groups) { bk_setgroups_empty() }
        try perform(identity) { bk_setresgid(user) }
        try perform(identity) { bk_setresuid(user) }
    }
}
