import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Which control groups this host has for the limits, and where the instance's own folder in them is.
public struct CgroupHost: Equatable, Sendable {
    public var hierarchy: LauncherConfiguration.CgroupHierarchy
    /// The folders below which the instance makes its own: v2 alone, or memory, pids, cpu, and v2 or cpuacct.
    public var parents: [String]
    /// For the legacy driver: whether the fourth folder is the v2 hierarchy.
    public var unifiedAccounting: Bool
    /// For v2: whether the parent is the hierarchy's true root, which may hold processes beside groups with controllers.
    public var isTrueRoot: Bool
    /// For v2: controllers that the hierarchy has but that are not offered where this process is. A slice of systemd offers
    /// its units only what their settings ask for; a delegated scope is offered all.
    public var missingControllers: [String] = []

    static let controllers = ["memory", "pids", "cpu"]

    /// The leaf into which the driving process moves, where processes may not stay beside groups with controllers.
    private static let daemonLeaf = "bulkhead-daemon"

    static func folderName(instance: String) -> String { "bulkhead-\(instance)" }

    /// Reads the host. Changes nothing.
    /// - Throws: `IsolationError` that names the controller that is missing, and the line that fixes it.
    public static func detect() throws -> CgroupHost {
        try detect(
            mountinfo: SmallFile.read("/proc/self/mountinfo", limit: 1 << 22),
            membership: SmallFile.read("/proc/self/cgroup"))
    }

    static func detect(mountinfo: String, membership: String) throws -> CgroupHost {
        let mounts = Mount.parse(mountinfo)
        let unified = mounts.last { $0.type == "cgroup2" }
        var offered: [Substring] = []
        if let unified {
            var own = try unifiedFolder(of: unified, membership: membership)
            // An earlier engine of this process, or of its parent, has moved it into the leaf already. Launchers live in
            // that leaf, so nothing can be made below it; its parent is the group that was handed over.
            if own.hasSuffix("/\(daemonLeaf)") { own.removeLast(daemonLeaf.count + 1) }
            offered = try controllersOffered(in: own)
            let all = try controllersOffered(in: unified.point)
            if controllers.allSatisfy({ offered.contains(Substring($0)) || all.contains(Substring($0)) }) {
                // Only the true root has no cgroup.type.
                return CgroupHost(
                    hierarchy: .unified, parents: [own], unifiedAccounting: true,
                    isTrueRoot: !SmallFile.exists("\(own)/cgroup.type"),
                    missingControllers: controllers.filter { !offered.contains(Substring($0)) })
            }
        }
        func legacy(_ controller: String) -> Mount? {
            mounts.last { $0.type == "cgroup" && $0.superOptions.contains(controller) }
        }
        var parents: [String] = []
        for controller in controllers {
            guard let mount = legacy(controller) else {
                // The one that neither has; what v2 has and v1 has not is of no help, but not missing.
                let controller =
                    Self.controllers.first { !offered.contains(Substring($0)) && legacy($0) == nil } ?? controller
                throw IsolationError(
                    .host,
                    "no cgroup hierarchy offers the \(controller) controller to this process; "
                        + (unified == nil
                            ? "mount cgroup v2: mount -t cgroup2 none /sys/fs/cgroup"
                            : "have it delegated: systemd-run --scope -p Delegate=yes bulkhead …"))
            }
            parents.append(mount.point)
        }
        guard let accounting = unified ?? legacy("cpuacct") else {
            throw IsolationError(
                .host, "no cgroup hierarchy counts CPU time: neither cgroup v2 nor v1's cpuacct is mounted")
        }
        return CgroupHost(
            hierarchy: .legacy, parents: parents + [accounting.point], unifiedAccounting: unified != nil,
            isTrueRoot: true)
    }

    /// The least memory limit that holds for all jobs together, in bytes: of the group that they are made in, and of those
    /// above it. Nil where there is none.
    public func memoryLimit() throws -> UInt64? {
        func limit(_ file: String) throws -> UInt64? {
            // `max`, or a number. The roots of both hierarchies can lack the file.
            guard SmallFile.exists(file) else { return nil }
            return UInt64(try SmallFile.read(file).prefix { $0 != "\n" })
        }
        guard hierarchy == .unified else { return try limit("\(parents[0])/memory.limit_in_bytes") }
        var limits: [UInt64] = []
        var folder = parents[0][...]
        // No folder above the hierarchy has this file.
        while !folder.isEmpty, SmallFile.exists("\(folder)/cgroup.controllers") {
            if let own = try limit("\(folder)/memory.max") { limits.append(own) }
            guard let slash = folder.lastIndex(of: "/") else { break }
            folder = folder[..<slash]
        }
        return limits.min()
    }

    private static func controllersOffered(in folder: String) throws -> [Substring] {
        try SmallFile.read("\(folder)/cgroup.controllers").split(whereSeparator: \.isWhitespace)
    }

    private static func unifiedFolder(of mount: Mount, membership: String) throws -> String {
        guard let line = membership.split(separator: "\n").first(where: { $0.hasPrefix("0::") }) else {
            throw IsolationError(.host, "/proc/self/cgroup has no cgroup v2 line")
        }
        var path = line.dropFirst(3)
        // A mount of a part of the hierarchy shows paths from its own root on.
        if mount.root != "/", path == mount.root || path.hasPrefix(mount.root + "/") {
            path = path.dropFirst(mount.root.count)
        }
        return path == "/" || path.isEmpty ? mount.point : mount.point + (path.hasPrefix("/") ? "" : "/") + path
    }

    /// The instance's own folders.
    func folders(instance: String) -> [String] {
        parents.map { "\($0)/\(Self.folderName(instance: instance))" }
    }

    /// Whether this process may make groups where it is. systemd marks what it has handed over (systemd.resource-control,
    /// Delegate=); elsewhere it would remove them behind our back.
    public var needsDelegation: Bool {
        guard hierarchy == .unified, !isTrueRoot, SmallFile.exists("/run/systemd/system") else { return false }
        return parents.allSatisfy {
            bk_has_attribute($0, "trusted.delegate") == 0 && bk_has_attribute($0, "user.delegate") == 0
        }
    }

    /// Makes the instance's folders, with the controllers enabled for what comes below them.
    func make(instance: String) throws {
        if hierarchy == .unified {
            let parent = parents[0]
            if let missing = missingControllers.first {
                throw IsolationError(
                    .host,
                    "the \(missing) controller is not offered to this cgroup; have it delegated: "
                        + "systemd-run --scope -p Delegate=yes bulkhead …")
            }
            if !isTrueRoot {
                // A group with controllers for its children may hold no process itself (cgroup-v2.rst, "No Internal
                // Process Constraint"), so this one moves into a leaf.
                let leaf = "\(parent)/\(Self.daemonLeaf)"
                try Folder.make(leaf)
                try SmallFile.write("\(getpid())", to: "\(leaf)/cgroup.procs")
            }
            try enableControllers(in: parent)
        }
        for folder in folders(instance: instance) { try Folder.make(folder) }
        if hierarchy == .unified { try enableControllers(in: folders(instance: instance)[0]) }
    }

    private func enableControllers(in folder: String) throws {
        do throws(SystemError) {
            try SmallFile.write(
                Self.controllers.map { "+\($0)" }.joined(separator: " "), to: "\(folder)/cgroup.subtree_control")
        } catch {
            guard error.errno == EBUSY else { throw error }
            throw IsolationError(
                .host,
                "other processes share this cgroup, so limits cannot be set below it; give bulkhead one of its own: "
                    + "systemd-run --scope -p Delegate=yes bulkhead …")
        }
    }

    /// Makes sure that no job can use swap that no limit counts. Asked of the instance's own folder.
    func refuseUncountedSwap(instance: String) throws {
        let limit = hierarchy == .unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes"
        guard !SmallFile.exists("\(folders(instance: instance)[0])/\(limit)") else { return }
        // The first line is the heading.
        guard try SmallFile.read("/proc/swaps").split(separator: "\n").count > 1 else { return }
        throw IsolationError(
            .host, "the host has swap, but the kernel does not count it (boot with swapaccount=1, or swapoff -a)")
    }
}
