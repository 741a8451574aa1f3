import LaunchProtocol
import Linux
import Testing

@testable import Isolation

/// Jobs that try to spoil their own verdict, their slot, or the host for others.
extension EngineTests {
    @Suite("Hostile jobs")
    struct Hostile {
        private func python(
            _ script: String, memory: UInt64 = 128 << 20, change: (inout ResourceLimits) -> Void = { _ in }
        ) async throws -> Outcome {
            try await TestEngine.shared().run(["/usr/bin/python3", "-c", script]) {
                $0.memory = memory
                change(&$0)
            }
        }

        @Test("no filter on a socket, no emptied page cache, no sync of the host's disks")
        func sharedResources() async throws {
            let script = """
                import ctypes, os, socket
                def refused(name, call):
                    try:
                        call()
                        print(name + "=done")
                    except OSError as error:
                        print(name + "=" + str(error.errno))
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                code = ctypes.create_string_buffer(bytes([6, 0, 0, 0, 0, 0, 0, 0]))
                class Program(ctypes.Structure): _fields_ = [("n", ctypes.c_ushort), ("p", ctypes.c_void_p)]
                program = Program(1, ctypes.addressof(code))
                refused("filter", lambda: s.setsockopt(socket.SOL_SOCKET, 26, bytes(program)))
                refused("buffer", lambda: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536))
                f = os.open("/usr/bin/python3", os.O_RDONLY)
                refused("drop", lambda: os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED))
                refused("ahead", lambda: os.posix_fadvise(f, 0, 0, os.POSIX_FADV_SEQUENTIAL))
                libc = ctypes.CDLL(None, use_errno=True)
                print("sync=" + str(ctypes.get_errno() if libc.syscall(162) < 0 else "done"))
                """
            let outcome = try await python(script)
            #expect(
                outcome.text == "filter=1\nbuffer=done\ndrop=1\nahead=done\nsync=1\n",
                "\(outcome.errorText)")
        }
    }
}
