import Foundation
import Glibc
import LaunchProtocol
import Linux
import Synchronization
import Testing

@testable import Isolation

/// Programs that come up in a sandbox before their job is there.
extension EngineTests {
    @Suite("Started ahead")
    struct AheadTests {
        private static let ahead = SandboxConfiguration.Ahead(opens: "main.sh", limits: TestEngine.standard)

        private static func file(_ script: String) -> SandboxConfiguration.File {
            .init(path: "main.sh", contents: Array(script.utf8))
        }

        /// Runs a script in a shell that may have been started ahead.
        private func bash(
            _ script: String, in test: TestEngine, files: [SandboxConfiguration.File] = [],
            change: (inout ResourceLimits) -> Void = { _ in }, onOutput: OutputObserver? = nil
        ) async throws -> Outcome {
            try await test.run(
                ["/usr/bin/bash", "main.sh"], files: [Self.file(script)] + files, ahead: Self.ahead, change: change,
                onOutput: onOutput)
        }

        private func start(slots: Int = 1, memory: UInt64 = 512 << 20) async throws -> TestEngine {
            let test = try TestEngine.start(slots: slots, aheadMemory: memory)
            #expect(try await bash("echo first", in: test).text == "first\n")
            return test
        }

        @Test("the second job of a program finds it there; its start is not charged, its memory is")
        func serves() async throws {
            let test = try await start()
            let cold = try await test.run(
                ["/usr/bin/bash", "main.sh"], files: [Self.file("echo $$ $(</proc/$$/cmdline)")])
            #expect(cold.start != .prestarted)
            _ = try await bash("true", in: test)
            let first = try await bash("echo $$ $(</proc/$$/cmdline)", in: test)
            #expect(first.start == .prestarted)
            #expect(first.text == cold.text)
            #expect(first.ending == .exited(0))
            #expect(first.report.memoryPeak > 0)
            let second = try await bash("read x < <(echo a); echo $x; exit 7", in: test)
            #expect(second.start == .prestarted)
            #expect(second.text == "a\n")
            #expect(second.ending == .exited(7))
            await test.engine.shutDown()
        }

        @Test("a file that a job does not have, another command line and another environment are started without")
        func others() async throws {
            let test = try await start()
            let plain = try await test.run(["/usr/bin/bash", "-c", "ls"])
            #expect(plain.start == .cold)
            #expect(plain.text.isEmpty)
            _ = try await bash("true", in: test)
            let argued = try await test.run(
                ["/usr/bin/bash", "main.sh", "a"], files: [Self.file("echo $1")], ahead: Self.ahead)
            #expect(argued.start == .cold)
            #expect(argued.text == "a\n")
            _ = try await bash("true", in: test)
            let varied = try await test.run(
                ["/usr/bin/bash", "main.sh"], environment: ["A": "b"], files: [Self.file("echo $A")], ahead: Self.ahead)
            #expect(varied.start == .cold)
            #expect(varied.text == "b\n")
            _ = try await bash("true", in: test)
            let missing = try await test.run(["/usr/bin/bash", "main.sh"], ahead: Self.ahead)
            #expect(missing.start == .cold)
            #expect(missing.ending == .exited(127))
            await test.engine.shutDown()
        }

        @Test("all files of the job are there when its program is let go, with their modes")
        func files() async throws {
            let test = try await start()
            for _ in 0..<2 {
                let outcome = try await bash(
                    "cat lib/a; stat -c '%a %u %s' main.sh lib/a; ./run; ls -A", in: test,
                    files: [
                        .init(path: "lib/a", contents: Array("A\n".utf8)),
                        .init(path: "run", contents: Array("#!/bin/sh\necho ran\n".utf8), isExecutable: true),
                    ])
                #expect(outcome.start == .prestarted)
                #expect(outcome.text == "A\n644 1000 57\n644 1000 2\nran\nlib\nmain.sh\nrun\n")
            }
            await test.engine.shutDown()
        }

        @Test("the job's own limits hold, also where they are others than those that it came up with")
        func limits() async throws {
            let test = try await start()
            let numbers = try await bash("ulimit -Sn -Sf; ulimit -Hn -Hf", in: test) {
                $0.openFiles = 77
                $0.fileSize = 5 << 10
            }
            #expect(numbers.start == .prestarted)
            #expect(
                numbers.text.split(separator: "\n").map { $0.split(separator: " ").last } == ["77", "5", "77", "5"])
            let raised = try await bash("ulimit -n 78 || echo refused", in: test) { $0.openFiles = 77 }
            #expect(raised.start == .prestarted)
            #expect(raised.text == "refused\n")
            let wall = try await bash("sleep 60", in: test) { $0.wallTime = TestHost.milliseconds(300) }
            #expect(wall.start == .prestarted)
            #expect(wall.ending == .wallTimeLimit)
            let cpu = try await bash("while :; do :; done", in: test) { $0.cpuTime = TestHost.milliseconds(200) }
            #expect(cpu.start == .prestarted)
            #expect(cpu.ending == .cpuTimeLimit)
            let memory = try await bash("x=$(head -c 60M /dev/zero | tr '\\0' x); echo ${#x}", in: test) {
                $0.memory = 24 << 20
            }
            #expect(memory.start == .prestarted)
            #expect(memory.ending == .memoryLimit)
            let tiny = try await bash("echo ran", in: test) { $0.memory = 1 << 16 }
            #expect(tiny.start == .prestarted)
            #expect(tiny.ending == .memoryLimit)
            #expect(tiny.text.isEmpty)
            // Its main file is collected where it was never opened.
            let collected = try await test.engine.run(
                SandboxConfiguration(
                    arguments: ["/usr/bin/bash", "main.sh"], files: [Self.file("echo ran")],
                    limits: {
                        var limits = TestEngine.standard; limits.memory = 1 << 16; return limits
                    }(),
                    outputLimit: 1_024, collect: ["*"], collectLimit: 1 << 16, collectsAlways: true, ahead: Self.ahead))
            #expect(collected.start == .prestarted)
            #expect(collected.ending == .memoryLimit)
            #expect(collected.files.map(\.path) == ["main.sh"])
            let processes = try await bash("for i in 1 2 3 4 5 6 7 8; do sleep 60 & done", in: test) {
                $0.processes = 4
                $0.wallTime = TestHost.milliseconds(2_000)
            }
            #expect(processes.start == .prestarted)
            #expect(processes.report.processLimitHits > 0)
            let disk = try await bash("head -c 8M /dev/zero > f; stat -c %s f", in: test) { $0.disk = 1 << 20 }
            #expect(disk.start == .prestarted)
            #expect(try #require(Int(disk.text.trimmingCharacters(in: .whitespacesAndNewlines))) < 1 << 20)
            await test.engine.shutDown()
        }

        @Test("the filter that it came up under is the job's, and what it refused is counted")
        func filter() async throws {
            let test = try await start()
            let outcome = try await bash("unshare -r true || exit 3; grep Seccomp: /proc/self/status", in: test)
            #expect(outcome.start == .prestarted)
            #expect(outcome.ending == .exited(3))
            #expect(outcome.deniedCalls.contains { $0.name == "unshare" })
            let status = try await bash("grep -E 'Seccomp:|NoNewPrivs|CapBnd|CapEff' /proc/$$/status", in: test)
            #expect(status.start == .prestarted)
            #expect(
                status.text.split(separator: "\n").map { $0.split(separator: "\t").last } == [
                    "0000000000000000", "0000000000000000", "1", "2",
                ])
            await test.engine.shutDown()
        }

        @Test("a program that does not come up costs a job nothing but the time, is told of once, and rests")
        func doesNotComeUp() async throws {
            let failures = Mutex<[String]>([])
            let test = try TestEngine.start(
                slots: 1, aheadMemory: 512 << 20,
                onAheadFailure: { error in failures.withLock { $0.append(error.message) } })
            for round in 0..<6 {
                // Ends without having opened its file.
                let outcome = try await test.run(
                    ["/usr/bin/bash", "-c", "echo $0"], files: [Self.file("")], ahead: Self.ahead)
                #expect(outcome.ending == .exited(0))
                #expect(outcome.start != .prestarted, "\(round)")
                #expect(outcome.text == "/usr/bin/bash\n")
            }
            #expect(failures.withLock { $0 } == ["start runtime: No child processes"])
            // A program that is not there is the job's own failure, whether it was tried before or not.
            for _ in 0..<2 {
                await #expect(throws: IsolationError.self) {
                    try await test.run(["/usr/bin/none", "main.sh"], files: [Self.file("")], ahead: Self.ahead)
                }
            }
            #expect(try await bash("echo fine", in: test).text == "fine\n")
            await test.engine.shutDown()
        }

        @Test("nothing is left of what was started ahead when the engine ends, nor of what a job made of it")
        func leavesNothing() async throws {
            let test = try TestEngine.start(slots: 2, aheadMemory: 512 << 20)
            for _ in 0..<4 { _ = try await bash("sleep 600 & exit", in: test) }
            #expect(
                try await TestHost.eventually {
                    HostProcess.all(of: test.connection.instance).contains { $0.command == "bash" }
                })
            await test.engine.shutDown()
            #expect(try await TestHost.eventually { try test.engine.footprint().leftovers.isEmpty })
            #expect(HostProcess.all(of: test.connection.instance).filter { !$0.isZombie }.isEmpty)
        }

        @Test("one that dies while it waits is not what its job gets")
        func dies() async throws {
            let test = try await start()
            _ = try await bash("true", in: test)
            func held() -> HostProcess? {
                HostProcess.all(of: test.connection.instance).first { $0.command == "bash" && !$0.isZombie }
            }
            // Held or not yet: either is an end before its start.
            for _ in 0..<6 {
                #expect(try await TestHost.eventually { held() != nil })
                if let process = held() { kill(process.pid, SIGKILL) }
                usleep(100_000)
                let outcome = try await bash("echo fine", in: test)
                #expect(outcome.text == "fine\n")
                #expect(outcome.start != .prestarted)
            }
            await test.engine.shutDown()
        }

        @Test("a job can be cancelled in it, and a cancelled one leaves the slot as it was")
        func cancels() async throws {
            let test = try await start()
            let (started, note) = AsyncStream.makeStream(of: Void.self)
            let job = Task {
                defer { note.finish() }
                return try await bash("echo a; sleep 600", in: test, onOutput: { _, _ in note.yield() })
            }
            for await _ in started { break }
            job.cancel()
            let outcome = try await job.value
            #expect(outcome.start == .prestarted)
            #expect(outcome.ending == .cancelled)
            #expect(try await bash("echo next", in: test).text == "next\n")
            await test.engine.shutDown()
        }

        @Test("what nobody needs is given up")
        func givenUp() async throws {
            let test = try TestEngine.start(slots: 2, aheadMemory: 512 << 20, aheadPatience: .milliseconds(500))
            for _ in 0..<3 { _ = try await bash("true", in: test) }
            func held() -> Int {
                HostProcess.all(of: test.connection.instance).filter { $0.command == "bash" && !$0.isZombie }.count
            }
            #expect(try await TestHost.eventually { held() > 0 })
            #expect(try await TestHost.eventually { held() == 0 })
            #expect(try await bash("echo again", in: test).text == "again\n")
            await test.engine.shutDown()
        }

        @Test("spare slots keep what is started ahead for several programs, and go when nobody needs it")
        func spares() async throws {
            let test = try TestEngine.start(
                slots: 1, spareSlots: 1, aheadMemory: 512 << 20, aheadPatience: .milliseconds(1_500))
            func other() async throws -> Outcome {
                try await test.run(
                    ["/usr/bin/bash", "-p", "main.sh"], files: [Self.file("echo other")], ahead: Self.ahead)
            }
            for _ in 0..<3 {
                _ = try await bash("true", in: test)
                #expect(try await other().text == "other\n")
            }
            for _ in 0..<3 {
                #expect(try await bash("true", in: test).start == .prestarted)
                #expect(try await other().start == .prestarted)
            }
            #expect(try test.engine.footprint().slots == 2)
            #expect(try await TestHost.eventually { try test.engine.footprint().slots == 1 })
            #expect(try await bash("echo again", in: test).text == "again\n")
            await test.engine.shutDown()
        }

        @Test("a plain sandbox that jobs need stays beside what is started ahead")
        func plainStays() async throws {
            let test = try TestEngine.start(
                slots: 1, spareSlots: 1, aheadMemory: 512 << 20, aheadPatience: .milliseconds(400))
            // Longer than several reviews of what is needed.
            for round in 0..<16 {
                _ = try await bash("true", in: test)
                let plain = try await test.run(["/usr/bin/bash", "-c", "true"])
                if round > 2 { #expect(plain.start == .slot, "\(round)") }
                try await Task.sleep(for: .milliseconds(150))
            }
            await test.engine.shutDown()
        }

        @Test("nothing is started ahead within no memory")
        func withoutMemory() async throws {
            let test = try TestEngine.start(slots: 1)
            for _ in 0..<4 { #expect(try await bash("true", in: test).start != .prestarted) }
            await test.engine.shutDown()
        }
    }
}
