import Glibc
import LaunchProtocol
import Linux
import Testing

@testable import Isolation

/// How jobs end, by the kernel's own account.
extension EngineTests {
    @Suite("Verdicts")
    struct Verdicts {
        private func engine() async throws -> TestEngine { try await TestEngine.shared() }

        private static func seconds(_ time: UInt64) -> Double { Double(time) / 1e9 / Double(TestHost.timeScale) }

        // MARK: exits and signals

        @Test("an exit is an exit", arguments: [0, 3, 255])
        func exits(code: Int32) async throws {
            let outcome = try await engine().probe("exit", "\(code)")
            #expect(outcome.ending == .exited(code))
            #expect(outcome.report.fired == [])
        }

        @Test(
            "a signal is that signal, whoever sent it",
            arguments: [SIGKILL, SIGXCPU, SIGTERM, SIGSYS, SIGXFSZ, SIGSEGV, SIGABRT, SIGHUP])
        func signals(signal: Int32) async throws {
            let outcome = try await engine().probe("signal", "\(signal)")
            #expect(outcome.ending == .signaled(signal))
            #expect(outcome.report.fired == [])
        }

        @Test("a segmentation fault and abort()")
        func faults() async throws {
            #expect(try await engine().probe("segfault").ending == .signaled(SIGSEGV))
            #expect(try await engine().probe("abort").ending == .signaled(SIGABRT))
        }

        @Test("a program that kills everything it sees ends by itself")
        func killsEverything() async throws {
            #expect(try await engine().probe("kill-all").ending == .exited(7))
        }

        @Test("what outlives the main process ends with it")
        func daemons() async throws {
            let test = try await engine()
            let outcome = try await test.probe("daemonize")
            #expect(outcome.ending == .exited(5))
            #expect(Self.seconds(outcome.report.wallTime) < 5)
            #expect(!HostProcess.all(of: test.connection.instance).contains { $0.command == "probe" })
        }

        @Test("a program that is not there names execve")
        func missingProgram() async throws {
            await #expect {
                _ = try await engine().run(["/bin/nothing"], in: .probe)
            } throws: { error in
                guard let error = error as? IsolationError else { return false }
                return error.code == .step && error.message == "execve: No such file or directory"
            }
            // The slot goes on.
            #expect(try await engine().probe("exit", "0").ending == .exited(0))
        }

        // MARK: time

        @Test("running on is the wall's verdict")
        func wall() async throws {
            let outcome = try await engine().probe("spin") { $0.wallTime = TestHost.milliseconds(400) }
            #expect(outcome.ending == .wallTimeLimit)
            #expect(outcome.report.fired.contains(.wallTime))
            #expect(Self.seconds(outcome.report.wallTime) >= 0.4)
            #expect(Self.seconds(outcome.report.wallTime) < 4)
        }

        @Test(
            "sleeping on is, with all streams closed, with every signal ignored",
            arguments: [
                "wait", "close-and-sleep", "ignore-signals",
            ])
        func sleepers(command: String) async throws {
            let outcome = try await engine().probe(command) { $0.wallTime = TestHost.milliseconds(300) }
            #expect(outcome.ending == .wallTimeLimit)
            #expect(Self.seconds(outcome.report.cpuTime) < 0.2)
        }

        @Test(
            "computing is the CPU's, in one thread, several or several processes",
            arguments: [["spin"], ["spin-threads", "3"], ["spin-children", "3"]])
        func cpu(command: [String]) async throws {
            var limits = TestEngine.standard
            limits.cpuTime = TestHost.milliseconds(300)
            limits.milliCPUs = 2_000
            let outcome = try await engine().engine.run(
                SandboxConfiguration(image: 1, arguments: ["/bin/probe"] + command, limits: limits, outputLimit: 100))
            #expect(outcome.ending == .cpuTimeLimit)
            #expect(Self.seconds(outcome.report.cpuTime) >= 0.3)
            #expect(Self.seconds(outcome.report.cpuTime) < 3)
        }

        @Test("CPU time is counted from the start of the program, and below the limit it is no verdict")
        func cpuCounted() async throws {
            let outcome = try await engine().probe("burn", "200")
            #expect(outcome.ending == .exited(0))
            // Two clocks: the program stops by its own, which an emulated CPU does not tick quite like the group.
            #expect(outcome.report.cpuTime >= 150_000_000)
            #expect(outcome.report.cpuTime < 2_000_000_000)
            let idle = try await engine().probe("exit", "0")
            #expect(Self.seconds(idle.report.cpuTime) < 0.1)
        }

        @Test("a tenth of a CPU holds a job back, however busy the host is")
        func throttled() async throws {
            let outcome = try await engine().probe("burn", "200") { $0.milliCPUs = 100 }
            #expect(outcome.ending == .exited(0))
            #expect(outcome.report.throttled > 0)
            #expect(outcome.report.wallTime > 500_000_000)
        }

        @Test("what held one job back holds none of the next ones back, and is not told of them")
        func throttledBefore() async throws {
            let test = try TestEngine.start(slots: 1)
            for _ in 0..<3 {
                // Ended while it has run out of its quota.
                let held = try await test.probe("spin") {
                    $0.milliCPUs = 100
                    $0.wallTime = TestHost.milliseconds(250)
                }
                #expect(held.ending == .wallTimeLimit)
                #expect(held.report.throttled > 0)
                let next = try await test.probe("burn", "50")
                #expect(next.ending == .exited(0))
                #expect(next.report.throttled == 0)
                #expect(next.report.cpuTime >= 35_000_000)
                #expect(next.report.wallTime < 1_000_000_000)
            }
            await test.engine.shutDown()
        }

        // MARK: when

        @Test("a limit fires after it has run out and before the program has ended")
        func moments() async throws {
            let test = try await engine()
            let wall = try await test.probe("spin") { $0.wallTime = TestHost.milliseconds(300) }
            #expect(wall.ending == .wallTimeLimit)
            let atWall = try #require(wall.report.firedAt)
            #expect(atWall >= TestHost.milliseconds(300))
            #expect(atWall <= wall.report.wallTime)
            let cpu = try await test.probe("spin") { $0.cpuTime = TestHost.milliseconds(200) }
            #expect(cpu.ending == .cpuTimeLimit)
            // One thread cannot have used more CPU time than has passed.
            let atCPU = try #require(cpu.report.firedAt)
            #expect(atCPU >= TestHost.milliseconds(200))
            #expect(atCPU <= cpu.report.wallTime)
            let memory = try await test.probe("allocate", "1024")
            #expect(memory.ending == .memoryLimit)
            let atMemory = try #require(memory.report.firedAt)
            #expect(atMemory > 0)
            #expect(atMemory <= memory.report.wallTime)
        }

        @Test("where no limit ended the program there is no moment")
        func noMoment() async throws {
            #expect(try await engine().probe("exit", "0").report.firedAt == nil)
            #expect(try await engine().probe("signal", "\(SIGKILL)").report.firedAt == nil)
        }

        // MARK: memory

        @Test("a gigabyte is too much", arguments: ["allocate", "allocate-in-child"])
        func memory(command: String) async throws {
            let outcome = try await engine().probe(command, "1024")
            #expect(outcome.ending == .memoryLimit)
            #expect(outcome.report.oomKills > 0 || outcome.report.fired.contains(.memory))
            // The whole job ends, also where the kernel chose a child: the main process did not go on to its own end.
            #expect(outcome.report.waitStatus != 0)
            #expect(outcome.report.memoryPeak <= 128 << 20)
            #expect(outcome.report.memoryPeak > 100 << 20)
        }

        @Test("the host's swap adds nothing to it", .enabled(if: TestHost.isVirtual))
        func swap() async throws {
            // The guest has 256 MiB of it (scripts/vm-guest.sh): more than is missing here.
            #expect(try SmallFile.read("/proc/swaps").split(separator: "\n").count > 1)
            let outcome = try await engine().probe("allocate", "200")
            #expect(outcome.ending == .memoryLimit)
        }

        @Test("what fits is counted and no verdict")
        func memoryPeak() async throws {
            let outcome = try await engine().probe("allocate", "50")
            #expect(outcome.ending == .exited(0))
            #expect(outcome.report.memoryPeak > 50 << 20)
            #expect(outcome.report.memoryPeak < 80 << 20)
            // A fresh group for each job: the peak of one is not the next one's.
            #expect(try await engine().probe("exit", "0").report.memoryPeak < 40 << 20)
        }

        @Test("files in /tmp are memory")
        func filesAreMemory() async throws {
            let outcome = try await engine().probe("fill", "/tmp") {
                $0.memory = 32 << 20
                $0.disk = 256 << 20
            }
            #expect(outcome.ending == .memoryLimit)
        }

        @Test("four megabytes are enough for a static program")
        func littleMemory() async throws {
            let outcome = try await engine().probe("say", "small") { $0.memory = 4 << 20 }
            #expect(outcome.ending == .exited(0))
            #expect(outcome.text == "small\n")
        }

        // MARK: disk

        @Test("a full disk", arguments: ["/tmp", "/box"])
        func disk(folder: String) async throws {
            let outcome = try await engine().probe("fill", folder) { $0.disk = 8 << 20 }
            #expect(outcome.ending == .diskLimit)
            #expect(outcome.errorText == "ENOSPC\n")
            #expect(outcome.report.diskFree == 0)
            #expect(outcome.values("filled") == ["\(8 << 20)"])
        }

        @Test("no more inodes")
        func inodes() async throws {
            let outcome = try await engine().probe("inodes", "1") { $0.inodes = 100 }
            #expect(outcome.ending == .diskLimit)
            #expect(outcome.errorText == "100 ENOSPC\n")
        }

        @Test("a full disk that a program copes with is in the evidence alone")
        func diskTouched() async throws {
            let outcome = try await engine().probe("fill-well", "/tmp") { $0.disk = 4 << 20 }
            #expect(outcome.ending == .exited(0))
            #expect(outcome.report.diskFree == 0)
        }

        @Test("a file that grows too large is SIGXFSZ, and too many open ones are EMFILE")
        func files() async throws {
            let large = try await engine().probe("large-file", "\(2 << 20)") { $0.fileSize = 1 << 20 }
            #expect(large.ending == .signaled(SIGXFSZ))
            let open = try await engine().probe("open-files") { $0.openFiles = 20 }
            #expect(open.values("opened") == ["17"])
            #expect(open.values("then") == ["EMFILE"])
        }

        // MARK: output

        @Test("too much output ends the job, cut exactly at the limit", arguments: ["chatter", "chatter-both"])
        func output(command: String) async throws {
            let outcome = try await engine().probe(command, outputLimit: 100_001)
            #expect(outcome.ending == .outputLimit)
            #expect(outcome.standardOutput.bytes.count + outcome.standardError.bytes.count == 100_001)
            #expect(outcome.standardOutput.isTruncated || outcome.standardError.isTruncated)
        }

        @Test("output of exactly the limit is fine, one byte more is not", arguments: ["write", "write-error"])
        func outputEdge(command: String) async throws {
            let fits = try await engine().probe(command, "70000", outputLimit: 70_000)
            #expect(fits.ending == .exited(0))
            #expect(!fits.standardOutput.isTruncated && !fits.standardError.isTruncated)
            let more = try await engine().probe(command, "70001", outputLimit: 70_000)
            #expect(more.ending == .outputLimit)
            #expect(more.standardOutput.bytes.count + more.standardError.bytes.count == 70_000)
        }

        @Test("a compiler's further output is dropped and does not end it")
        func outputDropped() async throws {
            let outcome = try await engine().engine.run(
                SandboxConfiguration(
                    image: 1, arguments: ["/bin/probe", "write", "300000"], limits: TestEngine.standard,
                    outputLimit: 1_000, endsAtOutputLimit: false))
            #expect(outcome.ending == .exited(0))
            #expect(outcome.standardOutput.bytes.count == 1_000)
            #expect(outcome.standardOutput.isTruncated)
        }

        @Test("an observer sees every byte, in order")
        func observed() async throws {
            let (chunks, note) = AsyncStream.makeStream(of: [UInt8].self)
            let outcome = try await engine().probe(
                "write", "200000",
                onOutput: { stream, bytes in
                    #expect(stream == .output)
                    note.yield(bytes)
                })
            note.finish()
            var all: [UInt8] = []
            for await chunk in chunks { all += chunk }
            #expect(all == outcome.standardOutput.bytes)
            #expect(all.count == 200_000)
        }

        // MARK: processes

        @Test("a fork bomb")
        func forkBomb() async throws {
            let outcome = try await engine().probe("fork-bomb") { $0.wallTime = TestHost.milliseconds(500) }
            #expect(outcome.ending == .processLimit)
            #expect(outcome.report.processLimitHits > 0)
        }

        @Test("a fork that fails is a verdict only where the program does not end well")
        func forkFails() async throws {
            let limits: (inout ResourceLimits) -> Void = {
                $0.processes = 8
                $0.wallTime = TestHost.milliseconds(500)
            }
            #expect(try await engine().probe("fork-until", "exit", change: limits).ending == .processLimit)
            #expect(try await engine().probe("fork-until", "spin", change: limits).ending == .processLimit)
            #expect(try await engine().probe("fork-until", "abort", change: limits).ending == .processLimit)
            let well = try await engine().probe("fork-until", "well", change: limits)
            #expect(well.ending == .exited(0))
            #expect(well.report.processLimitHits > 0)
            // With itself it is eight.
            #expect(well.values("forked") == ["7"])
            #expect(well.values("then") == ["EAGAIN"])
        }

        // MARK: input and files

        @Test("standard input arrives whole, with its end", arguments: [0, 1, 65_536, 1 << 20])
        func input(count: Int) async throws {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let outcome = try await engine().probe("count-input", input: bytes)
            #expect(outcome.values("bytes") == ["\(count)"])
            #expect(outcome.values("sum") == ["\(bytes.reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) })"])
        }

        @Test("a program that never reads its four megabytes of input")
        func inputUnread() async throws {
            let bytes = [UInt8](repeating: 1, count: 4 << 20)
            #expect(try await engine().probe("exit", "4", input: bytes).ending == .exited(4))
            let sleeper = try await engine().probe("wait", input: bytes) {
                $0.wallTime = TestHost.milliseconds(200)
            }
            #expect(sleeper.ending == .wallTimeLimit)
            #expect(
                try await engine().probe("close-and-sleep", input: bytes) {
                    $0.wallTime = TestHost.milliseconds(200)
                }.ending == .wallTimeLimit)
        }

        @Test("files are delivered, in folders, whole and the job's own")
        func delivered() async throws {
            let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
            let outcome = try await engine().run(
                ["/bin/bash", "-c", "cat a/b/c.txt; wc -c <large; ./a/run; ls -ld a a/b/c.txt; echo more >>a/b/c.txt"],
                environment: ["PATH": "/usr/bin:/bin"],
                files: [
                    .init(path: "a/b/c.txt", contents: Array("deep\n".utf8)), .init(path: "large", contents: large),
                    .init(path: "a/run", contents: Array("#!/bin/bash\necho run\n".utf8), isExecutable: true),
                    .init(path: "empty", contents: []),
                ])
            #expect(outcome.ending == .exited(0))
            #expect(outcome.text.hasPrefix("deep\n200000\nrun\ndrwxr-xr-x "))
            #expect(outcome.text.contains("-rw-r--r-- "))
        }

        @Test(
            "a path that leads out is refused",
            arguments: ["../x", "/etc/x", "", "a/../b", "a//b", "./a", "a/", "a/./b", "..", "a\u{0}b"])
        func paths(path: String) async throws {
            await #expect {
                _ = try await engine().probe("exit", "0", files: [.init(path: path, contents: [1])])
            } throws: { error in
                guard let error = error as? IsolationError else { return false }
                return error.code == .step && error.message == "write file: Invalid argument"
            }
            #expect(try await engine().probe("exit", "0").ending == .exited(0))
        }

        @Test("files that fill the disk limit, or all inodes, are fine; more are refused")
        func filesAndLimits() async throws {
            let page = [UInt8](repeating: 1, count: 4_096)
            let fits = try await engine().probe("exit", "0", files: [.init(path: "a", contents: page + page)]) {
                $0.disk = 8_192
            }
            #expect(fits.ending == .exited(0))
            #expect(fits.report.diskFree == 0)
            await #expect {
                _ = try await engine().probe("exit", "0", files: [.init(path: "a", contents: page + page + [1])]) {
                    $0.disk = 8_192
                }
            } throws: { ($0 as? IsolationError)?.code == .invalid }
            let files = ["a/b/c", "a/b/d"].map { SandboxConfiguration.File(path: $0, contents: [1]) }
            let filled = try await engine().probe("inodes", "0", files: files) { $0.inodes = 4 }
            #expect(filled.errorText == "0 ENOSPC\n")
            await #expect {
                _ = try await engine().probe("exit", "0", files: files) { $0.inodes = 3 }
            } throws: { ($0 as? IsolationError)?.code == .invalid }
        }

        @Test("a file twice, or where a folder is, is refused")
        func pathsTwice() async throws {
            for names in [["a", "a"], ["a", "a/b"], ["a/b", "a"]] {
                await #expect(throws: IsolationError.self) {
                    _ = try await engine().probe("exit", "0", files: names.map { .init(path: $0, contents: [1]) })
                }
            }
        }

        @Test("only regular files with one link are collected, up to the limit")
        func collected() async throws {
            let outcome = try await engine().probe(
                "products", collect: ["*.out", "missing"], collectLimit: 1 << 20)
            #expect(outcome.ending == .exited(0))
            #expect(outcome.files.map(\.path) == ["empty.out", "good.out", "run.out", "secret.out"])
            #expect(outcome.files.map(\.contents.count) == [0, 5, 200_000, 0])
            #expect(outcome.files.map(\.isExecutable) == [false, false, true, false])
            for name in ["link", "near", "fifo", "folder", "hard1", "hard2", "large", "socket"] {
                #expect(outcome.skippedFiles.contains { $0.path == "\(name).out" }, "\(name)")
            }
            #expect(outcome.skippedFiles.first == .init(path: "missing", reason: .noSuchFile))
            #expect(outcome.skippedFiles.contains(.init(path: "%FF.out", reason: .nameNotUTF8)))
            #expect(outcome.skippedFiles.count == 10)
        }

        @Test("however many entries are skipped, the answer arrives")
        func skipped() async throws {
            let outcome = try await engine().probe("many-links", collect: ["*.out"], collectLimit: 1 << 20)
            #expect(outcome.ending == .exited(0))
            #expect(outcome.files == [])
            #expect(outcome.skippedFiles.count > 50)
            #expect(outcome.skippedFiles.count + outcome.unlistedFiles == 2_000)
            #expect(try await engine().probe("exit", "0").ending == .exited(0))
        }

        // MARK: requests

        @Test("limits above the maximum are refused, whatever the caller checked")
        func maximum() async throws {
            await #expect {
                _ = try await engine().probe("exit", "0") { $0.memory = 2 << 30 }
            } throws: { ($0 as? IsolationError)?.message == "check limits: Numerical result out of range" }
            await #expect(throws: IsolationError.self) {
                _ = try await engine().probe("exit", "0") { $0.processes = 0 }
            }
        }

        @Test("what no message can carry is refused before it reaches a slot")
        func invalid() async throws {
            let limits = TestEngine.standard
            let long = String(repeating: "a", count: 200_000)
            let configurations = [
                SandboxConfiguration(image: 1, arguments: [], limits: limits, outputLimit: 1),
                SandboxConfiguration(image: 1, arguments: ["probe"], limits: limits, outputLimit: 1),
                SandboxConfiguration(image: 1, arguments: ["/bin/probe", "a\u{0}"], limits: limits, outputLimit: 1),
                SandboxConfiguration(image: 1, arguments: ["/bin/probe", long], limits: limits, outputLimit: 1),
                SandboxConfiguration(
                    image: 1, arguments: Array(repeating: "/a", count: 70_000), limits: limits, outputLimit: 1),
                SandboxConfiguration(
                    image: 1, arguments: ["/bin/probe"], environment: ["A=B": ""], limits: limits, outputLimit: 1),
                SandboxConfiguration(image: 1, arguments: ["/bin/probe"], limits: limits, outputLimit: -1),
                SandboxConfiguration(
                    image: 1, arguments: ["/bin/probe"], limits: limits, outputLimit: 1,
                    collect: Array(repeating: "x", count: 65)),
                SandboxConfiguration(
                    image: 1, arguments: ["/bin/probe"], limits: limits, outputLimit: 1, collect: ["../x"]),
                SandboxConfiguration(
                    image: 1, arguments: ["/bin/probe"], files: [.init(path: long, contents: [])], limits: limits,
                    outputLimit: 1),
            ]
            for configuration in configurations {
                await #expect {
                    _ = try await engine().engine.run(configuration)
                } throws: { ($0 as? IsolationError)?.code == .invalid }
            }
            await #expect(throws: IsolationError.self) {
                _ = try await engine().engine.run(
                    SandboxConfiguration(image: 9, arguments: ["/bin/probe"], limits: limits, outputLimit: 1))
            }
            #expect(try await engine().probe("exit", "0").ending == .exited(0))
        }

        // MARK: cancellation

        /// Starts `wait` and comes back when it runs.
        private func waiting(in test: TestEngine) async throws -> Task<Outcome, any Error> {
            let (started, note) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                // A job that fails must not leave the test waiting.
                defer { note.finish() }
                return try await test.probe("wait", onOutput: { _, _ in note.yield() })
            }
            for await _ in started { break }
            return task
        }

        @Test("a cancelled job, once or twice")
        func cancelled() async throws {
            for times in 1...2 {
                let job = try await waiting(in: engine())
                for _ in 0..<times { job.cancel() }
                let outcome = try await job.value
                #expect(outcome.ending == .cancelled)
                #expect(outcome.text == "waiting\n")
            }
            #expect(try await engine().probe("exit", "0").ending == .exited(0))
        }

        @Test("a job that is cancelled while it waits for a slot is answered at once, and the others keep their turn")
        func cancelledInLine() async throws {
            let test = try TestEngine.start(slots: 1)
            let first = try await waiting(in: test)
            let second = Task { try await test.probe("exit", "2") }
            let third = Task { try await test.probe("exit", "3") }
            try await Task.sleep(for: .milliseconds(50))
            second.cancel()
            #expect(try await second.value.ending == .cancelled)
            #expect(!first.isCancelled)
            first.cancel()
            #expect(try await first.value.ending == .cancelled)
            #expect(try await third.value.ending == .exited(3))
            await test.engine.shutDown()
        }

        @Test("what is shut down runs nothing, and says so")
        func shutDown() async throws {
            let test = try TestEngine.start(slots: 1)
            let first = try await waiting(in: test)
            let second = Task { try await test.probe("exit", "2") }
            try await Task.sleep(for: .milliseconds(50))
            await test.engine.shutDown()
            await #expect(throws: IsolationError.self) { _ = try await first.value }
            await #expect(throws: IsolationError.self) { _ = try await second.value }
            await #expect { _ = try await test.probe("exit", "0") } throws: {
                ($0 as? IsolationError)?.code == .shutDown
            }
        }
    }
}
