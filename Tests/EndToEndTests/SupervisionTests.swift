import Foundation
import Glibc
import Linux
import Testing

extension EndToEnd {
    @Suite("Under a service manager")
    struct SupervisionTests {
        /// The other end of NOTIFY_SOCKET.
        final class Manager {
            let name: String
            private let socket: Int32
            private let folder: TemporaryFolder?

            init(isAbstract: Bool) throws {
                let folder = isAbstract ? nil : try TemporaryFolder()
                name = folder.map { "\($0.path)/notify" } ?? "@bulkhead-test-\(UUID().uuidString)"
                self.folder = folder
                socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                var path = Array(name.utf8)
                if isAbstract { path[0] = 0 }
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
                let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
                let result = withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
                }
                try #require(result == 0)
                // Whoever gave root up says it too.
                if let folder { try #require(chmod(folder.path, 0o755) == 0 && chmod(name, 0o777) == 0) }
            }

            deinit { close(socket) }

            /// What has been said and not yet been read, a line each.
            func heard() -> [String] {
                var lines: [String] = []
                var bytes = [UInt8](repeating: 0, count: 4_096)
                while true {
                    let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
                    guard count > 0 else { return lines }
                    lines += String(decoding: bytes[0..<count], as: UTF8.self).split(separator: "\n").map(String.init)
                }
            }

            /// Reads until a line is heard.
            func hears(_ line: String, within limit: Duration = .seconds(60)) -> Bool {
                Eventually.holds(within: limit) { heard().contains(line) }
            }
        }

        private func server(_ manager: Manager, watchdog microseconds: Int? = nil) throws -> Server {
            var environment = ["NOTIFY_SOCKET": manager.name]
            environment["WATCHDOG_USEC"] = microseconds.map(String.init)
            return try Server(slots: 1, environment: environment)
        }

        @Test("it says when it serves, how it is, and when it stops", arguments: [false, true])
        func tells(isAbstract: Bool) throws {
            let manager = try Manager(isAbstract: isAbstract)
            let server = try server(manager)
            var lines: [String] = []
            let isReady = Eventually.holds(within: .seconds(30)) {
                lines += manager.heard()
                return lines.contains("READY=1")
            }
            #expect(isReady)
            #expect(lines.contains("STATUS=0 jobs run, 0 wait for a slot"))
            // Nobody asked for it.
            #expect(!lines.contains("WATCHDOG=1"))
            // Neither the launcher nor a job hears of whom to tell.
            let environment = try SmallFile.read("/proc/\(server.launcher.pid)/environ")
            #expect(environment.isEmpty)
            let answer = try server.execute(try request("bash", "env"))
            #expect(answer.status == "ok" && !answer.stdout.contains("NOTIFY") && !answer.stdout.contains("WATCHDOG"))
            server.child.signal(SIGTERM)
            #expect(manager.hears("STOPPING=1"))
            #expect(try server.child.wait() == 0)
        }

        @Test("the watchdog hears of it only while the launcher answers")
        func launcherIsStuck() throws {
            let manager = try Manager(isAbstract: true)
            let server = try server(manager, watchdog: 400_000)
            #expect(manager.hears("WATCHDOG=1") && manager.hears("WATCHDOG=1"))
            kill(server.launcher.pid, SIGSTOP)
            defer { kill(server.launcher.pid, SIGCONT) }
            usleep(300_000)
            _ = manager.heard()
            usleep(1_000_000)
            #expect(!manager.heard().contains("WATCHDOG=1"))
            kill(server.launcher.pid, SIGCONT)
            #expect(manager.hears("WATCHDOG=1"))
            #expect(try server.stop() == 0)
        }

        @Test("the watchdog hears of it only while every event loop answers")
        func loopIsStuck() throws {
            let manager = try Manager(isAbstract: true)
            let server = try server(manager, watchdog: 400_000)
            #expect(manager.hears("WATCHDOG=1") && manager.hears("WATCHDOG=1"))
            let threads = "/proc/\(server.driver.pid)/task"
            let loop = try #require(
                try FileManager.default.contentsOfDirectory(atPath: threads).first {
                    try SmallFile.read("\(threads)/\($0)/comm").hasPrefix("NIO-SGLTN")
                })
            // One thread of a process can be held by its tracer alone (PTRACE_SEIZE, PTRACE_INTERRUPT).
            let tracer = try Child(
                [
                    "/usr/bin/python3", "-c",
                    """
                    import ctypes, time
                    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
                    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
                    assert ptrace(0x4206, \(loop), None, None) == 0, ctypes.get_errno()
                    assert ptrace(0x4207, \(loop), None, None) == 0, ctypes.get_errno()
                    print("held", flush=True)
                    time.sleep(60)
                    """,
                ], environment: [:])
            #expect(Eventually.holds(within: .seconds(20)) { !tracer.standardOutput.isEmpty || tracer.hasEnded })
            #expect(tracer.standardOutput == Array("held\n".utf8), "\(tracer.standardError)")
            usleep(300_000)
            _ = manager.heard()
            usleep(1_000_000)
            #expect(!manager.heard().contains("WATCHDOG=1"))
            // The kernel lets go of what a tracer held when the tracer ends.
            tracer.signal(SIGKILL)
            _ = try tracer.wait()
            #expect(manager.hears("WATCHDOG=1"))
            #expect(try server.stop() == 0)
        }

        @Test("who cannot be told is named, and nothing is left")
        func unreachable() throws {
            let command = try Command.bulkhead(
                ["serve", "--port", "0", "--slots", "1"], environment: ["NOTIFY_SOCKET": "/nowhere/notify"])
            #expect(command.exitCode != 0)
            #expect(
                command.error.contains("NOTIFY_SOCKET=/nowhere/notify cannot be reached: No such file or directory"),
                "\(command.error)")
            #expect(Instance.leftOvers().isEmpty)
        }
    }
}
