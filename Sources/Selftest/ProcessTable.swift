import Foundation
import Glibc
import Linux

/// Processes of this host, as any user sees them.
struct HostProcess: Sendable {
    var pid: Int32
    var parent: Int32
    var command: String
    /// The effective uid.
    var user: UInt32
    var isZombie: Bool
    /// Fields of /proc/PID/status.
    var status: [String: String]

    init?(pid: Int32) {
        guard let text = try? SmallFile.read("/proc/\(pid)/status") else { return nil }
        status = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            status[String(line[..<colon])] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        guard let parent = status["PPid"].flatMap({ Int32($0) }), let command = status["Name"],
            let users = status["Uid"]?.split(separator: "\t"), users.count == 4, let user = UInt32(users[1])
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.command = command
        self.user = user
        isZombie = status["State"]?.hasPrefix("Z") ?? false
    }

    static func all() -> [HostProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { HostProcess(pid: $0) }
    }

    /// Those that this process has started, however indirectly: another selftest may run on the same host.
    static func ours() -> [HostProcess] {
        let all = all()
        let parents = Dictionary(all.map { ($0.pid, $0.parent) }, uniquingKeysWith: { first, _ in first })
        let own = getpid()
        return all.filter { process in
            var ancestor = process.parent
            // A table that changed while it was read may have circles.
            for _ in 0..<64 where ancestor > 1 && ancestor != own { ancestor = parents[ancestor] ?? 0 }
            return ancestor == own
        }
    }

    /// The processes of attacks that run, or still run, as one of these users. A sandbox that waits for its job has its
    /// user already, and the launcher's name.
    static func attacks(of users: Set<UInt32>) -> [HostProcess] {
        all().filter { users.contains($0.user) && !$0.isZombie && !$0.command.hasPrefix("bulkhead-") }
    }

    /// Whether it is the main process of its sandbox, and has that name.
    func isMain(_ name: String) -> Bool {
        command == name && status["NSpid"]?.split(separator: "\t").dropFirst().last == "2"
    }
}
