import Foundation
import LaunchProtocol
import Testing

@testable import Isolation

/// What is made of a host's mountinfo and membership, as recorded on hosts of each kind. The folders are made below a
/// temporary one, with the files that detection reads.
@Suite("Which control groups a host has")
struct CgroupHostTests {
    /// A folder in the place of /sys/fs/cgroup.
    private final class Hierarchy {
        let root: String

        init(files: [String: String] = [:]) throws {
            root = NSTemporaryDirectory() + "bulkhead-cgroup-\(UUID().uuidString)"
            for (path, content) in files {
                let url = URL(fileURLWithPath: "\(root)/\(path)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(content.utf8).write(to: url)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func detect(_ mountinfo: String, _ membership: String) throws -> CgroupHost {
            var host = try CgroupHost.detect(
                mountinfo: mountinfo.replacingOccurrences(of: "/sys/fs/cgroup", with: root), membership: membership)
            host.parents = host.parents.map { $0.replacingOccurrences(of: root, with: "/sys/fs/cgroup") }
            return host
        }

        func message(_ mountinfo: String, _ membership: String) -> String? {
            do {
                _ = try detect(mountinfo, membership)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private static let all = "cpuset cpu io memory hugetlb pids rdma misc\n"

    private static let debian = """
        24 30 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
        30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
        31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
        """

    private static let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
        33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test("the memory limit is the least of the jobs' group and those above it")
    func memoryLimit() throws {
        let tree = try Hierarchy(files: [
            "cgroup.controllers": Self.all, "a/cgroup.controllers": Self.all, "a/memory.max": "2147483648\n",
            "a/b/cgroup.controllers": Self.all, "a/b/memory.max": "3221225472\n", "c/cgroup.controllers": Self.all,
            "c/memory.max": "max\n", "memory/memory.limit_in_bytes": "1073741824\n",
        ])
        func limit(_ hierarchy: LauncherConfiguration.CgroupHierarchy, _ folder: String) throws -> UInt64? {
            try CgroupHost(
                hierarchy: hierarchy, parents: ["\(tree.root)/\(folder)"], unifiedAccounting: true, isTrueRoot: false
            ).memoryLimit()
        }
        #expect(try limit(.unified, "a/b") == 2 << 30)
        #expect(try limit(.unified, "c") == nil)
        #expect(try limit(.legacy, "memory") == 1 << 30)
        #expect(try limit(.legacy, "c") == nil)
    }

    @Test("v2 below a systemd session")
    func unified() throws {
        let own = "user.slice/user-1000.slice/session-3.scope"
        let files = [
            "cgroup.controllers": Self.all, "\(own)/cgroup.controllers": Self.all, "\(own)/cgroup.type": "domain\n",
        ]
        let host = try Hierarchy(files: files).detect(Self.debian, "0::/\(own)\n")
        #expect(host.hierarchy == .unified)
        #expect(host.parents == ["/sys/fs/cgroup/\(own)"])
        #expect(!host.isTrueRoot)
        #expect(host.folders(instance: "i3") == ["/sys/fs/cgroup/\(own)/bulkhead-i3"])
    }

    @Test("v2 in a slice that is offered less than there is: to be had by delegation, and told by name")
    func slice() throws {
        let files = [
            "cgroup.controllers": Self.all, "system.slice/a.service/cgroup.controllers": "memory pids\n",
            "system.slice/a.service/cgroup.type": "domain\n",
        ]
        let host = try Hierarchy(files: files).detect(Self.debian, "0::/system.slice/a.service\n")
        #expect(host.hierarchy == .unified)
        #expect(host.missingControllers == ["cpu"])
    }

    @Test("v2 at the hierarchy's root")
    func unifiedRoot() throws {
        let host = try Hierarchy(files: ["cgroup.controllers": Self.all]).detect(Self.debian, "0::/\n")
        #expect(host.parents == ["/sys/fs/cgroup"])
        #expect(host.isTrueRoot)
    }

    @Test("v2 in the leaf that an earlier engine has moved this process into")
    func unifiedLeaf() throws {
        let files = [
            "cgroup.controllers": Self.all, "a.scope/cgroup.controllers": Self.all,
            "a.scope/bulkhead-daemon/cgroup.controllers": Self.all,
        ]
        let host = try Hierarchy(files: files).detect(Self.debian, "0::/a.scope/bulkhead-daemon\n")
        #expect(host.parents == ["/sys/fs/cgroup/a.scope"])
    }

    @Test("v2 in a container that sees a part of the hierarchy")
    func container() throws {
        let info = Self.debian.replacingOccurrences(of: "0:27 / ", with: "0:27 /docker/4f5 ")
        let hierarchy = try Hierarchy(files: [
            "cgroup.controllers": Self.all, "cgroup.type": "domain\n", "work/cgroup.controllers": Self.all,
            "6/cgroup.controllers": Self.all, "docker/4f56/cgroup.controllers": Self.all,
        ])
        #expect(try hierarchy.detect(info, "0::/docker/4f5\n").parents == ["/sys/fs/cgroup"])
        #expect(try !hierarchy.detect(info, "0::/docker/4f5\n").isTrueRoot)
        #expect(try hierarchy.detect(info, "0::/docker/4f5/work\n").parents == ["/sys/fs/cgroup/work"])
        // With a cgroup namespace the membership begins at its root.
        #expect(try hierarchy.detect(Self.debian, "0::/\n").parents == ["/sys/fs/cgroup"])
        // Another group whose name only begins alike is not cut.
        #expect(try hierarchy.detect(info, "0::/docker/4f56\n").parents == ["/sys/fs/cgroup/docker/4f56"])
    }

    @Test("v2 mounted elsewhere, with a blank in the path")
    func elsewhere() throws {
        let hierarchy = try Hierarchy(files: ["my groups/cgroup.controllers": Self.all])
        let info = "31 24 0:27 / /sys/fs/cgroup/my\\040groups rw - cgroup2 cgroup2 rw\n"
        #expect(try hierarchy.detect(info, "0::/\n").parents == ["/sys/fs/cgroup/my groups"])
    }

    @Test("hybrid: limits by v1, CPU time by v2")
    func hybridHost() throws {
        let host = try Hierarchy(files: ["unified/cgroup.controllers": "\n"])
            .detect(Self.hybrid, "4:memory:/process_api/1\n1:cpu:/\n0::/\n")
        #expect(host.hierarchy == .legacy)
        #expect(
            host.parents == [
                "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified",
            ])
        #expect(host.unifiedAccounting)
        #expect(!host.needsDelegation)
    }

    @Test("v1 alone, with controllers mounted together")
    func legacy() throws {
        let info = """
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
            """
        let host = try Hierarchy().detect(info, "4:memory:/\n")
        #expect(host.hierarchy == .legacy)
        #expect(host.parents.last == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(!host.unifiedAccounting)
    }

    @Test("a controller that is missing is named, with the line that helps", arguments: ["memory", "pids", "cpu"])
    func missing(controller: String) throws {
        let offered = Self.all.split(separator: " ").filter { $0 != controller }.joined(separator: " ")
        let message = try Hierarchy(files: ["cgroup.controllers": offered]).message(Self.debian, "0::/\n")
        #expect(message?.contains("the \(controller) controller") == true)
        let lines = Self.hybrid.split(separator: "\n").filter { !$0.hasSuffix("rw,\(controller)") }
        let legacy = try Hierarchy(files: ["unified/cgroup.controllers": "\n"])
            .message(lines.joined(separator: "\n"), "0::/\n")
        #expect(legacy?.contains("the \(controller) controller") == true)
        #expect(legacy?.contains("Delegate=yes") == true)
    }

    @Test("a host with nothing")
    func nothing() throws {
        #expect(try Hierarchy().message("", "")?.contains("mount -t cgroup2") == true)
        #expect(try Hierarchy().message("garbage\n- - -\n", "x")?.contains("memory") == true)
        #expect(try Hierarchy().message(Self.debian, "1:cpu:/\n")?.contains("no cgroup v2 line") == true)
        let info = Self.hybrid.split(separator: "\n").filter { !$0.contains("cgroup2") && !$0.contains("cpuacct") }
        #expect(try Hierarchy().message(info.joined(separator: "\n"), "")?.contains("cpuacct") == true)
    }
}

/// Uids that belong to an instance.
@Suite("Uids of instances")
struct UserRangeTests {
    @Test("no two instances, and no two uses, share a uid")
    func disjoint() {
        var owners: [UInt32: Int] = [:]
        for number in 0..<InstanceLease.capacity {
            let range = InstanceLease.UserRange(instance: number)
            let used =
                [range.driver, range.initProcess] + (0..<InstanceLease.UserRange.jobs).map { range.firstJob + $0 }
            for user in used {
                #expect(owners.updateValue(number, forKey: user) == nil, "\(user)")
                #expect(user >= 100_000)
                // Below 2³¹, so that no tool takes it for negative.
                #expect(user < 1 << 31)
            }
        }
    }
}
