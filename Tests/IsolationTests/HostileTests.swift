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

        @Test("output pipes that only a socket's queue still holds do not spoil the verdict")
        func pipesInFlight() async throws {
            let script = """
                import array, os, socket
                os.write(1, b"hello")
                for _ in range(20):
                    a, b = socket.socketpair()
                    for end in (a, b):
                        fds = array.array("i", [a.fileno(), b.fileno(), 1, 2])
                        end.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                    a.close(); b.close()
                os._exit(3)
                """
            let outcome = try await python(script)
            #expect(outcome.ending == .exited(3))
            #expect(outcome.text == "hello")
        }

        @Test("a job held to a hundredth of a CPU dies as fast as any other")
        func slowDeath() async throws {
            let script = """
                import mmap, os
                for _ in range(3):
                    if os.fork() == 0:
                        # MAP_POPULATE: all of it within one system call, which no quota interrupts.
                        m = mmap.mmap(-1, 200 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000)
                        while True: pass
                while True: pass
                """
            let before = MonotonicClock.now
            // Where a processor is emulated it does not come as far as that in ten times the time either.
            let wall = TestHost.isVirtual ? 6_000_000_000 : TestHost.milliseconds(3_000)
            let outcome = try await python(script, memory: 1 << 30) {
                $0.milliCPUs = 10
                $0.wallTime = wall
            }
            #expect(outcome.ending == .wallTimeLimit)
            #expect(MonotonicClock.now - before < wall + TestHost.milliseconds(3_000))
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
                refused("pressure", lambda: os.open("/proc/pressure/cpu", os.O_RDWR))
                """
            let outcome = try await python(script)
            #expect(
                outcome.text == "filter=1\nbuffer=done\ndrop=1\nahead=done\nsync=1\npressure=2\n",
                "\(outcome.errorText)")
        }

        @Test("a limit below what a parked job has is the memory's verdict")
        func noMemoryAtAll() async throws {
            for memory: UInt64 in [1, 4_096, 65_536] {
                #expect(try await python("print(1)", memory: memory).ending == .memoryLimit)
            }
            #expect(try await python("print(1)").ending == .exited(0))
        }
    }
}
