import Foundation
import Isolation
import Linux

/// One thing that a host has or lacks for running programs in sandboxes.
struct HostFinding {
    enum Level {
        case fine
        /// Jobs run, but something is worse than it could be.
        case advice
        /// No job could run.
        case missing
    }

    var level: Level
    /// What was looked at, such as `kernel`.
    var subject: String
    /// What was found.
    var text: String
    /// The command or change that mends it; nil where nothing needs mending.
    var fix: String?

    static func fine(_ subject: String, _ text: String) -> HostFinding {
        .init(level: .fine, subject: subject, text: text)
    }

    static func advice(_ subject: String, _ text: String, fix: String) -> HostFinding {
        .init(level: .advice, subject: subject, text: text, fix: fix)
    }

    static func missing(_ subject: String, _ text: String, fix: String) -> HostFinding {
        .init(level: .missing, subject: subject, text: text, fix: fix)
    }
}

/// Looks at the host without changing anything.
enum HostCheck {
    /// The least kernel: memory.peak (5.19).
    private static let leastKernel = (5, 19)

    static func findings() -> [HostFinding] {
        [architecture(), kernel(), root()] + cgroups()
            + [
                overlay(), userNamespaces(), executableMemory(), seccomp(), tracing(), corePattern(), swap(),
                hugePages(),
                hardwareThreads(),
                samePageMerging(), speculation(), processPeak(), pressure(),
            ]
    }

    private static func architecture() -> HostFinding {
        var name = utsname()
        uname(&name)
        let machine = text(of: name.machine)
        return machine == "x86_64"
            ? .fine("machine", machine)
            : .missing("machine", "\(machine) is not supported", fix: "use an x86-64 host")
    }

    private static func kernel() -> HostFinding {
        var name = utsname()
        uname(&name)
        let release = text(of: name.release)
        guard isKernel(atLeast: leastKernel) else {
            return .missing(
                "kernel", "Linux \(release) is older than \(leastKernel.0).\(leastKernel.1)",
                fix: "boot a newer kernel (Debian 12 has 6.1)")
        }
        return .fine("kernel", "Linux \(release)")
    }

    private static func isKernel(atLeast least: (Int, Int)) -> Bool {
        var name = utsname()
        uname(&name)
        let numbers = text(of: name.release).split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= least
    }

    private static func text<Field>(of field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func root() -> HostFinding {
        geteuid() == 0
            ? .fine("root", "uid 0; given up once the launcher runs")
            : .missing("root", "uid \(geteuid())", fix: "sudo bulkhead …")
    }

    private static func cgroups() -> [HostFinding] {
        do {
            let host = try CgroupHost.detect()
            var findings: [HostFinding] = []
            let kind = host.hierarchy == .unified ? "v2" : "v1 hierarchies"
            findings.append(.fine("cgroup", "\(kind): memory, pids, cpu at \(host.parents.joined(separator: ", "))"))
            if !host.needsDelegation, let missing = host.missingControllers.first {
                findings.append(
                    .missing(
                        "delegation", "the \(missing) controller is not offered to this cgroup",
                        fix: "systemd-run --scope -p Delegate=yes bulkhead …, or enable it in the parent's "
                            + "cgroup.subtree_control"))
            }
            if host.needsDelegation {
                findings.append(
                    .advice(
                        "delegation",
                        "this cgroup belongs to systemd; bulkhead starts itself again in a scope of its own",
                        fix: "for a service, a unit with Delegate=yes"))
            }
            if host.hierarchy == .legacy {
                findings.append(
                    .advice(
                        "cgroup v2", "limits go through v1 files; accounting is coarser",
                        fix: "boot with systemd.unified_cgroup_hierarchy=1"))
            }
            return findings
        } catch let error as IsolationError {
            return [.missing("cgroup", error.message, fix: "what the message names")]
        } catch {
            return [.missing("cgroup", "\(error)", fix: "mount -t cgroup2 none /sys/fs/cgroup")]
        }
    }

    private static func overlay() -> HostFinding {
        let known = (try? SmallFile.read("/proc/filesystems"))?.contains("\toverlay\n") ?? false
        return known
            ? .fine("overlayfs", "available")
            : .missing("overlayfs", "the kernel does not know it", fix: "modprobe overlay")
    }

    private static func userNamespaces() -> HostFinding {
        let most = (try? SmallFile.read("/proc/sys/user/max_user_namespaces")).flatMap { Int($0.dropLast()) } ?? 0
        return most > 0
            ? .fine("user namespaces", "up to \(most)")
            : .missing(
                "user namespaces", "switched off", fix: "sysctl user.max_user_namespaces=16384")
    }

    /// The stub is executed from a sealed memfd.
    private static func executableMemory() -> HostFinding {
        // Not there before Linux 6.3, which has no way to forbid it. Each PID namespace has its own (pid_namespaces(7)).
        let value = (try? SmallFile.read("/proc/sys/vm/memfd_noexec"))?.prefix { $0 != "\n" }
        return value == "2"
            ? .missing(
                "executable memfd", "vm.memfd_noexec is 2: the launcher can make none, so no job can start",
                fix: "sysctl vm.memfd_noexec=1 (before Linux 6.6 it cannot be lowered again: after a reboot)")
            : .fine("executable memfd", value.map { "vm.memfd_noexec is \($0)" } ?? "not restricted")
    }

    private static func seccomp() -> HostFinding {
        let actions = ((try? SmallFile.read("/proc/sys/kernel/seccomp/actions_avail")) ?? "")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        // Refusals are told to the slot, which answers and counts them (seccomp_unotify(2)).
        let missing = ["errno", "kill_process", "user_notif"].filter {
            !actions.split(separator: " ").contains($0[...])
        }
        return missing.isEmpty
            ? .fine("seccomp", actions)
            : .missing(
                "seccomp", "this kernel's filters lack \(missing.joined(separator: ", "))",
                fix: "boot a kernel with CONFIG_SECCOMP_FILTER")
    }

    private static func corePattern() -> HostFinding {
        let pattern = ((try? SmallFile.read("/proc/sys/kernel/core_pattern")) ?? "")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(4), &limit)
        // At a limit of 0 a piped handler still runs as root for every crash (core(5)); 1 stops it, but cannot be had
        // where the hard limit is 0.
        if pattern.hasPrefix("|"), limit.rlim_max == 0 {
            return .advice(
                "core dumps", "a crashing job starts the host's handler \(pattern.prefix(40))",
                fix: "start bulkhead with a core limit of at least 1 (ulimit -Hc 1)")
        }
        return .fine("core dumps", pattern.hasPrefix("|") ? "handler not run for jobs" : "none for jobs")
    }

    /// The slot takes the filter's listener out of the job by pidfd_getfd(2), which asks as ptrace(2) does.
    private static func tracing() -> HostFinding {
        let scope = (try? SmallFile.read("/proc/sys/kernel/yama/ptrace_scope"))?.prefix { $0 != "\n" }
        return scope == "3"
            ? .missing(
                "ptrace", "kernel.yama.ptrace_scope is 3: nobody may take a filter's listener, so no job can start",
                fix: "sysctl kernel.yama.ptrace_scope=2 (after a reboot where it was 3)")
            : .fine("ptrace", scope.map { "kernel.yama.ptrace_scope is \($0)" } ?? "not restricted")
    }

    private static func hardwareThreads() -> HostFinding {
        guard CoreScheduling.isNeeded else {
            return .fine(
                "hyper-threads",
                isVirtual ? "none that this kernel sees; what jobs share of a core is the hypervisor's to say" : "off")
        }
        return CoreScheduling.isPossible
            ? .fine("hyper-threads", "on; core scheduling keeps each job's core to itself")
            : .advice(
                "hyper-threads", "two jobs can share one core's caches: this kernel has no core scheduling",
                fix: "a kernel with CONFIG_SCHED_CORE, or echo off > /sys/devices/system/cpu/smt/control")
    }

    private static func samePageMerging() -> HostFinding {
        let running = ((try? SmallFile.read("/sys/kernel/mm/ksm/run")) ?? "0\n").hasPrefix("1")
        return running
            ? .advice(
                "page merging", "KSM can tell one job what another holds in memory",
                fix: "echo 2 > /sys/kernel/mm/ksm/run")
            : .fine("page merging", "off")
    }

    private static var isVirtual: Bool {
        ((try? SmallFile.read("/proc/cpuinfo", limit: 1 << 20)) ?? "").contains(" hypervisor")
    }

    private static func swap() -> HostFinding {
        let areas = ((try? SmallFile.read("/proc/swaps")) ?? "").split(separator: "\n").dropFirst()
        if areas.isEmpty { return .fine("swap", "none") }
        return .advice(
            "swap", "none for jobs, but what the rest of this host holds in memory can be written to it",
            fix: "swapoff -a, or an encrypted swap")
    }

    /// Pages of hugetlbfs are set aside for whoever maps them, and charged to no job (hugetlbpage.rst; cgroup-v2.rst,
    /// memory_hugetlb_accounting).
    private static func hugePages() -> HostFinding {
        let folder = "/sys/kernel/mm/hugepages"
        let sizes = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let most = sizes.sorted().compactMap { size -> String? in
            func number(_ name: String) -> Int {
                (try? SmallFile.read("\(folder)/\(size)/\(name)")).flatMap { Int($0.dropLast()) } ?? 0
            }
            let count = number("nr_hugepages") + number("nr_overcommit_hugepages")
            return count > 0 ? "\(count) of \(size.dropFirst("hugepages-".count))" : nil
        }
        return most.isEmpty
            ? .fine("huge pages", "none set aside")
            : .advice(
                "huge pages", "\(most.joined(separator: ", ")) set aside; jobs can map them beyond their memory limit",
                fix: "sysctl vm.nr_hugepages=0 vm.nr_overcommit_hugepages=0")
    }

    private static func speculation() -> HostFinding {
        let folder = "/sys/devices/system/cpu/vulnerabilities"
        let open = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().filter {
            (try? SmallFile.read("\(folder)/\($0)"))?.hasPrefix("Vulnerable") ?? false
        }
        return open.isEmpty
            ? .fine("speculation", "every flaw that this kernel knows is mitigated")
            : .advice(
                "speculation", "the kernel reports no full mitigation of \(open.joined(separator: ", "))",
                fix: "newer microcode and kernel; no mitigations=off")
    }

    private static func processPeak() -> HostFinding {
        isKernel(atLeast: (6, 12))
            ? .fine("process peaks", "counted")
            : .advice(
                "process peaks", "not counted before Linux 6.12: evidence.peak.processes is null", fix: "a newer kernel"
            )
    }

    private static func pressure() -> HostFinding {
        (try? SmallFile.read("/proc/pressure/cpu")) != nil
            ? .fine("contention", "told by CPU pressure and steal")
            : .advice(
                "contention", "no CPU pressure to read: evidence.contended tells of stolen time alone",
                fix: "boot with psi=1 (CONFIG_PSI)")
    }
}
