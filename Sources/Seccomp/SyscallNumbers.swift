import CSeccomp
import Glibc

/// System call names and their numbers on x86-64.
public enum SyscallNumbers {
    /// What is known about a name.
    enum Resolution: Hashable {
        /// Its number on x86-64.
        case number(Int32)
        /// It exists on other architectures only: nothing to filter here.
        case elsewhere
        /// Neither libseccomp nor ``newer`` has it: newer than both, or misspelt.
        case unknown
    }

    /// Calls that are newer than libseccomp 2.5.4 (Debian 12), which ends at Linux 5.17.
    /// Source: arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.18; numbers once given never change.
    private static let newer: [String: Int32] = [
        "cachestat": 451,  // Linux 6.5
        "fchmodat2": 452,  // 6.6
        "map_shadow_stack": 453,  // 6.6
        "futex_wake": 454,  // 6.7
        "futex_wait": 455,
        "futex_requeue": 456,
        "statmount": 457,  // 6.8
        "listmount": 458,
        "lsm_get_self_attr": 459,
        "lsm_set_self_attr": 460,
        "lsm_list_modules": 461,
        "mseal": 462,  // 6.10
        "setxattrat": 463,  // 6.13
        "getxattrat": 464,
        "listxattrat": 465,
        "removexattrat": 466,
        "open_tree_attr": 467,  // 6.15
        "file_getattr": 468,  // 6.17
        "file_setattr": 469,
    ]

    /// The name of a call; `syscall_N` for a number that is not known.
    public static func name(of number: Int32) -> String {
        if let name = seccomp_syscall_resolve_num_arch(bulkhead_scmp_arch_x86_64(), number) {
            defer { free(name) }
            return String(cString: name)
        }
        return newer.first { $0.value == number }?.key ?? "syscall_\(number)"
    }

    /// Looks a name up, libseccomp first.
    static func resolve(_ name: String) -> Resolution {
        let number = seccomp_syscall_resolve_name(name)
        if number >= 0 { return .number(number) }
        if let number = newer[name] { return .number(number) }
        // Below -1 are libseccomp's stand-ins for calls that only other architectures have.
        return number == -1 ? .unknown : .elsewhere
    }
}
