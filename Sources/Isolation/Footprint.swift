import Glibc
import Linux

/// How many of everything an instance has on its host, as any user can count it: what must not grow with the number of
/// jobs, and must be gone once the engine has been shut down.
public struct Footprint: Sendable {
    /// One kind of thing.
    public struct Row: Equatable, Sendable {
        public var name: String
        public var count: Int
        /// Whether it belongs to the engine alone, so that none may be left when that has ended.
        public var endsWithEngine: Bool
    }

    public private(set) var rows: [Row] = []
    /// Slots that are open.
    public private(set) var slots = 0

    init(launcher: Int32, instance: String, driverUser: UInt32) throws {
        func add(_ name: String, _ count: Int, endsWithEngine: Bool = true) {
            rows.append(Row(name: name, count: count, endsWithEngine: endsWithEngine))
        }
        let table = try Process.all()
        let own = getpid()
        let users = driverUser..<driverUser + InstanceLease.UserRange.width
        var family: Set<Int32> = [launcher]
        // Parents may stand after their children.
        while case let more = Set(table.filter { family.contains($0.parent) }.map(\.pid)).subtracting(family),
            !more.isEmpty
        {
            family.formUnion(more)
        }
        let processes = table.filter { $0.pid != own && (family.contains($0.pid) || users.contains($0.user)) }
        let slots = processes.filter { $0.parent == launcher }
        self.slots = slots.count
        let launchers = processes.filter { $0.pid == launcher }
        add("processes", processes.count)
        add("programs of jobs", processes.count { $0.user > driverUser && !$0.name.hasPrefix("bulkhead-") })
        add("slots", slots.count)
        for folder in try CgroupHost.detect().folders(instance: instance) {
            add("control groups in \(folder)", try Self.folders(in: folder))
        }
        add("mounts of the launcher", launchers.reduce(0) { $0 + Self.mounts(of: "\($1.pid)").count })
        add("mounts of all slots", slots.reduce(0) { $0 + Self.mounts(of: "\($1.pid)").count })
        // Of the host itself: those of other instances are in namespaces of their own as well.
        add("mounts of the host", Self.mounts(of: "self").count { $0.point.contains("/instances/\(instance)") })
        // The table never shrinks: one descriptor lost with each job makes it grow. Who is not root cannot look inside.
        add("descriptor table of the launcher", launchers.map(\.descriptorTable).max() ?? 0)
        add("largest descriptor table of a slot", slots.map(\.descriptorTable).max() ?? 0)
        add("descriptors of the driving process", try Self.names(in: "/proc/self/fd").count, endsWithEngine: false)
        add(
            "threads for slots",
            try Self.names(in: "/proc/self/task").count {
                ((try? SmallFile.read("/proc/self/task/\($0)/comm")) ?? "").hasPrefix("\(instance) slot ")
            })
    }

    /// What is more than it was, a line for each.
    public func growth(since baseline: Footprint) -> [String] {
        rows.compactMap { row in
            let before = baseline.rows.first { $0.name == row.name }?.count ?? 0
            return row.count > before ? "\(row.name): \(before) → \(row.count)" : nil
        }
    }

    /// What an engine that has been shut down has left, a line for each.
    public var leftovers: [String] {
        rows.filter { $0.endsWithEngine && $0.count > 0 }.map { "\($0.name): \($0.count)" }
    }

    private struct Process {
        var pid: Int32
        var parent: Int32
        var name: String
        /// The real uid.
        var user: UInt32
        /// How many descriptors its table has room for.
        var descriptorTable: Int

        static func all() throws -> [Process] {
            try names(in: "/proc").compactMap { Int32($0) }.compactMap(Process.init)
        }

        init?(pid: Int32) {
            // It may be gone by now.
            guard let text = try? SmallFile.read("/proc/\(pid)/status") else { return nil }
            var fields: [Substring: [Substring]] = [:]
            for line in text.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                fields[line[..<colon]] = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
            }
            guard let parent = fields["PPid"]?.first.flatMap({ Int32($0) }), let name = fields["Name"]?.first,
                let user = fields["Uid"]?.first.flatMap({ UInt32($0) }), let state = fields["State"]?.first
            else { return nil }
            // Dead, and waits to be reaped: of no more use to anybody.
            if state == "Z" || state == "X" { return nil }
            self.pid = pid
            self.parent = parent
            self.name = String(name)
            self.user = user
            descriptorTable = fields["FDSize"]?.first.flatMap { Int($0) } ?? 0
        }
    }

    private static func mounts(of process: String) -> [Mount] {
        // The process may have ended.
        Mount.parse((try? SmallFile.read("/proc/\(process)/mountinfo", limit: 1 << 22)) ?? "")
    }

    private static func names(in path: String) throws -> [String] {
        let folder = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        return try Folder.names(of: folder.raw)
    }

    /// A folder and all below it; 0 where it is not there.
    private static func folders(in path: String) throws -> Int {
        guard SmallFile.exists(path) else { return 0 }
        var count = 1
        for name in try names(in: path) where SmallFile.exists("\(path)/\(name)/cgroup.procs") {
            count += try folders(in: "\(path)/\(name)")
        }
        return count
    }
}

extension Engine {
    /// Counts what the instance has on its host at this moment; nothing when it has been shut down.
    /// - Throws: what kept it from being counted.
    public func footprint() throws -> Footprint {
        try Footprint(launcher: launcher.pid, instance: launcher.instance, driverUser: launcher.driverUser)
    }
}
