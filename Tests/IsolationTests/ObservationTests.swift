import Glibc
import Linux
import Testing

@testable import Isolation

/// What a job sees of the world it is in: each point of the hardening list, from the inside.
extension EngineTests {
    @Suite("Seen from inside a job")
    struct Observations {
        /// One job in the default image looks at everything.
        private static let observation = Task {
            try await TestEngine.shared().probe(
                "observe", in: .default, input: Array("x".utf8),
                environment: ["PATH": "/usr/bin:/bin", "NAME": "a=b c"])
        }

        private static let files = Task { try await TestEngine.shared().probe("files", in: .default) }

        private func seen() async throws -> Outcome {
            let outcome = try await Self.observation.value
            #expect(outcome.ending == .exited(0))
            return outcome
        }

        @Test("the user namespace maps one id, to one of the host that is nobody's")
        func userNamespace() async throws {
            let outcome = try await seen()
            for key in ["uid_map", "gid_map"] {
                let map = outcome.values(key)
                try #require(map.count == 1)
                let fields = map[0].split(separator: " ").compactMap { UInt32($0) }
                try #require(fields.count == 3)
                #expect(fields[0] == 1_000)
                #expect(fields[1] >= 100_000)
                #expect(fields[2] == 1)
            }
            #expect(outcome.values("Uid") == ["1000 1000 1000 1000"])
            #expect(outcome.values("Gid") == ["1000 1000 1000 1000"])
        }

        @Test("no capability, no new privileges, a filter, no supplementary group")
        func privileges() async throws {
            let outcome = try await seen()
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(outcome.values(set) == ["0000000000000000"], "\(set)")
            }
            #expect(outcome.values("NoNewPrivs") == ["1"])
            #expect(outcome.values("Seccomp") == ["2"])
            #expect(outcome.values("Groups") == [""])
            #expect(outcome.values("groups") == ["0"])
        }

        @Test("three descriptors and no more")
        func descriptors() async throws { #expect(try await seen().values("fd") == ["0", "1", "2"]) }

        @Test("namespaces of its own, of every kind")
        func namespaces() async throws {
            let outcome = try await seen()
            let inside = Set(outcome.values("namespace"))
            #expect(inside.count == 7)
            for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
                var target = [CChar](repeating: 0, count: 64)
                let length = readlink("/proc/self/ns/\(kind)", &target, 63)
                let outside = String(
                    decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                #expect(outside.hasPrefix(kind))
                #expect(!inside.contains(outside), "\(kind) is the host's")
                #expect(inside.contains { $0.hasPrefix("\(kind):") })
            }
            #expect(outcome.values("hostname") == ["sandbox"])
        }

        @Test("no network: one interface, which is down, and no route")
        func network() async throws {
            let outcome = try await seen()
            #expect(outcome.values("interface") == ["lo"])
            #expect(outcome.values("route") == [])
            // An interface that is up has an address here.
            #expect(outcome.values("if_inet6") == [])
            #expect(!outcome.text.contains("127.0.0.1"))
        }

        @Test("mountinfo and the control group name nothing of the host")
        func hostPaths() async throws {
            let outcome = try await seen()
            let mounts = outcome.values("mount").map { $0.split(separator: " ").map(String.init) }
            #expect(mounts.count > 10)
            let text = outcome.values("mount").joined(separator: "\n")
            for word in [TestHost.stateFolder, "/run/bulkhead", "images", "rootfs", "/home", "/root"] {
                #expect(!text.contains(word), "\(word) in mountinfo")
            }
            let types = Set(Mount.parse(text).map(\.type))
            #expect(types == ["overlay", "tmpfs", "proc"])
            // Root folders within the file systems: of tmpfs /box and /tmp, of proc what is bound read-only.
            for mount in Mount.parse(text) where mount.type != "proc" {
                #expect(["/", "/box", "/tmp", "/null"].contains(mount.root), "\(mount)")
            }
            for line in outcome.values("cgroup") { #expect(line.hasSuffix(":/"), "\(line)") }
            #expect(!outcome.values("cgroup").isEmpty)
        }

        @Test("it is not PID 1, and what is is neither seen nor readable")
        func processes() async throws {
            let outcome = try await seen()
            let pid = try #require(outcome.values("pid").first)
            #expect(pid != "1")
            #expect(outcome.values("process") == [pid])
            #expect(outcome.values("stat /proc/1") == ["ENOENT"])
            #expect(outcome.values("open /proc/1/mem") == ["ENOENT"])
            #expect(outcome.values("open /proc/1/environ") == ["ENOENT"])
            #expect(outcome.values("Threads") == ["1"])
        }

        @Test("a session of its own, no terminal, every signal at its default")
        func session() async throws {
            let outcome = try await seen()
            #expect(outcome.values("sid") == outcome.values("pid"))
            #expect(outcome.values("pgid") == outcome.values("pid"))
            #expect(outcome.values("tty") == ["ENXIO"])
            #expect(outcome.values("umask") == ["022"])
            #expect(outcome.values("cwd") == ["/box"])
            #expect(outcome.values("ignored signal") == [])
            #expect(outcome.values("blocked signal") == [])
        }

        @Test("every resource limit is finite")
        func resourceLimits() async throws {
            let limits = try await seen().values("limit")
            #expect(limits.count == 8)
            for limit in limits { #expect(!limit.hasSuffix("infinite"), "\(limit)") }
            #expect(limits.contains("CORE 1"))
            #expect(limits.contains("NOFILE 256"))
            #expect(limits.contains("FSIZE \(16 << 20)"))
            #expect(limits.contains("RTPRIO 0"))
            #expect(limits.contains("NICE 0"))
        }

        @Test("the environment is what was given")
        func environment() async throws {
            #expect(try await seen().values("env") == ["NAME=a=b c", "PATH=/usr/bin:/bin"])
            #expect(try await TestEngine.shared().probe("observe").values("env") == [])
        }

        @Test("the standard streams can be opened by path")
        func streams() async throws {
            let outcome = try await seen()
            for key in ["open /dev/stdin", "open /dev/stdout", "open /dev/stderr", "write /dev/stderr"] {
                #expect(outcome.values(key) == ["ok"], "\(key)")
            }
            #expect(outcome.values("read /dev/stdin") == ["x"])
            #expect(outcome.errorText == "said to /dev/stderr\n")
        }

        @Test("only /box and /tmp can be written")
        func writable() async throws {
            let outcome = try await Self.files.value
            #expect(outcome.ending == .exited(0))
            #expect(Set(outcome.values("writable")) == ["/box", "/tmp"])
            #expect(outcome.values("odd") == [])
            #expect(outcome.values("root flags") == ["ro,nosuid,nodev"])
            #expect(outcome.values("box flags") == ["nosuid,nodev"])
            #expect(outcome.values("stat /sys/kernel") == ["ENOENT"])
            #expect(outcome.values("open /box/..") == ["ENOENT"])
        }

        @Test("six devices by their numbers, five links, nothing else in /dev")
        func devices() async throws {
            let outcome = try await Self.files.value
            #expect(
                outcome.values("device") == [
                    "null 1:3 666", "zero 1:5 666", "full 1:7 666", "random 1:8 666", "urandom 1:9 666", "tty 5:0 666",
                ])
            #expect(
                outcome.values("link") == [
                    "fd /proc/self/fd", "stdin /proc/self/fd/0", "stdout /proc/self/fd/1", "stderr /proc/self/fd/2",
                    "shm /tmp",
                ])
            #expect(outcome.values("dev").count == 11)
            #expect(outcome.values("shm_open") == ["ok"])
            #expect(outcome.values("stat /tmp/probe") == ["ok"])
            #expect(outcome.values("mkfifo") == ["ok"])
            #expect(outcome.values("mknod device") == ["EPERM"])
            #expect(outcome.values("chown root").first != "ok")
        }

        @Test("no set-id file and no file capability in the image")
        func setIdentity() async throws {
            let outcome = try await Self.files.value
            #expect(Int(outcome.values("seen").first ?? "") ?? 0 > 1_000)
            #expect(outcome.values("set-id") == [])
            #expect(outcome.values("file capability") == [])
        }

        @Test("the masked parts of /proc are empty and nothing of it can be written")
        func masks() async throws {
            let hidden = [
                "/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/interrupts", "/proc/kcore", "/proc/keys",
                "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats", "/proc/kallsyms",
                "/proc/config.gz", "/proc/key-users", "/proc/locks",
            ]
            let readOnly = [
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
                "/proc/sys/kernel/core_pattern",
                "/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory",
            ]
            let arguments = ["/bin/probe", "masks"] + hidden + readOnly
            let outcome = try await TestEngine.shared().run(arguments, in: .probe)
            var present = 0
            for line in outcome.values("mask") {
                let parts = line.split(separator: " ").map(String.init)
                guard parts.count == 3 else {
                    #expect(parts.last == "absent", "\(line)")
                    continue
                }
                present += 1
                if hidden.contains(parts[0]) {
                    #expect(parts[1] == "0", "\(line)")
                    #expect(["null", "EROFS", "EACCES", "EPERM"].contains(parts[2]), "\(line)")
                } else {
                    #expect(["EROFS", "EACCES", "EPERM", "ENOENT"].contains(parts[2]), "\(line)")
                }
            }
            #expect(outcome.values("mask").count == hidden.count + readOnly.count)
            #expect(present > 8)
        }

        @Test("calls that lead out are refused")
        func calls() async throws {
            let outcome = try await TestEngine.shared().probe("calls")
            #expect(outcome.ending == .exited(0))
            let refused: [String: Set<String>] = [
                "unshare_user": ["EPERM"], "unshare_mount": ["EPERM"], "clone_user": ["EPERM"], "clone_net": ["EPERM"],
                "clone3": ["ENOSYS"], "setns": ["EPERM"], "mount": ["EPERM"], "remount": ["EPERM"],
                "umount": ["EPERM"], "fsopen": ["EPERM"], "open_tree": ["EPERM"], "pivot_root": ["EPERM"],
                "chroot": ["EPERM"], "ptrace": ["EPERM"], "inet": ["EAFNOSUPPORT"], "inet6": ["EAFNOSUPPORT"],
                "alg": ["EAFNOSUPPORT"], "vsock": ["EAFNOSUPPORT"], "netlink": ["EAFNOSUPPORT"],
                "packet": ["EAFNOSUPPORT"], "unix_high": ["EAFNOSUPPORT"], "keyctl": ["EPERM"], "add_key": ["EPERM"],
                "bpf": ["EPERM"], "io_uring": ["EPERM"], "userfaultfd": ["EPERM"], "perf": ["EPERM"],
                "process_vm": ["EPERM"], "pidfd_getfd": ["EPERM"], "kexec": ["EPERM"], "module": ["EPERM"],
                "syslog": ["EPERM"], "handle": ["EPERM"], "memfd_secret": ["EPERM"], "sethostname": ["EPERM"],
                "setuid": ["EINVAL", "EPERM"], "setuid_other": ["EINVAL", "EPERM"], "setgroups": ["EPERM"],
                "seccomp": ["EPERM"], "tiocsti": ["EPERM"], "tiocsti_high": ["EPERM"], "modify_ldt": ["EPERM"],
                "nice": ["EACCES", "EPERM"], "core_raise": ["EPERM"], "unknown": ["ENOSYS"],
                "x32": ["signal 31", "ENOSYS"], "unix": ["ok"],
            ]
            for (call, answers) in refused {
                let answer = outcome.values(call)
                #expect(answer.count == 1 && answers.contains(answer[0]), "\(call): \(answer)")
            }
            #expect(outcome.text.split(separator: "\n").count == refused.count)
        }

        @Test("no filter needed: without it user namespaces still cannot be made")
        func namespaceLimits() async throws {
            // The filter refuses first; what stands behind it is seen in /proc.
            for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
                let outcome = try await TestEngine.shared().probe("cat", "/proc/sys/user/max_\(kind)_namespaces")
                #expect(outcome.values("line") == ["0"], "\(kind)")
            }
        }

        @Test("a job finds nothing of the one before it")
        func nothingLeft() async throws {
            let test = try TestEngine.start(slots: 1)
            let first = try await test.probe("leave")
            for key in ["tmp", "box", "shm", "msg"] { #expect(first.values(key) == ["ok"], "\(key)") }
            let second = try await test.probe("look")
            for key in ["tmp", "box", "shm", "msg"] { #expect(second.values(key) == ["ENOENT"], "\(key)") }
            await test.engine.shutDown()
        }

        @Test("two jobs at once do not meet: abstract sockets, locks, uids")
        func neighbours() async throws {
            let test = try await TestEngine.shared()
            let (lines, note) = AsyncStream.makeStream(of: String.self)
            let listener = Task {
                defer { note.finish() }
                return try await test.probe(
                    "listen", "meeting-point", onOutput: { note.yield(String(decoding: $1, as: UTF8.self)) })
            }
            var said = ""
            for await line in lines {
                said += line
                if said.contains("lock=") { break }
            }
            #expect(said == "bind=ok\nlisten=ok\nlock=ok\n")
            let other = try await test.probe("connect", "meeting-point")
            #expect(other.values("connect") == ["ECONNREFUSED"])
            #expect(other.values("lock") == ["ok"])
            let mine = try await test.probe("cat", "/proc/self/uid_map").values("line")
            let users = HostProcess.all(of: test.connection.instance).filter { $0.command == "probe" }.map(\.user)
            #expect(users.count == 1)
            for user in users { #expect(!mine.contains("1000 \(user) 1")) }
            listener.cancel()
            #expect(try await listener.value.ending == .cancelled)
        }
    }
}
