import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The file system that every job of a slot starts from: made once, when the slot starts, and read-only afterwards.
///
/// The image is the lower layer of an overlay of the slot's own, which does three things at once: mountinfo shows no path
/// of the host, no lock or watch on an image file reaches a job of another slot (each overlay has its own inodes), and
/// mount points that an image may lack come from a second layer.
enum SlotRoot {
    /// The six device nodes, with their numbers (Documentation/admin-guide/devices.txt).
    private static let devices: [(name: String, major: UInt32, minor: UInt32)] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ]

    private static let links: [(name: String, target: String)] = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("shm", "/tmp"),
    ]

    /// Builds the root below `mountFolder`, makes it this mount namespace's root and detaches the host's. The namespace
    /// must be the slot's own, with private propagation.
    static func enter(image: String, mountFolder: String) throws(StepFailure) {
        try perform(.slotTmpfs) {
            bk_mount("bulkhead", mountFolder, "tmpfs", BK_MS_NOSUID | BK_MS_NODEV, "size=1m,nr_inodes=64,mode=755")
        }
        try performC(.slotFolders) { chdir(mountFolder) }
        umask(0)
        for folder in ["over", "image", "root"] { try performC(.slotFolders) { mkdir(folder, 0o755) } }
        for point in ["proc", "dev", "tmp", "box"] { try performC(.slotFolders) { mkdir("over/\(point)", 0o755) } }
        try perform(.bindImage) { bk_mount(image, "image", nil, BK_MS_BIND, nil) }
        // Relative names: the options stand in every job's mountinfo.
        try perform(.mountImage) {
            bk_mount(
                "bulkhead", "root", "overlay",
                protecting("read-only image", BK_MS_RDONLY, else: 0)
                    | protecting("image nosuid nodev", BK_MS_NOSUID | BK_MS_NODEV, else: 0), "lowerdir=over:image")
        }
        try makeDevices()
        try performC(.pivotRoot) { chdir("root") }
        try perform(.pivotRoot) { bk_pivot_root_here() }
        // The old root now covers the new one at "."; it takes every mount of the host with it.
        try perform(.detachHost) { bk_umount_detach(".") }
        try performC(.pivotRoot) { chdir("/") }
        umask(0o022)
    }

    private static func makeDevices() throws(StepFailure) {
        try perform(.mountDev) {
            bk_mount("dev", "root/dev", "tmpfs", BK_MS_NOSUID | BK_MS_NOEXEC, "size=64k,nr_inodes=32,mode=755")
        }
        for device in devices {
            let path = "root/dev/\(device.name)"
            try perform(.makeDevice) { bk_mknod_device(path, device.major, device.minor) }
            // What a job opens by this name must be this device and no other (CVE-2025-31133).
            var major: UInt32 = 0
            var minor: UInt32 = 0
            try perform(.makeDevice) { bk_device_number(path, &major, &minor) }
            guard major == device.major, minor == device.minor else { throw StepFailure(.makeDevice, errno: ENODEV) }
        }
        for link in links { try performC(.linkDevice) { symlink(link.target, "root/dev/\(link.name)") } }
        try perform(.sealDev) {
            bk_mount(
                nil, "root/dev", nil, BK_MS_REMOUNT | BK_MS_BIND | BK_MS_RDONLY | BK_MS_NOSUID | BK_MS_NOEXEC, nil)
        }
    }
}
