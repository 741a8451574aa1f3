import CLinux
import Glibc
import LaunchProtocol
import Linux

/// What of /proc a job does not see or cannot write: the list that Docker uses (moby, `oci/defaults.go`).
struct ProcMasks {
    /// Docker leaves pressure; but there every user may set triggers, for which kernel threads then work, and the numbers
    /// are the whole host's (Documentation/accounting/psi.rst).
    private static let hiddenFolders = ["acpi", "asound", "pressure", "scsi"]
    /// Docker leaves locks; but open file description locks have no process, so the kernel shows those of the whole host
    /// there, with ranges that two jobs could talk by.
    private static let hiddenFiles = [
        "interrupts", "locks", "kcore", "keys", "latency_stats", "sched_debug", "timer_list", "timer_stats", "kallsyms",
        "config.gz", "key-users",
    ]
    private static let readOnly = ["bus", "fs", "irq", "sys", "sysrq-trigger"]

    private let hiddenFolders: [String]
    private let hiddenFiles: [String]
    private let readOnly: [String]

    /// Looks once which of them this kernel has; the /proc in view must be the host's.
    init() {
        func present(_ names: [String]) -> [String] {
            names.filter { SmallFile.exists("/proc/\($0)") }.map { "/proc/\($0)" }
        }
        hiddenFolders = present(Self.hiddenFolders)
        hiddenFiles = present(Self.hiddenFiles)
        readOnly = present(Self.readOnly)
    }

    /// Covers them in the /proc of the mount namespace of the calling init.
    func apply() throws(StepFailure) {
        // The image's own /box is empty and read-only; the job's is not placed yet.
        for path in hiddenFolders { try perform(.maskProc) { bk_mount("/box", path, nil, BK_MS_BIND, nil) } }
        for path in hiddenFiles { try perform(.maskProc) { bk_mount("/dev/null", path, nil, BK_MS_BIND, nil) } }
        for path in readOnly {
            try perform(.maskProc) { bk_mount(path, path, nil, BK_MS_BIND, nil) }
            try perform(.maskProc) {
                bk_mount(
                    nil, path, nil,
                    BK_MS_REMOUNT | BK_MS_BIND | BK_MS_RDONLY | BK_MS_NOSUID | BK_MS_NODEV | BK_MS_NOEXEC, nil)
            }
        }
    }
}
