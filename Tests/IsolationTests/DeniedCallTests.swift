import LaunchProtocol
import Linux
import Testing

@testable import Isolation

/// What is known of the system calls that a job was refused, and what becomes of one that does not stop.
extension EngineTests {
    @Suite("Refused system calls")
    struct DeniedCalls {
        /// `call(number, …)` answers the errno, 0 where the call was carried out.
        private static let prelude = """
            import ctypes, os, socket, sys, threading
            libc = ctypes.CDLL(None, use_errno=True)
            def call(number, *arguments):
                ctypes.set_errno(0)
                return ctypes.get_errno() if libc.syscall(number, *[ctypes.c_ulong(a) for a in arguments]) < 0 else 0

            """

        private func python(
            _ script: String, in test: TestEngine? = nil, change: (inout ResourceLimits) -> Void = { _ in }
        ) async throws -> Outcome {
            let engine = if let test { test } else { try await TestEngine.shared() }
            return try await engine.run(["/usr/bin/python3", "-c", Self.prelude + script], change: change)
        }

        private func counts(_ outcome: Outcome) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: outcome.deniedCalls.map { ($0.name, $0.count) })
        }

        @Test("each is named with a count, and answers as the policy says")
        func named() async throws {
            let script = """
                print([call(272, 0x10000000) for _ in range(3)], call(165, 0, 0, 0, 0, 0), call(101, 0, 0, 0, 0))
                for family in (socket.AF_INET, socket.AF_INET6, 40):
                    try: socket.socket(family, socket.SOCK_STREAM)
                    except OSError as error: print(error.errno)
                try: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                except OSError as error: print(error.errno)
                """
            let outcome = try await python(script)
            #expect(outcome.text == "[1, 1, 1] 1 1\n97\n97\n97\n94\n", "\(outcome.errorText)")
            #expect(outcome.ending == .exited(0))
            #expect(counts(outcome) == ["unshare": 3, "mount": 1, "ptrace": 1, "socket": 4])
            // The most frequent first.
            #expect(outcome.deniedCalls.map(\.name).prefix(2) == ["socket", "unshare"])
        }

        @Test("a job that keeps to its policy has none; what answers ENOSYS is not counted")
        func none() async throws {
            let outcome = try await python("print(call(435, 0, 0), call(999), call(61440))")
            #expect(outcome.text == "38 38 38\n")
            #expect(outcome.deniedCalls.isEmpty && outcome.watchedCalls.isEmpty)
        }

        @Test("a child's and a thread's count, and the main program is answered meanwhile")
        func treeOfProcesses() async throws {
            let script = """
                def deny():
                    for _ in range(10): assert call(272, 0x10000000) == 1
                threads = [threading.Thread(target=deny) for _ in range(8)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                if os.fork() == 0:
                    deny()
                    os._exit(0)
                os.wait()
                deny()
                print("done")
                """
            let outcome = try await python(script)
            #expect(outcome.text == "done\n", "\(outcome.errorText)")
            #expect(counts(outcome) == ["unshare": 100])
        }

        @Test("a program that is interrupted all the time is answered once for each call")
        func interrupted() async throws {
            let script = """
                import signal
                signal.signal(signal.SIGALRM, lambda *_: None)
                signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
                answers = [call(272, 0x10000000) for _ in range(300)]
                signal.setitimer(signal.ITIMER_REAL, 0, 0)
                print(answers.count(1), answers.count(4))
                """
            let outcome = try await python(script)
            // A signal that comes before the supervisor has looked interrupts the call as it would any other (EINTR).
            let answers = outcome.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(answers.count == 2, "\(outcome.text)\(outcome.errorText)")
            #expect(answers[0] + answers[1] == 300)
            #expect(counts(outcome) == ["unshare": answers[0]])
        }

        @Test("a job that does not stop is ended, and says so")
        func flood() async throws {
            let outcome = try await python("while True: call(272, 0x10000000)")
            #expect(outcome.ending == .deniedCallLimit)
            #expect(counts(outcome) == ["unshare": 1_000])
            // The next job of the same slot starts from nothing.
            let next = try await python("print(call(272, 0x10000000))")
            #expect(counts(next) == ["unshare": 1])
        }

        @Test("from many processes at once as well")
        func wideFlood() async throws {
            let script = """
                for _ in range(20):
                    if os.fork() == 0: break
                while True: call(165, 0, 0, 0, 0, 0)
                """
            let outcome = try await python(script)
            #expect(outcome.ending == .deniedCallLimit)
            #expect(counts(outcome) == ["mount": 1_000])
        }

        @Test("a flood moves no other job's deadline")
        func otherDeadlines() async throws {
            let test = try await TestEngine.shared()
            let floods = Task {
                var ended = 0
                while !Task.isCancelled {
                    let outcome = try await test.run(
                        ["/usr/bin/python3", "-c", Self.prelude + "while True: call(272, 0x10000000)"])
                    if outcome.ending == .deniedCallLimit { ended += 1 }
                }
                return ended
            }
            let limit = TestHost.milliseconds(500)
            for _ in 0..<3 {
                let outcome = try await test.probe("sleep", "60000") { $0.wallTime = limit }
                #expect(outcome.ending == .wallTimeLimit)
                #expect(outcome.report.wallTime >= limit)
                #expect(outcome.report.wallTime < limit + TestHost.milliseconds(500))
            }
            floods.cancel()
            #expect(try await floods.value > 0)
        }

        @Test("locks on files are carried out and counted, and too many end the job")
        func locks() async throws {
            let script = """
                import fcntl
                f = open("/tmp/locked", "w+")
                f.truncate(1 << 20)
                for i in range(int(sys.argv[1])):
                    fcntl.lockf(f, fcntl.LOCK_EX, 1, 2 * i)
                if os.fork() == 0:
                    g = open("/tmp/locked", "r+")
                    try:
                        fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
                        print("free")
                    except OSError as error: print(error.errno)
                    sys.stdout.flush()
                    os._exit(0)
                os.wait()
                """
            let test = try TestEngine.start(slots: 1, mostWatchedCalls: 100)
            func run(_ count: Int) async throws -> Outcome {
                try await test.run(["/usr/bin/python3", "-c", Self.prelude + script, "\(count)"])
            }
            let few = try await run(50)
            #expect(few.text == "11\n", "\(few.errorText)")
            #expect(few.ending == .exited(0))
            #expect(few.watchedCalls.map(\.name) == ["fcntl"])
            #expect(few.watchedCalls.first?.count == 51)
            #expect(few.deniedCalls.isEmpty)
            let many = try await run(101)
            #expect(many.ending == .watchedCallLimit)
            #expect(many.text == "")
            await test.engine.shutDown()
        }
    }
}
