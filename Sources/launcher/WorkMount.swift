import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The tmpfs behind a job's /box and /tmp: one file system, so that one limit holds for both. The slot makes it and
/// keeps a descriptor of it; init places it. Files go in and out through that descriptor, never through a path that a
/// job could have changed.
final class WorkMount {
    /// The detached mount.
    let mount: Descriptor
    /// /box in it.
    let box: Descriptor
    private var bytes: UInt64
    private var inodes: UInt32

    /// Inodes of the file system that are not the job's: its root, /box and /tmp.
    private static let ownInodes: UInt32 = 3

    /// What bounds the file system, as mount options; 0 would mean no bound (tmpfs.rst).
    private static func size(bytes: UInt64, inodes: UInt32) -> [(String, String)] {
        [
            ("size", protecting("disk size", "\(bytes)", else: "0")),
            ("nr_inodes", protecting("disk inodes", "\(inodes + ownInodes)", else: "0")),
        ]
    }

    init(user: UInt32, bytes: UInt64, inodes: UInt32) throws(StepFailure) {
        let fs = Descriptor(owning: try perform(.makeWorkMount) { bk_fsopen("tmpfs") })
        for (key, value) in Self.size(bytes: bytes, inodes: inodes) + [("mode", "0755")] {
            try perform(.makeWorkMount) { bk_fsconfig_string(fs.raw, key, value) }
        }
        try perform(.makeWorkMount) { bk_fsconfig_create(fs.raw) }
        let mount = Descriptor(
            owning: try perform(.makeWorkMount) {
                bk_fsmount(
                    fs.raw, protecting("work nosuid nodev", BK_MOUNT_ATTR_NOSUID | BK_MOUNT_ATTR_NODEV, else: 0))
            })
        try performC(.makeWorkFolders) { mkdirat(mount.raw, "box", 0o755) }
        try performC(.makeWorkFolders) { mkdirat(mount.raw, "tmp", 0o777) }
        // mkdirat obeys the umask.
        try performC(.makeWorkFolders) { fchmodat(mount.raw, "tmp", 0o1777, 0) }
        let box = Descriptor(
            owning: try perform(.makeWorkFolders) {
                bk_openat(mount.raw, "box", O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC | BK_O_NOFOLLOW, 0)
            })
        try performC(.makeWorkFolders) { fchown(box.raw, user, user) }
        self.mount = mount
        self.box = box
        self.bytes = bytes
        self.inodes = inodes
    }

    /// Puts other limits in force; only while nothing of a job is in it.
    func resize(bytes: UInt64, inodes: UInt32) throws(StepFailure) {
        guard bytes != self.bytes || inodes != self.inodes else { return }
        let mount = self.mount.raw
        let fs = Descriptor(owning: try perform(.applyDiskLimits) { bk_fspick(mount) })
        for (key, value) in Self.size(bytes: bytes, inodes: inodes) {
            try perform(.applyDiskLimits) { bk_fsconfig_string(fs.raw, key, value) }
        }
        try perform(.applyDiskLimits) { bk_fsconfig_reconfigure(fs.raw) }
        self.bytes = bytes
        self.inodes = inodes
    }

    /// Free bytes and inodes, for the verdict on a full disk.
    func free() throws(StepFailure) -> (bytes: UInt64, inodes: UInt64) {
        var type: UInt64 = 0
        var blocks: UInt64 = 0
        var inodes: UInt64 = 0
        let box = self.box.raw
        try perform(.readCgroup) { bk_fstatfs(box, &type, &blocks, &inodes) }
        // tmpfs counts in pages.
        return (blocks * UInt64(sysconf(Int32(_SC_PAGESIZE))), inodes)
    }

    /// Called in init: places /box and /tmp in its mount namespace. The file system's own root stays covered by /box.
    func place() throws(StepFailure) {
        let mount = self.mount.raw
        try perform(.mountWork) { bk_move_mount(mount, "/box") }
        try perform(.bindTmp) { bk_mount("/box/tmp", "/tmp", nil, BK_MS_BIND, nil) }
        try perform(.bindBox) { bk_mount("/box/box", "/box", nil, BK_MS_BIND, nil) }
    }
}
