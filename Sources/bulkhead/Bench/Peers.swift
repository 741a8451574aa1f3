import Foundation
import Isolation
import Jobs
import Linux

/// Another sandbox that may be installed here, and how it is told to run the static program with what isolation it can give.
struct Peer: Sendable {
    var name: String
    /// What tells apart two uses of the same, with its comma; or nothing.
    var use = ""
    /// The program to look for.
    var program: String
    /// What of ours it does not have in this use.
    var lacks: String
    /// The command for the run of that number among those at once; files to open are descriptors and paths.
    var command: @Sendable (BenchHost, _ path: String, Int) throws -> SpawnedProgram
    /// Run as root before and after, for each number.
    var before: [[String]] = []
    var after: [[String]] = []

    private static let environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]

    static let all = [bubblewrap, bubblewrapFiltered, nsjail, isolate, crun, runc, nspawn]

    private static func bubblewrapArguments(_ host: BenchHost, _ path: String) -> [String] {
        [
            path, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid",
            "1000", "--clearenv", "--ro-bind", host.exitImage, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs",
            "/tmp",
            "--tmpfs", "/box", "--chdir", "/box",
        ]
    }

    private static let bubblewrap = Peer(
        name: "bubblewrap", program: "bwrap", lacks: "limits of memory, processes, CPU; a filter",
        command: { host, path, _ in
            SpawnedProgram(bubblewrapArguments(host, path) + ["/exit"], environment: environment)
        })

    private static let bubblewrapFiltered = Peer(
        name: "bubblewrap", use: ", our filter", program: "bwrap", lacks: "limits of memory, processes, CPU",
        command: { host, path, _ in
            SpawnedProgram(
                bubblewrapArguments(host, path) + ["--seccomp", "10", "/exit"], environment: environment,
                files: [(10, host.filterFile)])
        })

    private static let nsjail = Peer(
        name: "nsjail", program: "nsjail", lacks: "a filter (its own language, Kafel)",
        command: { host, path, _ in
            SpawnedProgram(
                [
                    path, "-q", "-Mo", "--chroot", host.exitImage, "--user", "65534", "--group", "65534", "--rlimit_as",
                    "512", "--time_limit", "30", "--cgroup_pids_max", "64", "--cgroup_mem_max", "134217728",
                    "--tmpfsmount",
                    "/tmp", "--tmpfsmount", "/box", "--cwd", "/box", "--", "/exit",
                ], environment: environment)
        },
        // It makes its groups below these and does not make them.
        before: [
            [
                "sh", "-c",
                "for c in memory pids; do ! [ -d /sys/fs/cgroup/$c ] || mkdir -p /sys/fs/cgroup/$c/NSJAIL; done",
            ]
        ],
        after: [["sh", "-c", "rmdir /sys/fs/cgroup/memory/NSJAIL /sys/fs/cgroup/pids/NSJAIL 2>/dev/null || true"]])

    private static let isolate = Peer(
        name: "isolate", use: ", the box made before", program: "isolate",
        lacks: "a list of allowed calls, a user namespace, limits by control groups (needs cgroup v2)",
        command: { host, path, number in
            SpawnedProgram(
                [path, "--box-id=\(number)", "--silent", "--run", "--", "exit"], environment: environment)
        },
        before: [["sh", "-c", "install -m 755 \"$EXIT\" \"$(isolate --box-id=\"$NUMBER\" --init)/box/exit\""]],
        after: [["isolate", "--box-id=$NUMBER", "--cleanup"]])

    private static let crun = ociRuntime("crun")
    private static let runc = ociRuntime("runc")

    private static func ociRuntime(_ name: String) -> Peer {
        Peer(
            name: name, program: name, lacks: "a user namespace",
            command: { host, path, number in
                SpawnedProgram(
                    [path, "run", "--bundle", try bundle(host, name, number), "bulkhead-bench-\(number)"],
                    environment: environment)
            })
    }

    private static let nspawn = Peer(
        name: "systemd-nspawn", program: "systemd-nspawn", lacks: "a user namespace; limits (it asks systemd for them)",
        command: { host, path, number in
            SpawnedProgram(
                [
                    path, "--quiet", "--register=no", "--keep-unit", "--read-only", "--private-network", "--as-pid2",
                    "--no-new-privileges=yes", "--drop-capability=all", "--link-journal=no", "--timezone=off",
                    "--resolv-conf=off", "--console=pipe", "--tmpfs=/tmp", "--tmpfs=/box",
                    "--machine=bulkhead-bench-\(number)",
                    "--directory=\(host.exitImage)", "--", "/exit",
                ], environment: environment)
        })

    /// Docker; its daemon must run. `socket` is that of a daemon other than the usual one.
    static func docker(socket: String?) -> Peer {
        Peer(
            name: "docker run", program: "docker", lacks: "a user namespace (unless the daemon has one for all)",
            command: { host, path, _ in
                SpawnedProgram(
                    [path] + (socket.map { ["--host", $0] } ?? []) + [
                        "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt",
                        "no-new-privileges", "--memory", "128m", "--pids-limit", "64", "--cpus", "1", "--user",
                        "65534:65534",
                        "--tmpfs", "/tmp", "bulkhead-bench", "/exit",
                    ], environment: environment.merging(["HOME": host.folder]) { first, _ in first })
            })
    }

    // MARK: OCI

    /// A folder with the configuration of one container (OCI runtime-spec).
    private static func bundle(_ host: BenchHost, _ peer: String, _ number: Int) throws -> String {
        let folder = "\(host.folder)/\(peer)-\(number)"
        try BenchHost.make(folder)
        let capabilities = Dictionary(
            uniqueKeysWithValues: ["bounding", "effective", "inheritable", "permitted", "ambient"].map {
                ($0, [String]())
            })
        func tmpfs(_ point: String, _ more: [String]) -> [String: Any] {
            ["destination": point, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"] + more]
        }
        let configuration: [String: Any] = [
            "ociVersion": "1.0.2",
            "process": [
                "terminal": false, "user": ["uid": 65_534, "gid": 65_534], "args": ["/exit"], "env": ["PATH=/bin"],
                "cwd": "/", "capabilities": capabilities, "noNewPrivileges": true,
                "rlimits": [["type": "RLIMIT_NOFILE", "hard": 256, "soft": 256]],
            ],
            "root": ["path": host.exitImage, "readonly": true], "hostname": "job",
            "mounts": [
                ["destination": "/proc", "type": "proc", "source": "proc"],
                tmpfs("/dev", ["strictatime", "mode=755", "size=65536k"]),
                tmpfs("/tmp", ["nodev", "mode=1777", "size=64m"]),
                tmpfs("/box", ["nodev", "mode=1777", "size=64m"]),
            ],
            "linux": [
                "namespaces": ["pid", "network", "ipc", "uts", "mount", "cgroup"].map { ["type": $0] },
                "cgroupsPath": "/bulkhead-bench-\(peer)-\(number)",
                "resources": [
                    "memory": ["limit": 128 << 20], "pids": ["limit": 64],
                    "cpu": ["quota": 100_000, "period": 100_000],
                ],
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
                "seccomp": try seccomp(host.policyFile),
            ] as [String: Any],
        ]
        try BenchHost.write(try JSONSerialization.data(withJSONObject: configuration), to: "\(folder)/config.json")
        return folder
    }

    /// Our policy as a runtime takes it: no comments, and what we let pass but count simply passes.
    private static func seccomp(_ file: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        guard var policy = try JSONSerialization.jsonObject(with: data) as? [String: Any],
            let rules = policy["syscalls"] as? [[String: Any]]
        else { throw IsolationError(.host, "\(file) is no policy") }
        policy["syscalls"] = rules.map { rule in
            var rule = rule
            rule["comment"] = nil
            if rule["action"] as? String == "SCMP_ACT_NOTIFY" { rule["action"] = "SCMP_ACT_ALLOW" }
            return rule
        }
        return policy
    }
}
