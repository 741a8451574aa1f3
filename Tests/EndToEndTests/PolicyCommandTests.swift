import Foundation
import Testing

extension EndToEnd {
    /// `bulkhead policy`, and the policies that recipes name.
    @Suite("Policies")
    struct PolicyCommandTests {
        private static func fixture(_ name: String) throws -> Source {
            let path = "\(Installation.sources)/Tests/Fixtures/programs/\(name)"
            return Source(
                ending: URL(fileURLWithPath: path).pathExtension,
                text: try String(contentsOfFile: path, encoding: .utf8))
        }

        /// A copy of the shipped policies without some of them.
        private static func policies(without names: [String]) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            let source = "\(Installation.sources)/policies"
            for file in try FileManager.default.contentsOfDirectory(atPath: source)
            where file.hasSuffix(".json") && !names.contains(String(file.dropLast(5))) {
                try FileManager.default.copyItem(atPath: "\(source)/\(file)", toPath: "\(folder.path)/\(file)")
            }
            return folder
        }

        // MARK: check

        @Test(
            "check: a shipped policy is valid, and what it comes to is counted",
            arguments: ["default", "compiled", "compiler"])
        func check(name: String) throws {
            let command = try Command.bulkhead(["policy", "check", name])
            #expect(command.exitCode == 0, "\(command.error)")
            #expect(command.text.hasPrefix("\(Installation.sources)/policies/\(name).json: valid\n"))
            for subject in ["allowed", "by arguments", "named, denied", "all others", "i386, x32", "program"] {
                #expect(command.text.contains("\n  \(subject) "), "\(subject)")
            }
            #expect(command.text.contains("all others      each fails with ENOSYS (38)"))
            #expect(!command.text.contains("beyond default"))
            #expect(!command.text.contains("warning"))
        }

        @Test("check: a policy that allows more than the default says what, names that nobody knows are warnings")
        func wider() throws {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/mine.json"
            try Data(
                #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "bpf", "of_2031"], "action": "SCMP_ACT_ALLOW"}]}"#
                    .utf8
            ).write(to: URL(fileURLWithPath: path))
            let command = try Command.bulkhead(["policy", "check", path])
            #expect(command.exitCode == 0)
            #expect(command.text.contains("beyond default  1: bpf\n"))
            #expect(command.text.contains("warning         syscalls[0]: of_2031 is not known here"))
            #expect(command.text.contains("allowed         2 system calls"))
        }

        @Test("check: exit 1 and the place for a policy that is not valid, exit 1 for a file that is not there")
        func invalid() throws {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/mine.json"
            try Data(#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "ALLOW"}]}"#.utf8)
                .write(to: URL(fileURLWithPath: path))
            let command = try Command.bulkhead(["policy", "check", path])
            #expect(command.exitCode == 1)
            #expect(command.text.isEmpty)
            #expect(command.error.contains("\(path): seccomp policy: syscalls[0]: action ALLOW is not supported"))
            let missing = try Command.bulkhead(["policy", "check", "nowhere"])
            #expect(missing.exitCode == 1)
            #expect(missing.error.contains("nowhere.json cannot be read"))
        }

        // MARK: explain

        @Test("explain: a call with its arguments, the rule that decides, and why")
        func explain() throws {
            let command = try Command.bulkhead(["policy", "explain", "default", "socket", "2", "1"])
            #expect(command.exitCode == 0, "\(command.error)")
            #expect(
                command.text.hasPrefix("socket(2, 1): fails with EAFNOSUPPORT (97)\n  because argument 0 & 2 == 2\n"))
            #expect(command.text.contains("AF_VSOCK (reaches the hypervisor)"))
            let negative = try Command.bulkhead(["policy", "explain", "default", "openat", "-100", "0x1000"])
            #expect(
                negative.text.hasPrefix("openat(-100, 0x1000): is allowed\n  because always\n"), "\(negative.error)")
            let unnamed = try Command.bulkhead(["policy", "explain", "default", "ioctl", "0", "0xAE01"])
            #expect(unnamed.text.contains("ioctl(0, 0xAE01): fails with ENOSYS (38)\n  because no rule applies"))
        }

        @Test("explain: without arguments every rule, and what remains")
        func list() throws {
            let command = try Command.bulkhead(["policy", "explain", "compiled", "timer_create"])
            #expect(command.exitCode == 0)
            #expect(command.text.hasPrefix("timer_create, number 222\n"))
            #expect(command.text.contains("  argument 0 & 0xffffffff == 1: is allowed\n"))
            #expect(command.text.contains("  argument 0 & 0xffffffff == 3: fails with EOPNOTSUPP (95)\n"))
            #expect(command.text.contains("CVE-2025-38352"))
            #expect(command.text.contains("  else: fails with ENOSYS (38)\n"))
        }

        @Test(
            "explain: exit 1 for a name that is no system call, for arguments that do not suffice",
            arguments: [
                (["reed"], Int32(1), "no system call named reed"), (["socketcall"], 1, "other machines"),
                (["socket", "1"], 1, "argument 1 decides"), (["read", "x"], 64, "x is not a number"),
                (["read", "1", "2", "3", "4", "5", "6", "7"], 64, "at most six"),
            ])
        func unexplained(arguments: [String], exitCode: Int32, naming: String) throws {
            let command = try Command.bulkhead(["policy", "explain", "default"] + arguments)
            #expect(command.exitCode == exitCode)
            #expect(command.error.contains(naming), "\(command.error)")
        }

        // MARK: learn

        @Test("learn: a policy of what a program used, under which it passes again and another program does not")
        func learn() throws {
            let folder = try Self.policies(without: [])
            let script = "import os; os.mkdir('/tmp/x'); print(len(os.listdir('/tmp')))"
            let learned = try Command.bulkhead(["policy", "learn", "--", "/usr/bin/python3", "-c", script])
            #expect(learned.exitCode == 0, "\(learned.error)")
            #expect(learned.error.contains("1\n"), "the program's own output")
            try Data(learned.output).write(to: URL(fileURLWithPath: "\(folder.path)/tiny.json"))
            let check = try Command.bulkhead(["policy", "check", "\(folder.path)/tiny.json"])
            #expect(check.exitCode == 0, "\(check.error)\(learned.text)")
            #expect(!check.text.contains("beyond default"))
            for (name, isLearned) in [("mkdir", true), ("getdents64", true), ("socketpair", false), ("symlink", false)]
            {
                #expect(learned.text.contains("\"\(name)\"") == isLearned, "\(name)")
            }
            func again(_ script: String) throws -> Command {
                try Command.bulkhead([
                    "run", "--image", "default", "--policies", folder.path, "--policy", "tiny", "--",
                    "/usr/bin/python3", "-c", script,
                ])
            }
            let same = try again(script)
            #expect(same.text == "1\n", "\(same.error)")
            let other = try again("import os; os.symlink('a', '/tmp/b')")
            #expect(other.exitCode != 0)
            #expect(other.error.contains("Function not implemented"), "\(other.error)")
        }

        @Test("learn: nothing is learned of a program that fails, and what its policy refuses is told")
        func notLearned() throws {
            let failing = try Command.bulkhead(["policy", "learn", "--", "/usr/bin/python3", "-c", "exit(3)"])
            #expect(failing.exitCode == 1)
            #expect(failing.text.isEmpty)
            #expect(failing.error.contains("no policy: the program ended with exited(3)"))
            let script = "import ctypes; ctypes.CDLL(None).unshare(0x10000000)"
            let refused = try Command.bulkhead(["policy", "learn", "--", "/usr/bin/python3", "-c", script])
            #expect(refused.exitCode == 0)
            #expect(refused.error.contains("refused under default, and so refused by the policy learned: unshare (1)"))
        }

        // MARK: The policies of languages

        /// A program sees by the answer to shmget which policy it is under: compiled.json has none, default.json one.
        @Test("a program in C runs under compiled.json, one in Python under default.json")
        func languages() throws {
            let compiled = try Command.result(of: Self.fixture("refused.c"))
            #expect(compiled.status == "ok")
            #expect(compiled.stdout.contains("shmget 38\n"))
            let script = "import ctypes; print(ctypes.CDLL(None).shmget(0, 4096, 0o600) >= 0)"
            #expect(try Command.result(of: .python(script)).stdout == "True\n")
        }

        @Test(
            "the representative programs of each language pass through both of its stages",
            arguments: [
                ("posix.c", "default", "times ok\n"), ("modern.cpp", "default", "system 0\n"),
                ("main.go", "go", "memory 64\n"), ("Main.java", "java", "Point[x=1, y=2]\n"),
            ])
        func programs(name: String, image: String, ending: String) throws {
            guard Installation.hasImage(image) else { return }
            let answer = try Command.result(of: Self.fixture(name), ["--time", "30s", "--cpu-time", "20s"])
            #expect(answer.status == "ok", "\(answer.stdout)\(answer.stderr)")
            #expect(!answer.stdout.contains("failed"))
            #expect(answer.stdout.hasSuffix(ending), "\(answer.stdout)\(answer.stderr)")
        }

        @Test(
            "a recipe's policy that the operator's folder lacks: nothing starts, and the message says what is missing")
        func missing() throws {
            let folder = try Self.policies(without: ["compiled", "compiler"])
            let source = try Self.fixture("refused.c")
            let run = try Command.run(source, ["--policies", folder.path])
            #expect(run.exitCode != 0)
            #expect(run.text.isEmpty)
            #expect(run.error.contains("of image default names the policy 'compile"), "\(run.error)")
            #expect(run.error.contains("there is no compile"))
            #expect(run.error.contains(folder.path))
            // A language of the same image would be served: the whole worker does not start.
            let check = try Command.bulkhead(["check", "--policies", folder.path])
            #expect(check.exitCode == 1)
            #expect(check.text.contains("MISSING policies"))
            let serve = try Command.bulkhead(["serve", "--port", "0", "--policies", folder.path])
            #expect(serve.exitCode != 0)
            #expect(serve.error.contains("names the policy 'compile"), "\(serve.error)")
        }

        @Test("a policy that is not valid is named with its file, and nothing starts")
        func broken() throws {
            let folder = try Self.policies(without: [])
            try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/compiled.json"))
            let run = try Command.run(Self.fixture("refused.c"), ["--policies", folder.path])
            #expect(run.exitCode != 0)
            #expect(run.error.contains("\(folder.path)/compiled.json"), "\(run.error)")
            #expect(run.error.contains("defaultAction is missing"))
        }

        @Test("run --image takes a policy by name, and refuses one that there is not or that is PID 1's")
        func byName() throws {
            let script = "import ctypes; print(ctypes.CDLL(None).shmget(0, 4096, 0o600) >= 0)"
            for (policy, answer) in [("default", "True\n"), ("compiled", "False\n")] {
                let command = try Command.bulkhead(
                    ["run", "--image", "default", "--policy", policy, "--", "/usr/bin/python3", "-c", script])
                #expect(command.text == answer, "\(policy): \(command.error)")
            }
            for (policy, naming) in [("nowhere", "there is no nowhere.json"), ("init", "cannot be a program's")] {
                let command = try Command.bulkhead(["run", "--image", "default", "--policy", policy, "--", "/bin/true"])
                #expect(command.exitCode != 0)
                #expect(command.error.contains(naming), "\(command.error)")
            }
            let language = try Command.run(.python("print(1)"), ["--policy", "compiled"])
            #expect(language.exitCode == 64)
        }
    }
}
