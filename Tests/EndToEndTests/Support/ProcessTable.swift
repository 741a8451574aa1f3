import Foundation
import Glibc
import Linux

/// One process as /proc shows it.
struct ProcessEntry: Hashable, Sendable, CustomStringConvertible {
    var pid: Int32
    var parent: Int32
    /// With the pid it names one process for good: numbers are used again.
    var startTime: UInt64
    var name: String

    var description: String { "\(name)[\(pid)]" }

    /// Nil where there is no such process, or it has ended and only waits to be reaped.
    init?(pid: Int32) {
        guard let text = try? SmallFile.read("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
            let close = text.lastIndex(of: ")")
        else { return nil }
        // State, parent, …; the start time is the 22nd field of all (proc(5)).
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let parent = Int32(fields[1]),
            let startTime = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.startTime = startTime
        name = String(text[text.index(after: open)..<close])
    }

    var isAlive: Bool { ProcessEntry(pid: pid)?.startTime == startTime }

    /// One line of /proc/PID/status, or of a thread's.
    func status(_ field: String, thread: Int32? = nil) -> String? {
        let path = "/proc/\(pid)/" + (thread.map { "task/\($0)/" } ?? "") + "status"
        guard let text = try? SmallFile.read(path) else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
            .map { $0.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// The real uid.
    var user: UInt32? { status("Uid").flatMap { UInt32($0.split(whereSeparator: \.isWhitespace).first ?? "") } }

    var executable: String? { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe") }

    var threads: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []).compactMap { Int32($0) }
    }

    /// What each open descriptor is of.
    var descriptors: [String] {
        let folder = "/proc/\(pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    }
}

/// The processes of this host.
enum ProcessTable {
    static func all() -> [ProcessEntry] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
            .compactMap(ProcessEntry.init(pid:))
    }

    static func children(of pid: Int32, in table: [ProcessEntry] = all()) -> [ProcessEntry] {
        table.filter { $0.parent == pid }.sorted { $0.startTime < $1.startTime }
    }

    /// Children, their children, and so on.
    static func descendants(of pid: Int32, in table: [ProcessEntry] = all()) -> [ProcessEntry] {
        children(of: pid, in: table).flatMap { [$0] + descendants(of: $0.pid, in: table) }
    }
}

/// One instance of bulkhead on this host, by its number.
struct Instance: Sendable {
    var number: Int

    static let folder = "/run/bulkhead/instances"

    /// The uids of an instance, as the engine leases them.
    private static let firstUser: UInt32 = 1_900_000_000
    private static let users: UInt32 = 1_024

    init(number: Int) { self.number = number }

    /// The instance that a uid belongs to; nil for a uid of nobody's.
    init?(user: UInt32) {
        guard user >= Self.firstUser else { return nil }
        number = Int((user - Self.firstUser) / Self.users)
    }

    var name: String { "i\(number)" }
    var lockPath: String { "\(Self.folder)/\(name).lock" }
    var mountFolder: String { "\(Self.folder)/\(name)" }

    /// Whether somebody holds the lock. The look takes it for an instant where it is free.
    var isLive: Bool {
        let descriptor = open(lockPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    /// Everything that runs under one of its uids, or holds its lock.
    func processes() -> [ProcessEntry] {
        ProcessTable.all().filter { entry in
            guard let user = entry.user else { return false }
            if user != 0 { return Instance(user: user)?.number == number }
            return entry.descriptors.contains(lockPath)
        }
    }

    /// Its control groups, its own folder included, in each hierarchy that has any.
    func cgroups() -> [String: Int] {
        Hierarchy.all().reduce(into: [:]) { counts, hierarchy in
            for folder in hierarchy.instanceFolders() where folder.instance == number {
                counts[hierarchy.name, default: 0] += 1 + Hierarchy.foldersBelow(folder.path)
            }
        }
    }

    /// What ended instances have left on this host for good: others may just be about to end, or to start.
    static func leftOvers(within limit: Duration = .seconds(5)) -> [String] {
        var left: [String] = []
        _ = Eventually.holds(within: limit) {
            left = leftOversNow()
            return left.isEmpty
        }
        return left
    }

    /// The same at this moment: control groups, mounts, folders.
    static func leftOversNow() -> [String] {
        var left: [String] = []
        for hierarchy in Hierarchy.all() {
            for folder in hierarchy.instanceFolders() where !Instance(number: folder.instance).isLive {
                left.append("cgroup \(folder.path)")
            }
        }
        let mounts = Mount.parse((try? SmallFile.read("/proc/self/mountinfo", limit: 1 << 22)) ?? "")
        left += mounts.filter { $0.point.hasPrefix("/run/bulkhead") }.map { "mount \($0.point)" }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !name.hasSuffix(".lock")
        {
            guard let number = Int(name.dropFirst()), Instance(number: number).isLive else {
                left.append("folder \(folder)/\(name)")
                continue
            }
        }
        return left
    }
}

/// A mounted cgroup hierarchy.
struct Hierarchy {
    /// Such as `memory`, or `unified`.
    var name: String
    var point: String
    /// Of v1 hierarchies, with other options of the mount; of v2, `unified`.
    private var controllers: [String]

    func controls(_ controller: String) -> Bool { controllers.contains(controller) }

    static func all() -> [Hierarchy] {
        Mount.parse((try? SmallFile.read("/proc/self/mountinfo", limit: 1 << 22)) ?? "")
            .filter { $0.type == "cgroup" || $0.type == "cgroup2" }
            .map {
                Hierarchy(
                    name: URL(fileURLWithPath: $0.point).lastPathComponent, point: $0.point,
                    controllers: $0.type == "cgroup2" ? ["unified"] : $0.superOptions)
            }
    }

    /// Folders that carry an instance's mark, wherever in the hierarchy they are.
    func instanceFolders() -> [(path: String, instance: Int)] {
        var found: [(path: String, instance: Int)] = []
        func look(_ path: String, depth: Int) {
            guard depth < 8 else { return }
            for name in Self.folders(in: path) {
                if name.hasPrefix("bulkhead-i"), let number = Int(name.dropFirst("bulkhead-i".count)) {
                    found.append(("\(path)/\(name)", number))
                } else {
                    look("\(path)/\(name)", depth: depth + 1)
                }
            }
        }
        look(point, depth: 0)
        return found
    }

    static func foldersBelow(_ path: String) -> Int {
        folders(in: path).reduce(0) { $0 + 1 + foldersBelow("\(path)/\($1)") }
    }

    private static func folders(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
