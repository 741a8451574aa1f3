import Foundation
import Linux
import Testing

extension EndToEnd {
    @Suite("bulkhead check")
    struct CheckCommandTests {
        @Test("a host that can run jobs: a line for each thing, and a job as the proof")
        func fine() throws {
            let command = try Command.bulkhead(["check"])
            #expect(command.exitCode == 0, "\(command.text)\(command.error)")
            let lines = command.text.split(separator: "\n")
            for subject in [
                "machine", "kernel", "root", "cgroup", "overlayfs", "user namespaces", "executable memfd", "seccomp",
                "core dumps",
                "ptrace", "swap", "huge pages", "hyper-threads", "page merging", "speculation", "process peaks",
                "contention", "launcher", "policies", "image", "a job",
            ] {
                #expect(lines.contains { $0.dropFirst(8).hasPrefix(subject) }, "no line for \(subject)")
            }
            #expect(!command.text.contains("MISSING"))
            #expect(lines.last == "A job can run here.")
        }

        @Test("what this host cannot have is said in a line that names it")
        func lacks() throws {
            let lines = try Command.bulkhead(["check"]).text.split(separator: "\n")
            func isAdvice(_ subject: String) -> Bool { lines.contains { $0.hasPrefix("advice  \(subject)") } }
            func holds(_ path: String, _ prefix: String) -> Bool {
                ((try? SmallFile.read(path)) ?? "").hasPrefix(prefix)
            }
            let swaps = try SmallFile.read("/proc/swaps").split(separator: "\n").count > 1
            #expect(isAdvice("swap") == swaps)
            #expect(isAdvice("page merging") == holds("/sys/kernel/mm/ksm/run", "1"))
            #expect(isAdvice("contention") == !SmallFile.exists("/proc/pressure/cpu"))
            let flaws = "/sys/devices/system/cpu/vulnerabilities"
            let open = try FileManager.default.contentsOfDirectory(atPath: flaws).filter {
                holds("\(flaws)/\($0)", "Vulnerable")
            }
            let speculation = lines.first { $0.dropFirst(8).hasPrefix("speculation") } ?? ""
            for flaw in open { #expect(speculation.contains(flaw)) }
            #expect(isAdvice("speculation") == !open.isEmpty)
            #expect(isAdvice("cgroup v2") == SmallFile.exists("/sys/fs/cgroup/memory"))
            if !holds("/sys/devices/system/cpu/smt/active", "1") { #expect(!isAdvice("hyper-threads")) }
        }

        @Test("a host without an image: exit 1, what is missing, and the command that makes it")
        func missing() throws {
            let empty = try TemporaryFolder()
            let command = try Command.bulkhead(["check"], environment: ["BULKHEAD_STATE_DIR": empty.path])
            #expect(command.exitCode == 1)
            let lines = command.text.split(separator: "\n").map(String.init)
            let position = try #require(lines.firstIndex { $0.hasPrefix("MISSING image") })
            #expect(lines[position].contains("default"))
            #expect(lines[position + 1].contains("fix: bulkhead rootfs build default"))
            #expect(lines.last == "No job can run here.")
            // Nothing else is made out to be missing, and nothing was started.
            #expect(lines.filter { $0.hasPrefix("MISSING") }.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: empty.path).isEmpty)
        }

        @Test("a host that forbids executable memfds: what forbids them, what mends it, and no job is tried")
        func memfd() throws {
            guard SmallFile.exists("/proc/sys/vm/memfd_noexec") else { return }
            // In a PID namespace of its own, whose setting is its own.
            let child = try Child(
                [
                    "/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
                    "echo 2 >/proc/sys/vm/memfd_noexec && exec \"$0\" check", Installation.bulkhead,
                ], environment: Installation.environment)
            #expect(try child.wait(atMost: .seconds(60)) == 1)
            let lines = String(decoding: child.standardOutput, as: UTF8.self).split(separator: "\n").map(String.init)
            let position = try #require(lines.firstIndex { $0.hasPrefix("MISSING executable memfd") }, "\(lines)")
            #expect(lines[position].contains("vm.memfd_noexec is 2"))
            #expect(lines[position + 1].contains("fix: sysctl vm.memfd_noexec=1"))
            #expect(lines.filter { $0.hasPrefix("MISSING") }.count == 1)
            #expect(lines.last == "No job can run here.")
        }

        @Test("a launcher that is not there is named")
        func launcher() throws {
            let command = try Command.bulkhead(["check", "--launcher", "/nowhere/bulkhead-launcher"])
            #expect(command.exitCode == 1)
            #expect(command.text.contains("/nowhere/bulkhead-launcher"))
        }
    }
}
