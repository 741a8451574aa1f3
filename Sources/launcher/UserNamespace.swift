import CCap
import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The user namespace of a slot's jobs: one id inside (1000) that is one unprivileged id of the host, and no further
/// namespace of any kind below it. It owns none of the other namespaces, so nothing in it is ever privileged over them.
///
/// It belongs to that id of the host and not to root: what the kernel counts by user (inotify instances, pending signals,
/// message queues, locked memory) it counts for a namespace's owner too. Were that root, one job could use up what all
/// jobs, and the host's own root, may have.
enum UserNamespace {
    /// The job's uid and gid as it sees them itself.
    static let insideUser: UInt32 = 1_000

    /// Makes the namespace with a short-lived process in it. Needs the host's /proc.
    /// - Returns: a descriptor for setns(2).
    static func make(hostUser: UInt32) throws(StepFailure) -> Descriptor {
        let toChild = try under(.prepareUserNamespace) { () throws(SystemError) in try Pipe() }
        let fromChild = try under(.prepareUserNamespace) { () throws(SystemError) in try Pipe() }
        let pid = Int32(try perform(.prepareUserNamespace) { bk_fork() })
        if pid == 0 {
            // A slot can be killed at any point from here on. Its child must then see the end of the pipe: as an orphan it
            // would keep the instance's lock for good.
            _ = close(toChild.writer.raw)
            enterAndWait(hostUser: hostUser, reader: toChild.reader.raw, writer: fromChild.writer.raw)
        }
        defer {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            _ = bk_waitpid(pid, &status, 0)
        }
        var byte: UInt8 = 1
        let reader = fromChild.reader.raw
        guard try performC(.prepareUserNamespace, { read(reader, &byte, 1) }) == 1, byte == 0 else {
            throw StepFailure(.prepareUserNamespace, errno: Int32(byte))
        }
        try under(.mapUser) { () throws(SystemError) in
            try SmallFile.write("deny", to: "/proc/\(pid)/setgroups")
            try SmallFile.write("\(insideUser) \(hostUser) 1", to: "/proc/\(pid)/uid_map")
            try SmallFile.write("\(insideUser) \(hostUser) 1", to: "/proc/\(pid)/gid_map")
        }
        let writer = toChild.writer.raw
        try performC(.prepareUserNamespace) { write(writer, &byte, 1) }
        guard try performC(.limitNamespaces, { read(reader, &byte, 1) }) == 1, byte == 0 else {
            throw StepFailure(.limitNamespaces, errno: Int32(byte))
        }
        return try under(.prepareUserNamespace) { () throws(SystemError) in
            try Descriptor.open("/proc/\(pid)/ns/user", O_RDONLY)
        }
    }

    /// Makes the namespace, then lowers its limits once it is mapped: only a process inside may do that
    /// (user_namespaces(7), namespaces(7)).
    private static func enterAndWait(hostUser: UInt32, reader: Int32, writer: Int32) -> Never {
        var byte: UInt8 = 0
        do throws(StepFailure) {
            try become(owner: hostUser)
            try perform(.prepareUserNamespace) { bk_unshare(BK_CLONE_NEWUSER) }
        } catch {
            byte = UInt8(truncatingIfNeeded: error.errno)
        }
        _ = write(writer, &byte, 1)
        if byte != 0 { _exit(1) }
        if read(reader, &byte, 1) != 1 { _exit(0) }
        byte = 0
        for kind in ["user", "pid", "mnt", "ipc", "uts", "net", "cgroup", "time"] {
            do {
                try SmallFile.write("0", to: "/proc/sys/user/max_\(kind)_namespaces")
            } catch {
                byte = UInt8(truncatingIfNeeded: error.errno)
            }
        }
        _ = write(writer, &byte, 1)
        // Lives until it is killed, or until the slot is gone: the namespace must not end before it has been opened.
        _ = read(reader, &byte, 1)
        _exit(0)
    }

    /// Takes the owner's id as the effective one, which is what the kernel takes the owner from, and keeps the right to make
    /// a namespace where a host reserves that for root.
    private static func become(owner: UInt32) throws(StepFailure) {
        try performC(.prepareUserNamespace) { setegid(owner) }
        try performC(.prepareUserNamespace) { seteuid(owner) }
        guard let capabilities = cap_get_proc() else { throw StepFailure(.prepareUserNamespace, errno: errno) }
        defer { cap_free(UnsafeMutableRawPointer(capabilities)) }
        var one: [cap_value_t] = [CAP_SYS_ADMIN]
        try performC(.prepareUserNamespace) { cap_set_flag(capabilities, CAP_EFFECTIVE, 1, &one, CAP_SET) }
        try performC(.prepareUserNamespace) { cap_set_proc(capabilities) }
    }
}
