import Foundation
import Glibc
import Linux

@testable import Isolation

/// A process as the host sees it.
struct HostProcess: Equatable {
    var pid: Int32
    var parent: Int32
    var session: Int32
    var user: UInt32
    var command: String
    var isZombie: Bool

    init?(pid: Int32) {
        guard let stat = try? SmallFile.read("/proc/\(pid)/stat"), let open = stat.firstIndex(of: "("),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        // pid (command) state ppid pgrp session …
        let rest = stat[stat.index(after: close)...].split(separator: " ")
        guard rest.count > 3, let parent = Int32(rest[1]), let session = Int32(rest[3]),
            let status = try? SmallFile.read("/proc/\(pid)/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") }),
            let user = UInt32(line.split(whereSeparator: \.isWhitespace)[1])
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.session = session
        self.user = user
        command = String(stat[stat.index(after: open)..<close])
        isZombie = rest[0] == "Z"
    }

    static func all() -> [HostProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { HostProcess(pid: $0) }
    }

    /// The living jobs and inits of an instance; others may run engines on this host too.
    static func all(of instance: String) -> [HostProcess] {
        let first = InstanceLease.UserRange(instance: Int(instance.dropFirst()) ?? 0).first
        let users = first..<(first + InstanceLease.UserRange.width)
        return all().filter { !$0.isZombie && users.contains($0.user) }
    }

    static func children(of pid: Int32) -> [HostProcess] { all().filter { $0.parent == pid && !$0.isZombie } }

    /// A field of its /proc/…/status.
    func status(_ field: String) -> String? {
        guard let text = try? SmallFile.read("/proc/\(pid)/status") else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
            .map { $0.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// The numbers of its open descriptors.
    var descriptors: [String] { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? [] }
}
