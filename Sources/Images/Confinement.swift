/// Command lines that keep what a build starts apart from the host: each begins in namespaces of its own, and whatever it mounts
/// or starts, in another session or not, ends with it.
///
/// PID 1 of the namespace is root's and not the program: what the program becomes cannot keep it from being ended.
enum Confinement {
    /// As root, with folders of a directory that is root's alone where other users reach them: apt's methods are `_apt`.
    ///
    /// - Parameters:
    ///   - folders: their names, of letters.
    ///   - directory: the directory, in whose place there is another in the program's own mount namespace.
    ///   - argv: the program.
    /// - Returns: the command line.
    static func exposing(_ folders: [String], of directory: String, _ argv: [String]) -> [String] {
        // The folders are bound by their names from within the directory, which has no path any more once it is covered.
        let script = """
            cd "$1" && mount -t tmpfs -o mode=755,size=1m bulkhead "$1" && for name in $2; do
            mkdir "$1/$name" && mount --no-canonicalize --bind "$name" "$1/$name" || exit; done
            shift 2 && cd / && exec "$@"
            """
        return namespaces(["--mount-proc"])
            + ["/bin/sh", "-c", script, "sh", directory, folders.joined(separator: " ")] + argv
    }

    /// As a user within a tree: no network, its own /proc, an empty /tmp that it can write to.
    /// - Parameters:
    ///   - rootfs: the tree's top.
    ///   - user: the uid, and the gid.
    ///   - argv: the program.
    /// - Returns: the command line.
    static func inside(_ rootfs: String, user: UInt32, _ argv: [String]) -> [String] {
        let script = """
            mount -t tmpfs -o mode=1777,size=256m,nosuid,nodev bulkhead "$1/tmp" && root=$1 user=$2 && shift 2 &&
            exec /usr/bin/unshare --fork --root="$root" --mount-proc=/proc --setgid "$user" --setuid "$user" -- "$@"
            """
        return namespaces(["--net", "--ipc"])
            + ["/usr/bin/setpriv", "--no-new-privs", "--", "/bin/sh", "-c", script, "sh", rootfs, "\(user)"] + argv
    }

    /// As a user without capabilities, where PID 1 stays root's.
    /// - Parameters:
    ///   - user: the uid, and the gid; see `HostUsers.builder`.
    ///   - argv: the program.
    /// - Returns: what is started within namespaces of this type's.
    static func unprivileged(_ user: UInt32, _ argv: [String]) -> [String] {
        [
            "/usr/bin/unshare", "--fork", "--", "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)",
            "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--",
        ] + argv
    }

    /// As a user without capabilities and without a network, in the host's tree: for what reads a stranger's bytes from a descriptor.
    /// - Parameters:
    ///   - user: the uid, and the gid.
    ///   - argv: the program.
    /// - Returns: the command line.
    static func offline(user: UInt32, _ argv: [String]) -> [String] {
        namespaces(["--net", "--ipc", "--mount-proc"]) + unprivileged(user, argv)
    }

    private static func namespaces(_ more: [String]) -> [String] {
        ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child"] + more + ["--"]
    }
}
