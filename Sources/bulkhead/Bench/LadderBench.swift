import Foundation
import Isolation
import Linux
import Measurement

/// What each layer of isolation costs alone, and all of them added up, without an engine: one small C program starts another.
extension BenchRun {
    /// A layer by its name in `Sources/bench-tool/ladder.c`, and what it needs besides.
    private struct Layer {
        var title: String
        var name: String
        var needs: [String] = []
    }

    private static let layers = [
        Layer(title: "PID namespace", name: "pid"),
        Layer(title: "mount namespace", name: "mnt"),
        Layer(title: "IPC namespace", name: "ipc"),
        Layer(title: "UTS namespace", name: "uts"),
        Layer(title: "cgroup namespace", name: "cgroupns"),
        Layer(title: "network namespace", name: "net"),
        Layer(title: "read-only root", name: "root", needs: ["mnt"]),
        Layer(title: "procfs", name: "proc", needs: ["mnt"]),
        Layer(title: "tmpfs", name: "tmp", needs: ["mnt"]),
        Layer(title: "control group with limits", name: "cgroup"),
        Layer(title: "user namespace made before, uid", name: "user"),
        Layer(title: "capabilities dropped", name: "caps"),
        Layer(title: "rlimits, session, descriptors", name: "limits"),
        Layer(title: "seccomp filter", name: "filter"),
    ]

    func ladder() throws -> BenchReport.Section {
        progress("ladder")
        let groups = try LadderGroups()
        let tool = try LadderTool(
            [try Installation.benchTool(), "ladder", host.exitImage, host.filterFile] + groups.folders)

        var subjects = [tool.subject("bare clone and exec", [])]
        for layer in Self.layers {
            subjects.append(tool.subject("\(layer.title), alone", layer.needs + [layer.name]))
            if layer.name == "net" {
                subjects.append(tool.subject("network namespace made before, alone", ["netready"]))
            }
        }
        for count in 2...Self.layers.count {
            let names = Self.layers.prefix(count).map(\.name)
            subjects.append(tool.subject("up to \(Self.layers[count - 1].title)", names))
        }
        let all = Self.layers.map { $0.name == "net" ? "netready" : $0.name }
        subjects.append(tool.subject("all, network namespace made before", all))
        defer { withExtendedLifetime(groups) {} }
        return .init(
            title: "What each layer costs", command: "sudo bulkhead bench --ladder", rounds: plan.rounds,
            baseline: subjects[0].name,
            rows: try plan.measure(subjects, progress: progress),
            notes: [
                "A small C program starts the static one with these layers: clone(2) sharing memory until the exec, as "
                    + "posix_spawn does it, until all of it is gone again. No engine, no hand-over between processes.",
                "alone: only this layer; root, procfs and tmpfs with the mount namespace that they need. up to: all from the "
                    + "first to this one.",
                "The filter is policies/default.json. Control groups are made and removed for each run; the engine makes "
                    + "them ahead, keeps the network and user namespaces of a slot, and mounts an image once.",
                "kernel: what kernel threads do for it afterwards. " + Self.aboutCPU,
            ])
    }
}

/// The C program, and the CPU time that it told of.
private final class LadderTool {
    private let child: BenchChild
    private var cpu: UInt64 = 0

    init(_ arguments: [String]) throws { child = try BenchChild("bulkhead-bench-tool ladder", arguments) }

    func subject(_ name: String, _ layers: [String]) -> BenchSubject {
        BenchSubject(
            name: name, round: { [.init(row: name, microseconds: try self.run(layers, 1)[0])] },
            repeated: { count in _ = try self.run(layers, count) }, cpuTime: { self.cpu })
    }

    /// - Returns: microseconds of each run.
    private func run(_ layers: [String], _ count: Int) throws -> [Double] {
        let answer = try child.ask("\(count) \(layers.joined(separator: " "))")
        let runs = answer.split(separator: " ").map { $0.split(separator: ":").compactMap { UInt64($0) } }
        guard runs.count == count, runs.allSatisfy({ $0.count == 2 }) else {
            throw IsolationError(.host, "\(layers.joined(separator: " ")): \(answer)")
        }
        for run in runs { cpu += run[1] }
        return runs.map { Double($0[0]) / 1_000 }
    }
}

/// Control groups of the bench's own, for the ladder to make others in.
private final class LadderGroups {
    let folders: [String]

    init() throws {
        let host = try CgroupHost.detect()
        let parents = host.hierarchy == .unified ? Array(host.parents.prefix(1)) : Array(host.parents.prefix(3))
        folders = parents.map { "\($0)/bulkhead-bench-\(getpid())" }
        for folder in folders {
            try Linux.Folder.make(folder)
            BenchCleanup.add(folder: folder)
        }
        if host.hierarchy == .unified {
            try SmallFile.write("+memory +pids +cpu", to: "\(folders[0])/cgroup.subtree_control")
        }
    }

    deinit { for folder in folders { BenchCleanup.remove(folder: folder) } }
}

extension Installation {
    /// Where a program is on PATH.
    static func onPath(_ program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(separator: ":")
            .map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The C program that measures what must be measured thinly.
    static func benchTool() throws -> String {
        try companion("bulkhead-bench-tool")
    }
}
