import Foundation
import Linux

/// How many of everything a service holds on its host: what must not grow with the number of jobs.
struct Census: Sendable, CustomStringConvertible {
    private var rows: [(name: String, count: Int)] = []
    private static let removed = "removed but in /proc/cgroups:"

    /// Counts now.
    init(of server: Server) {
        func add(_ name: String, _ count: Int) { rows.append((name, count)) }
        for (hierarchy, count) in server.instance.cgroups().sorted(by: { $0.key < $1.key }) {
            add("cgroup folders in \(hierarchy)", count)
        }
        for (controller, count) in Self.removedGroups() { add("\(Self.removed) \(controller)", count) }
        add("mounts of the host", Self.mounts(of: "self"))
        add("mounts of the launcher", Self.mounts(of: "\(server.launcher.pid)"))
        let slots = server.slots
        add("mounts of all slots", slots.reduce(0) { $0 + Self.mounts(of: "\($1.pid)") })
        add("descriptors of the driving process", server.driver.descriptors.count)
        add("descriptors of the launcher", server.launcher.descriptors.count)
        add("descriptors of all slots", slots.reduce(0) { $0 + Self.descriptors(of: $1) })
        add("threads of the driving process", server.driver.threads.count)
        add("slots", slots.count)
        add("processes", server.processes.count)
        add("folders in \(server.instance.mountFolder)", Self.folders(in: server.instance.mountFolder))
        add("groups, mounts, folders of ended instances", Instance.leftOversNow().count)
    }

    /// Counts until every slot has its next sandbox parked: until five counts in a row are the same.
    static func settled(of server: Server) -> Census {
        var census = Census(of: server)
        var same = 1
        _ = Eventually.holds(within: .seconds(20)) {
            usleep(50_000)
            let next = Census(of: server)
            same = next.description == census.description ? same + 1 : 1
            census = next
            return same == 5
        }
        return census
    }

    /// Counts until nothing is above `baseline`, or the time is up, and keeps the least of each: what a job leaves goes
    /// with some delay, and what other programs of this host have comes and goes. What leaked stays.
    init(of server: Server, notAbove baseline: Census, within limit: Duration = .seconds(20)) {
        self.init(of: server)
        let first = ContinuousClock.now
        while !growth(since: baseline).isEmpty, ContinuousClock.now - first < limit {
            usleep(200_000)
            let next = Census(of: server)
            rows = next.rows.map { row in
                (row.name, min(row.count, rows.first { $0.name == row.name }?.count ?? row.count))
            }
        }
    }

    /// The descriptors of a slot but for those of one runtime that waits in it, for which slots do depends on the latest jobs:
    /// the hold, the file, and the question of who waits for it.
    private static func descriptors(of slot: ProcessEntry) -> Int {
        let all = slot.descriptors
        let holds = all.count { $0 == "anon_inode:[fanotify]" }
        let held = all.count { $0.hasPrefix("/box/") && $0.contains("main.") }
        return all.count - min(holds, 1) - min(held, 2)
    }

    /// A removed group is counted for as long as a page of a file is charged to it that its job was the first to read. Few
    /// are, however many jobs there were, and programs beside the service have some too.
    private static let removedGroupsOfOthers = 8

    /// What is more than it was.
    func growth(since baseline: Census) -> [String] {
        rows.compactMap { row in
            let before = baseline.rows.first { $0.name == row.name }?.count ?? 0
            let slack = row.name.hasPrefix(Self.removed) ? Self.removedGroupsOfOthers : 0
            return row.count > before + slack ? "\(row.name): \(before) → \(row.count)" : nil
        }
    }

    /// Both side by side, a line for each thing.
    func table(since baseline: Census, _ names: (String, String)) -> String {
        func line(_ name: String, _ first: String, _ second: String) -> String {
            name.padding(toLength: 44, withPad: " ", startingAt: 0)
                + String(repeating: " ", count: max(0, 12 - first.count)) + first
                + String(repeating: " ", count: max(0, 12 - second.count)) + second
        }
        return
            ([line("", names.0, names.1)]
            + rows.map { row in
                let before = baseline.rows.first { $0.name == row.name }?.count
                return line(row.name, before.map { "\($0)" } ?? "-", "\(row.count)")
            }).joined(separator: "\n")
    }

    var description: String { rows.map { "\($0.name): \($0.count)" }.joined(separator: "\n") }

    /// Groups that the kernel counts in /proc/cgroups but that have no folder any more: removed, and not yet forgotten
    /// because something is still charged to them. Groups with a folder are counted by instance, above.
    private static func removedGroups() -> [(String, Int)] {
        let hierarchies = Hierarchy.all()
        return ((try? SmallFile.read("/proc/cgroups")) ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t")
            guard fields.count == 4, let count = Int(fields[2]) else { return nil }
            // Controllers of cgroup v2 are in the hierarchy 0 and all have its count.
            let point = fields[1] == "0" ? "unified" : String(fields[0])
            guard let hierarchy = hierarchies.first(where: { $0.controls(point) }) else { return nil }
            return (String(fields[0]), count - 1 - Hierarchy.foldersBelow(hierarchy.point))
        }
    }

    private static func mounts(of process: String) -> Int {
        ((try? SmallFile.read("/proc/\(process)/mountinfo", limit: 1 << 22)) ?? "").split(separator: "\n").count
    }

    private static func folders(in path: String) -> Int {
        guard let walk = FileManager.default.enumerator(atPath: path) else { return 0 }
        return walk.reduce(0) { count, _ in count + 1 }
    }
}
