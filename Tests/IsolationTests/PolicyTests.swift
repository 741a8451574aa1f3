import Foundation
import Isolation
import LaunchProtocol
import Seccomp
import Testing

/// The policies with real programs: what each is for runs under it, and what it takes away is refused.
extension EngineTests {
    @Suite("Policies")
    struct Policies {
        private static let environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/box", "LANG": "C.UTF-8", "TMPDIR": "/tmp",
        ]

        private static func program(_ name: String) throws -> SandboxConfiguration.File {
            let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Fixtures/programs/\(name)")
            return SandboxConfiguration.File(path: name, contents: [UInt8](try Data(contentsOf: path)))
        }

        /// Compiles as the recipe does, under compiler.json.
        private static func compile(_ name: String, _ command: [String]) async throws -> SandboxConfiguration.File {
            let outcome = try await TestEngine.shared().run(
                command + ["-o", "main", name], under: .compiler, environment: environment, files: [try program(name)],
                collect: ["main"], collectLimit: 32 << 20
            ) { limits in
                limits.memory = 512 << 20
                limits.wallTime = TestHost.milliseconds(40_000)
                limits.cpuTime = TestHost.milliseconds(30_000)
            }
            #expect(outcome.ending == .exited(0), "\(outcome.errorText)")
            #expect(outcome.errorText.isEmpty)
            return try #require(outcome.files.first)
        }

        private static func lines(of outcome: Outcome) -> [String] {
            outcome.text.split(separator: "\n").map(String.init)
        }

        @Test(
            "gcc compiles under compiler.json, and what C programs do passes under compiled.json",
            .timeLimit(.minutes(5)))
        func c() async throws {
            let main = try await Self.compile("posix.c", ["/usr/bin/gcc", "-O2", "-std=gnu17"])
            let outcome = try await TestEngine.shared().run(
                ["/box/main"], under: .compiled, environment: Self.environment, files: [main])
            #expect(outcome.ending == .exited(0), "\(outcome.errorText)")
            #expect(outcome.errorText.isEmpty)
            #expect(
                Self.lines(of: outcome) == [
                    "threads ok", "memory ok", "files ok", "shell ok", "processes ok", "sockets ok", "shared ok",
                    "times ok",
                ])
        }

        @Test(
            "g++ compiles under compiler.json, and the C++ library passes under compiled.json", .timeLimit(.minutes(5)))
        func cxx() async throws {
            // The filter is the same there, and g++ takes minutes in an emulated machine.
            if TestHost.isVirtual { return }
            let main = try await Self.compile("modern.cpp", ["/usr/bin/g++", "-O1", "-std=gnu++20"])
            let outcome = try await TestEngine.shared().run(
                ["/box/main"], under: .compiled, environment: Self.environment, files: [main])
            #expect(outcome.ending == .exited(0), "\(outcome.errorText)")
            #expect(
                Self.lines(of: outcome) == [
                    "threads 10", "exceptions thrown", "async 42", "files 4 3", "random 1", "regex 1", "memory 200000",
                    "system 0",
                ])
        }

        @Test("what compiled.json takes away is refused, with the errno that it says", .timeLimit(.minutes(5)))
        func refused() async throws {
            let main = try await Self.compile("refused.c", ["/usr/bin/gcc"])
            let outcome = try await TestEngine.shared().run(["/box/main"], under: .compiled, files: [main])
            #expect(outcome.ending == .exited(0))
            #expect(
                Self.lines(of: outcome) == [
                    "msgget 38", "shmget 38", "memfd_create 38", "setxattr 95", "setuid 1", "tee 38",
                    "timer_create 95", "personality 1", "AF_INET 97", "unshare 1", "mount 1", "io_uring_setup 1",
                    "keyctl 1",
                ])
            // The same program under default.json, which gives more: each engine index is the policy it should be.
            let wider = try await TestEngine.shared().run(["/box/main"], files: [main])
            // The attribute is the file system's matter: tmpfs has user attributes from Linux 6.6 on.
            #expect(
                Self.lines(of: wider).filter { !$0.hasPrefix("setxattr") } == [
                    "msgget 0", "shmget 0", "memfd_create 0", "setuid 0", "tee 11",
                    "timer_create 0", "personality 0", "AF_INET 97", "unshare 1", "mount 1", "io_uring_setup 1",
                    "keyctl 1",
                ])
        }

        @Test("a compile stage that runs the program finds less still", .timeLimit(.minutes(5)))
        func hostileCompiler() async throws {
            let main = try await Self.compile("refused.c", ["/usr/bin/gcc"])
            let outcome = try await TestEngine.shared().run(["/box/main"], under: .compiler, files: [main])
            #expect(outcome.ending == .exited(0))
            #expect(
                Self.lines(of: outcome) == [
                    "msgget 38", "shmget 38", "memfd_create 38", "setxattr 38", "setuid 1", "tee 38",
                    "timer_create 38", "personality 1", "AF_INET 97", "unshare 1", "mount 1", "io_uring_setup 1",
                    "keyctl 1",
                ])
        }

        @Test("Docker's default profile, unchanged: node and python run under it, and it does what it says")
        func docker() async throws {
            guard let profile = TestHost.dockerProfile else { return }
            let engine = try await TestEngine.shared()
            let node = try await engine.run(
                ["/usr/bin/node", "-e", "console.log(require('fs').readdirSync('/').includes('box'), 6 * 7)"],
                under: .docker, environment: Self.environment)
            #expect(node.ending == .exited(0), "\(node.errorText)")
            #expect(node.text == "true 42\n")
            let script = """
                import ctypes, os, threading, subprocess
                libc = ctypes.CDLL(None, use_errno=True)
                def ask(number, *arguments):
                    ctypes.set_errno(0)
                    return 0 if libc.syscall(number, *arguments) >= 0 else ctypes.get_errno()
                thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
                print(subprocess.run(['/bin/echo', 'child'], capture_output=True).stdout)
                print('io_uring_setup', ask(425, 1, ctypes.create_string_buffer(256)))
                print('socket', ask(41, 2, 1, 0))
                print('ptrace', ask(101, 2, 999999, 0, 0))
                print('unshare', ask(272, 0x10000000))
                print('mount', ask(165, None, None, None, 0, None))
                print('keyctl', ask(250, 0, 0, 0))
                print('clone3', ask(435, None, 0))
                """
            let python = try await engine.run(
                ["/usr/bin/python3", "-c", script], under: .docker, environment: Self.environment)
            #expect(python.ending == .exited(0), "\(python.errorText)")
            var lines = Self.lines(of: python)
            // ESRCH is the kernel's own answer: the call got through.
            // Allowed by the profile of Docker 20.10, not any more by newer ones; the kernel may still refuse it.
            let ring = try #require(lines.firstIndex { $0.hasPrefix("io_uring_setup") })
            let answer = lines.remove(at: ring)
            if !profile.summary.allowed.contains("io_uring_setup") { #expect(answer == "io_uring_setup 1") }
            #expect(
                lines == ["b'child\\n'", "socket 0", "ptrace 3", "unshare 1", "mount 1", "keyctl 1", "clone3 38"])
            // default.json refuses the same socket.
            let strict = try await engine.run(
                ["/usr/bin/python3", "-c", script], environment: Self.environment)
            #expect(Self.lines(of: strict).contains("io_uring_setup 1"))
            #expect(Self.lines(of: strict).contains("socket 97"))
        }
    }
}
