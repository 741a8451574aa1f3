import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The user namespace of a slot's jobs: one id inside (1000) that is one unprivileged id of the host, and no further
/// namespace of any kind below it. It owns none of the other namespaces, so nothing in it is ever privileged over them.
enum UserNamespace {
    /// The job's uid and gid as it sees them itself.
    static let insideUser: UInt32 = 1_000

    /// Makes the namespace with a short-lived process in it. Needs the host's /proc.
    /// - Returns: a descriptor for setns(2).
    static func make(hostUser: UInt32) throws(StepFailure) -> Descriptor {
        let toChild = try under(.prepareUserNamespace) { () throws(SystemError) in try Pipe() }
        let fromChild = try under(.prepareUserNamespace) { () throws(SystemError) in try Pipe() }
        let pid = Int32(try perform(.prepareUserNamespace) { bk_clone3(BK_CLONE_NEWUSER, -1, nil) })
        if pid == 0 {
            // A slot can be killed at any point from here on. Its child must then see the end of the pipe: as an orphan it
            // would keep the instance's lock for good.
            _ = close(toChild.writer.raw)
            forbidNamespacesAndWait(reader: toChild.reader.raw, writer: fromChild.writer.raw)
        }
        defer {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            _ = bk_waitpid(pid, &status, 0)
        }
        try under(.mapUser) { () throws(SystemError) in
            try SmallFile.write("deny", to: "/proc/\(pid)/setgroups")
            try SmallFile.write("\(insideUser) \(hostUser) 1", to: "/proc/\(pid)/uid_map")
            try SmallFile.write("\(insideUser) \(hostUser) 1", to: "/proc/\(pid)/gid_map")
        }
        var byte: UInt8 = 1
        let writer = toChild.writer.raw
        try performC(.prepareUserNamespace) { write(writer, &byte, 1) }
        let reader = fromChild.reader.raw
        guard try performC(.limitNamespaces, { read(reader, &byte, 1) }) == 1, byte == 0 else {
            throw StepFailure(.limitNamespaces, errno: Int32(byte))
        }
        return try under(.prepareUserNamespace) { () throws(SystemError) in
            try Descriptor.open("/proc/\(pid)/ns/user", O_RDONLY)
        }
    }

    /// Only a process inside the namespace may lower its namespace limits (user_namespaces(7), namespaces(7)).
    private static func forbidNamespacesAndWait(reader: Int32, writer: Int32) -> Never {
        var byte: UInt8 = 0
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
}
