import CLinux
import Glibc
import LaunchProtocol
import Linux

/// One instance of Bulkhead on this host: a number that nobody else has, a lock that says so, and the uids that go with
/// it. The launcher and its slots hold the lock too, so it is free only when the last of them is gone.
final class InstanceLease {
    /// The mark on everything that the instance makes: `i0`, `i1`, …
    let name: String
    let lock: Descriptor
    let users: UserRange
    /// The instance's own folder for mount points of its slots.
    let mountFolder: String
    private let folder: String

    /// The uids (and gids of the same numbers) of one instance.
    struct UserRange: Equatable {
        static let width = HostUsers.perInstance

        let first: UInt32

        init(instance: Int) { first = HostUsers.first + UInt32(instance) * Self.width }

        /// The driving process once it has given up root.
        var driver: UInt32 { first }
        /// PID 1 of every sandbox.
        var initProcess: UInt32 { first + 1 }
        /// The job in slot 0.
        var firstJob: UInt32 { first + 16 }
        /// How many slots have a uid.
        static let jobs = width - 16
    }

    /// The most instances on one host.
    static let capacity = Int(HostUsers.instances)

    /// Takes the first number that is free, after sweeping what ended instances have left.
    /// - Parameter runtimeFolder: where all instances of the host meet; it must be lost at a reboot, as /run is.
    /// - Returns: the lease, held as long as it lives and as the launcher and its slots do.
    /// - Throws: `IsolationError` when every number is taken, `SystemError` when left-overs cannot be removed.
    static func acquire(runtimeFolder: String) throws -> InstanceLease {
        try Folder.make(runtimeFolder)
        let folder = "\(runtimeFolder)/instances"
        try Folder.make(folder)
        var taken: InstanceLease?
        for number in 0..<capacity {
            let path = "\(folder)/i\(number).lock"
            // Beyond the first free number only left-overs are of interest.
            if taken != nil, !SmallFile.exists(path) { break }
            let lock = try Descriptor.open(path, O_RDWR | O_CREAT | BK_O_NOFOLLOW, mode: 0o600)
            guard bk_flock(lock.raw, 1) == 0 else { continue }
            let lease = InstanceLease(number: number, lock: lock, folder: folder)
            try lease.sweep()
            if taken == nil { taken = lease }
        }
        guard let taken else {
            throw IsolationError(.host, "\(capacity) instances of bulkhead run on this host already")
        }
        try Folder.make(taken.mountFolder, mode: 0o700)
        return taken
    }

    private init(number: Int, lock: consuming Descriptor, folder: String) {
        name = "i\(number)"
        self.lock = lock
        users = UserRange(instance: number)
        self.folder = folder
        mountFolder = "\(folder)/i\(number)"
    }

    /// Notes the control groups of the instance in its lock file, for the one that sweeps after it.
    func record(cgroups: [String]) throws {
        let text = cgroups.map { $0 + "\n" }.joined()
        try attempt("record cgroups") { ftruncate(lock.raw, 0) == 0 ? 0 : -errno }
        let bytes = Array(text.utf8)
        try attempt("record cgroups") { () -> Int in
            let count = pwrite(lock.raw, bytes, bytes.count, 0)
            return count < 0 ? -Int(errno) : count
        }
    }

    /// Removes what a killed instance of this number has left: processes and control groups, and its folder. Whoever
    /// holds the lock knows that none of its processes lives.
    private func sweep() throws {
        for path in try SmallFile.read(lock.raw, name: "instance lock").split(separator: "\n") {
            // Only ever our own marks, whatever stands in the file.
            let parts = path.split(separator: "/")
            guard path.hasPrefix("/"), let last = parts.last, last == CgroupHost.folderName(instance: name) else {
                continue
            }
            let parent = "/" + parts.dropLast().joined(separator: "/")
            guard SmallFile.exists(String(path)) else { continue }
            let folder = try Descriptor.open(parent, O_RDONLY | BK_O_DIRECTORY)
            try CgroupTree.removeChildren(of: folder.raw, exactly: String(last))
        }
        if SmallFile.exists(mountFolder) { try Folder.remove(mountFolder) }
    }
}
