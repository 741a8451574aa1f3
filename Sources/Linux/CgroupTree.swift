import CLinux
import Glibc

/// Emptying and removing control groups that belong to us: left-overs of a killed instance, leaves of a dead slot.
public enum CgroupTree {
    /// Nanoseconds within which a killed process has usually left its group.
    public static let usualPatience: UInt64 = 5_000_000_000

    /// Kills everything in the children of `folder` whose names begin with `prefix`, and removes them, depth first.
    /// - Parameters:
    ///   - folder: the parent's descriptor.
    ///   - prefix: our mark.
    ///   - patience: nanoseconds to wait for each group to become empty.
    /// - Throws: `SystemError` with EBUSY when a group does not become empty in that time.
    public static func removeChildren(
        of folder: Int32, prefix: String, patience: UInt64 = usualPatience
    ) throws(SystemError) {
        try removeChildren(of: folder, patience: patience) { $0.hasPrefix(prefix) }
    }

    /// The same for the one child of that name.
    public static func removeChildren(of folder: Int32, exactly name: String) throws(SystemError) {
        try removeChildren(of: folder, patience: usualPatience) { $0 == name }
    }

    private static func removeChildren(
        of folder: Int32, patience: UInt64, where isOurs: (String) -> Bool
    ) throws(SystemError) {
        for name in try Folder.names(of: folder) where isOurs(name) {
            let child = bk_openat(folder, name, O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC | BK_O_NOFOLLOW, 0)
            // A control group's folder holds files and groups; files cannot be opened as folders.
            if child == -ENOTDIR || child == -ENOENT { continue }
            try remove(
                Descriptor(owning: try attempt("open cgroup \(name)") { child }), name: name, parent: folder,
                patience: patience)
        }
    }

    private static func remove(
        _ child: consuming Descriptor, name: String, parent: Int32, patience: UInt64
    ) throws(SystemError) {
        try removeChildren(of: child.raw, prefix: "", patience: patience)
        // A process that is being killed leaves its group a little later.
        let deadline = MonotonicClock.now + patience
        // Under a CPU quota even dying can take longer than that. Only v2's or v1's file is there, or neither.
        for (file, value) in [("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")] {
            _ = try? SmallFile.write(value, to: file, in: child.raw)
        }
        while true {
            killProcesses(of: child.raw)
            if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
            guard errno == EBUSY, MonotonicClock.now < deadline else {
                throw SystemError("rmdir cgroup \(name)", errno: errno)
            }
            usleep(2_000)
        }
    }

    private static func killProcesses(of folder: Int32) {
        guard let text = try? SmallFile.read("cgroup.procs", in: folder, limit: 1 << 20) else { return }
        let own = getpid()
        for line in text.split(separator: "\n") {
            if let pid = Int32(line), pid > 1, pid != own { kill(pid, SIGKILL) }
        }
    }
}
