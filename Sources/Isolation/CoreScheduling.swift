import CLinux
import Linux

/// Whether jobs can be kept off the sibling threads of each other's cores
/// (Documentation/admin-guide/hw-vuln/core-scheduling.rst).
public enum CoreScheduling {
    /// Whether cores run several threads at once.
    public static var isNeeded: Bool {
        (try? SmallFile.read("/sys/devices/system/cpu/smt/active"))?.hasPrefix("1") ?? false
    }

    /// Whether the kernel can, and cores have several threads. Where this holds, every job gets a cookie of its own, or
    /// does not run.
    public static var isPossible: Bool { isNeeded && bk_core_scheduling_is_possible() == 1 }
}
