import Foundation
import Glibc
import LaunchProtocol
import Linux
import Synchronization
import Testing

@testable import Isolation

/// What is alive on the host while an engine runs, and that nothing is when it has ended, in whatever way.
extension EngineTests {
    @Suite("Lifecycle")
    struct Lifecycle {
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

        /// The instance's processes: the launcher's session, and everything with a uid of its range.
        private func processes(of instance: String, session: Int32) -> [HostProcess] {
            let users = Set(HostProcess.all(of: instance).map(\.pid))
            return HostProcess.all().filter { !$0.isZombie && ($0.session == session || users.contains($0.pid)) }
        }

        /// The control groups that carry the instance's mark, its own folder and all below.
        private func groups(of instance: String) throws -> [String] {
            try CgroupHost.detect().folders(instance: instance).flatMap { folder in
                SmallFile.exists(folder) ? [folder] + children(of: folder) : []
            }
        }

        private func children(of folder: String) -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.map { "\(folder)/\($0)" }.filter { path in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
            }
        }

        // MARK: what runs

        @Test("what an instance has can be counted while it runs, job or none, and is nothing when it has ended")
        func footprint() async throws {
            let test = try TestEngine.start(slots: 2)
            try await test.engine.warmUp(image: TestEngine.Image.probe.rawValue, slots: 2)
            func count(_ name: String) throws -> Int {
                try test.engine.footprint().rows.filter { $0.name.hasPrefix(name) }.reduce(0) { $0 + $1.count }
            }
            // What this process itself opens for the first job of its life.
            let first = try await waiting(in: test)
            first.cancel()
            _ = try await first.value
            // The launcher, then slot, PID 1 and parked program twice.
            #expect(try await TestHost.eventually { try count("processes") == 7 })
            let idle = try test.engine.footprint()
            #expect(idle.slots == 2)
            #expect(try count("programs of jobs") == 0)
            for name in ["control groups", "mounts of all slots", "descriptor table", "descriptors", "threads"] {
                #expect(try count(name) > 0, "\(name)")
            }
            #expect(try test.engine.footprint().growth(since: idle).isEmpty)
            let job = try await waiting(in: test)
            #expect(try count("programs of jobs") == 1)
            #expect(try !test.engine.footprint().growth(since: idle).isEmpty)
            job.cancel()
            _ = try await job.value
            _ = try await TestHost.eventually { try test.engine.footprint().growth(since: idle).isEmpty }
            let growth = try test.engine.footprint().growth(since: idle)
            #expect(growth.isEmpty, "\(growth)")
            #expect(try !test.engine.footprint().leftovers.isEmpty)
            await test.engine.shutDown()
            #expect(try await TestHost.eventually { try test.engine.footprint().leftovers.isEmpty })
        }

        @Test("launcher, slots and inits are what they should be")
        func anatomy() async throws {
            let test = try TestEngine.start(slots: 2)
            let jobs = [try await waiting(in: test), try await waiting(in: test)]
            let launcher = try #require(HostProcess(pid: test.connection.pid))
            #expect(launcher.command == "bulkhead-launch")
            let slots = HostProcess.children(of: launcher.pid)
            #expect(slots.count == 2)
            for process in [launcher] + slots {
                #expect(process.user == 0)
                #expect(process.status("Threads") == "1")
                #expect(try SmallFile.read("/proc/\(process.pid)/environ") == "")
            }
            let range = InstanceLease.UserRange(instance: Int(test.connection.instance.dropFirst()) ?? 0)
            var jobUsers: Set<UInt32> = []
            for slot in slots {
                let inits = HostProcess.children(of: slot.pid)
                #expect(inits.count == 1)
                for process in inits {
                    #expect(process.status("NSpid")?.hasSuffix("\t1") == true)
                    #expect(process.user == range.initProcess)
                    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                        #expect(process.status(set) == "0000000000000000", "\(set)")
                    }
                    #expect(process.status("NoNewPrivs") == "1")
                    #expect(process.status("Seccomp") == "2")
                    #expect(process.status("Groups") == "")
                    #expect(process.descriptors == ["0"])
                    #expect(try SmallFile.read("/proc/\(process.pid)/environ") == "")
                    // The files of a process that is not dumpable belong to root (proc(5)).
                    var status = stat()
                    #expect(stat("/proc/\(process.pid)/environ", &status) == 0)
                    #expect(status.st_uid == 0)
                    let jobs = HostProcess.children(of: process.pid)
                    #expect(jobs.count == 1)
                    for job in jobs { jobUsers.insert(job.user) }
                }
            }
            #expect(jobUsers == [range.firstJob, range.firstJob + 1])
            for job in jobs { job.cancel() }
            for job in jobs { #expect(try await job.value.ending == .cancelled) }
            await test.engine.shutDown()
            #expect(processes(of: test.connection.instance, session: launcher.pid) == [])
            #expect(try groups(of: test.connection.instance) == [])
            #expect(!SmallFile.exists("/run/bulkhead/instances/\(test.connection.instance)"))
        }

        @Test("a job that waits for its program has given up everything already")
        func parked() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            func job() -> HostProcess? {
                HostProcess.children(of: test.connection.pid).flatMap { HostProcess.children(of: $0.pid) }
                    .flatMap { HostProcess.children(of: $0.pid) }.first
            }
            // The filter is its last step.
            #expect(try await TestHost.eventually { job()?.status("Seccomp") == "2" })
            let parked = try #require(job())
            #expect(
                parked.user
                    == InstanceLease.UserRange(instance: Int(test.connection.instance.dropFirst()) ?? 0).firstJob)
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(parked.status(set) == "0000000000000000", "\(set)")
            }
            #expect(parked.status("NoNewPrivs") == "1")
            #expect(parked.status("Groups") == "")
            #expect(parked.session == parked.pid)
            #expect(parked.status("NSpid")?.hasSuffix("\t2") == true)
            // The stub: nothing of the launcher's memory, and besides its streams where it reports, where it waits, and the
            // listener of its filter.
            #expect(parked.command == "bulkhead-parked")
            #expect(parked.descriptors.sorted() == ["0", "1", "2", "3", "4", "5"])
            for process in [parked]
                + HostProcess.children(of: test.connection.pid).flatMap({
                    HostProcess.children(of: $0.pid)
                })
            {
                let maps = try SmallFile.read("/proc/\(process.pid)/maps")
                #expect(maps.contains("/memfd:bulkhead-stub"))
                #expect(!maps.contains("launcher") && !maps.contains("[heap]"), "\(maps)")
                // The files of a process that is not dumpable belong to root (proc(5)).
                var status = stat()
                #expect(stat("/proc/\(process.pid)/environ", &status) == 0)
                #expect(status.st_uid == 0)
            }
            await test.engine.shutDown()
        }

        @Test("what begins in a slot's memory leaves nothing there")
        func sharedMemory() async throws {
            let test = try TestEngine.start(slots: 1)
            for _ in 0..<20 { #expect(try await test.probe("exit", "0").ending == .exited(0)) }
            let slot = try #require(HostProcess.children(of: test.connection.pid).first)
            func kilobytes() -> Int { Int(slot.status("VmData")?.prefix { $0.isNumber } ?? "") ?? 0 }
            // A sandbox that something still refers to keeps a score of descriptors open.
            func settled() async throws -> Int {
                var counts: [Int] = []
                _ = try await TestHost.eventually {
                    counts.append(slot.descriptors.count)
                    return counts.count >= 20
                }
                return counts.min() ?? 0
            }
            let descriptors = try await settled()
            let memory = kilobytes()
            for _ in 0..<(TestHost.isVirtual ? 100 : 300) {
                #expect(try await test.probe("exit", "0").ending == .exited(0))
            }
            #expect(try await settled() == descriptors)
            #expect(kilobytes() - memory < 64, "\(memory) kB, then \(kilobytes()) kB")
            await test.engine.shutDown()
        }

        @Test("each instance has a name, uids and groups of its own")
        func instances() async throws {
            let first = try TestEngine.start(slots: 1)
            let second = try TestEngine.start(slots: 1)
            #expect(first.connection.instance != second.connection.instance)
            #expect(first.connection.driverUser != second.connection.driverUser)
            let maps = [
                try await first.probe("cat", "/proc/self/uid_map").values("line"),
                try await second.probe("cat", "/proc/self/uid_map").values("line"),
            ]
            #expect(maps[0] != maps[1])
            await first.engine.shutDown()
            #expect(try await second.probe("exit", "0").ending == .exited(0))
            #expect(try groups(of: first.connection.instance) == [])
            await second.engine.shutDown()
        }

        @Test("a slot of another image makes room, and leaves nothing")
        func exchange() async throws {
            let test = try TestEngine.start(slots: 1)
            for _ in 0..<3 {
                #expect(try await test.probe("exit", "0").ending == .exited(0))
                #expect(try await test.run(["/bin/true"]).ending == .exited(0))
            }
            #expect(try await TestHost.eventually { HostProcess.children(of: test.connection.pid).count == 1 })
            await test.engine.shutDown()
        }

        @Test("more slots than the launcher can watch at once are all reaped and replaced")
        func manySlots() async throws {
            let count = 20
            let test = try TestEngine.start(slots: count)
            try await test.engine.warmUp(image: 1, slots: count)
            let slots = HostProcess.children(of: test.connection.pid)
            #expect(slots.count == count)
            for slot in slots.shuffled() {
                kill(slot.pid, SIGKILL)
                // Some at once, some between two looks.
                if Bool.random() { try await Task.sleep(for: .milliseconds(5)) }
            }
            #expect(
                try await TestHost.eventually(within: 20) {
                    !HostProcess.all().contains { $0.parent == test.connection.pid }
                })
            for _ in 0..<count { _ = try? await test.probe("exit", "0") }
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            await test.engine.shutDown()
            #expect(processes(of: test.connection.instance, session: test.connection.pid) == [])
        }

        // MARK: what is killed

        @Test("a slot that is killed with its job is an error of that job alone")
        func killedSlot() async throws {
            let test = try TestEngine.start(slots: 2)
            let job = try await waiting(in: test)
            let slots = HostProcess.children(of: test.connection.pid)
            #expect(slots.count == 1)
            for slot in slots { kill(slot.pid, SIGKILL) }
            await #expect { _ = try await job.value } throws: { ($0 as? IsolationError)?.code == .slotDied }
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            #expect(
                try await TestHost.eventually {
                    !HostProcess.all().contains { process in slots.contains { process.parent == $0.pid } }
                        && !HostProcess.all(of: test.connection.instance).contains { $0.command == "probe" }
                })
            await test.engine.shutDown()
            #expect(try groups(of: test.connection.instance) == [])
        }

        @Test("a slot that is killed before it has read the start of a job costs no job, and runs none twice")
        func killedBeforeTheStart() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            #expect(try await test.probe("exit", "2").ending == .exited(2))
            for seed in 3...5 {
                let slot = try #require(HostProcess.children(of: test.connection.pid).first)
                // The next sandbox is parked, or what the job would wait for is that.
                #expect(
                    try await TestHost.eventually {
                        HostProcess.children(of: slot.pid).contains { !HostProcess.children(of: $0.pid).isEmpty }
                    })
                try await Task.sleep(for: .milliseconds(100))
                kill(slot.pid, SIGSTOP)
                let job = Task { try await test.probe("exit", "\(seed)", input: [UInt8](repeating: 7, count: 1_000)) }
                try await Task.sleep(for: .milliseconds(200))
                kill(slot.pid, SIGKILL)
                #expect(try await job.value.ending == .exited(Int32(seed)))
            }
            await test.engine.shutDown()
        }

        @Test("a parked sandbox that dies costs no job")
        func killedInit() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            let slots = HostProcess.children(of: test.connection.pid)
            #expect(
                try await TestHost.eventually { slots.contains { !HostProcess.children(of: $0.pid).isEmpty } })
            for slot in slots { for child in HostProcess.children(of: slot.pid) { kill(child.pid, SIGKILL) } }
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            #expect(try await test.probe("exit", "4").ending == .exited(4))
            await test.engine.shutDown()
        }

        @Test("when the launcher is killed, nothing of it lives on, and the next start sweeps")
        func killedLauncher() async throws {
            let (failures, note) = AsyncStream.makeStream(of: IsolationError.self)
            let test = try TestEngine.start(slots: 2) { note.yield($0) }
            let jobs = [try await waiting(in: test), try await waiting(in: test)]
            let pid = test.connection.pid
            let instance = test.connection.instance
            kill(pid, SIGKILL)
            for job in jobs { await #expect(throws: IsolationError.self) { _ = try await job.value } }
            for await failure in failures {
                #expect(failure.code == .launcherDied)
                break
            }
            #expect(try await TestHost.eventually { processes(of: instance, session: pid).isEmpty })
            await #expect(throws: IsolationError.self) { _ = try await test.probe("exit", "0") }
            #expect(try !groups(of: instance).isEmpty)
            await test.engine.shutDown()
            let next = try TestEngine.start(slots: 1)
            let left = try groups(of: instance)
            if next.connection.instance == instance {
                // The folders are the new one's; nothing is in them.
                #expect(left.count == Set(try CgroupHost.detect().folders(instance: instance)).count)
            } else {
                #expect(left == [])
            }
            #expect(try await next.probe("exit", "0").ending == .exited(0))
            await next.engine.shutDown()
            #expect(try groups(of: instance) == [])
        }

        /// A driving process of its own; its first line comes when its jobs run.
        private func startDriver(jobs: Int) throws -> (process: Process, line: FileHandle) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: TestHost.driver)
            process.arguments = [TestHost.launcher, Probe.image, TestHost.policies, "\(jobs)"]
            let pipe = Foundation.Pipe()
            process.standardOutput = pipe
            try process.run()
            return (process, pipe.fileHandleForReading)
        }

        @Test("the driving process is not root, and when it is killed nothing lives on")
        func killedDriver() async throws {
            let (process, handle) = try startDriver(jobs: 2)
            var line = Data()
            while !line.contains(UInt8(ascii: "\n")) {
                let more = handle.availableData
                if more.isEmpty { break }
                line += more
            }
            let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
            try #require(words.count == 3, "\(words)")
            let instance = words[1]
            let range = InstanceLease.UserRange(instance: Int(instance.dropFirst()) ?? 0)
            let driver = try #require(HostProcess(pid: process.processIdentifier))
            #expect(words[2] == "\(range.driver)")
            #expect(driver.status("Uid") == Array(repeating: "\(range.driver)", count: 4).joined(separator: "\t"))
            #expect(driver.status("Gid") == Array(repeating: "\(range.driver)", count: 4).joined(separator: "\t"))
            #expect(driver.status("CapPrm") == "0000000000000000")
            #expect(driver.status("Groups") == "")
            #expect(driver.status("NoNewPrivs") == "1")
            for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(driver.pid)/task") {
                let text = try SmallFile.read("/proc/\(driver.pid)/task/\(thread)/status")
                #expect(text.contains("CapEff:\t0000000000000000"), "thread \(thread)")
            }
            let launcher = try #require(HostProcess.children(of: driver.pid).first)
            #expect(processes(of: instance, session: launcher.pid).count >= 1 + 1 + 2 * 3)
            kill(driver.pid, SIGKILL)
            process.waitUntilExit()
            #expect(try await TestHost.eventually { processes(of: instance, session: launcher.pid).isEmpty })
            // The launcher saw it and cleaned up itself.
            #expect(try groups(of: instance) == [])
        }

        @Test("killed at any moment of its start, with its launcher or without, it leaves nothing for the next start")
        func killedWhileStarting() async throws {
            var generator = SystemRandomNumberGenerator()
            var instances: Set<String> = []
            for round in 0..<(TestHost.isVirtual ? 4 : 16) {
                let (process, handle) = try startDriver(jobs: 2)
                let pid = process.processIdentifier
                try await Task.sleep(
                    for: .microseconds(Int64.random(in: 5_000...90_000, using: &generator) * Int64(TestHost.timeScale)))
                let launchers = HostProcess.children(of: pid)
                for launcher in launchers where round % 2 == 0 { kill(launcher.pid, SIGKILL) }
                kill(pid, SIGKILL)
                process.waitUntilExit()
                try handle.close()
                for launcher in launchers {
                    #expect(
                        try await TestHost.eventually {
                            HostProcess.all().filter { $0.session == launcher.pid && !$0.isZombie }.isEmpty
                        }, "\(HostProcess.all().filter { $0.session == launcher.pid })")
                }
            }
            let next = try TestEngine.start(slots: 1)
            instances.insert(next.connection.instance)
            await next.engine.shutDown()
            // Every lock that nobody holds stands for an instance of which nothing is left.
            for number in 0..<InstanceLease.capacity {
                let path = "/run/bulkhead/instances/i\(number).lock"
                guard SmallFile.exists(path) else { break }
                let lock = try Descriptor.open(path, O_RDWR)
                guard isFree(lock) else { continue }
                #expect(try groups(of: "i\(number)") == [])
                #expect(!SmallFile.exists("/run/bulkhead/instances/i\(number)"))
            }
        }

        private func isFree(_ lock: borrowing Descriptor) -> Bool {
            let wasFree = flock(lock.raw, LOCK_EX | LOCK_NB) == 0
            if wasFree { flock(lock.raw, LOCK_UN) }
            return wasFree
        }

        // MARK: what adds up

        private struct Census: Equatable, CustomStringConvertible {
            var groups = 0
            var kernelGroups = 0
            var mounts = 0
            var descriptors = 0
            var launcherDescriptors = 0
            var slotDescriptors = 0
            var processes = 0
            var folders = 0

            var description: String {
                "groups \(groups) (kernel \(kernelGroups)), mounts \(mounts), descriptors \(descriptors) "
                    + "\(launcherDescriptors) \(slotDescriptors), processes \(processes), folders \(folders)"
            }
        }

        private func census(_ test: TestEngine) throws -> Census {
            var census = Census()
            census.groups = try groups(of: test.connection.instance).count
            census.kernelGroups =
                try SmallFile.read("/proc/cgroups").split(separator: "\n").dropFirst()
                .compactMap { Int($0.split(separator: "\t").dropFirst(2).first ?? "") }.max() ?? 0
            census.mounts = try SmallFile.read("/proc/self/mountinfo", limit: 1 << 22).split(separator: "\n").count
            census.descriptors = HostProcess(pid: getpid())?.descriptors.count ?? 0
            census.launcherDescriptors = HostProcess(pid: test.connection.pid)?.descriptors.count ?? 0
            let slots = HostProcess.children(of: test.connection.pid)
            census.slotDescriptors = slots.map(\.descriptors.count).max() ?? 0
            census.processes = processes(of: test.connection.instance, session: test.connection.pid).count
            census.folders = try FileManager.default.subpathsOfDirectory(
                atPath: "/run/bulkhead/instances/\(test.connection.instance)"
            ).count
            return census
        }

        @Test("after many jobs there is no more of anything than after ten")
        func leaks() async throws {
            let test = try TestEngine.start(slots: 2)
            try await test.engine.warmUp(image: 1, slots: 2)
            func run(_ count: Int) async throws {
                for number in 0..<(count / 2) {
                    async let one = test.probe("say", "x", input: [1, 2, 3], files: [.init(path: "f", contents: [1])])
                    async let other = test.probe(number % 3 == 0 ? "abort" : "fork-until", "well") { $0.processes = 4 }
                    _ = try await (one, other)
                }
            }
            func settled() async throws -> Census {
                // Both slots have parked again: two groups each at the most while the next is made.
                _ = try await TestHost.eventually {
                    HostProcess.children(of: test.connection.pid).allSatisfy {
                        HostProcess.children(of: $0.pid).count == 1
                    } && processes(of: test.connection.instance, session: test.connection.pid).count == 1 + 2 * 3
                }
                try await Task.sleep(for: .milliseconds(200))
                return try census(test)
            }
            try await run(10)
            let before = try await settled()
            try await run(TestHost.isVirtual ? 100 : 300)
            let after = try await settled()
            #expect(after.groups <= before.groups, "\(before) → \(after)")
            // The kernel frees a removed group some time later, and other work on the host makes groups too.
            #expect(after.kernelGroups <= before.kernelGroups + 60, "\(before) → \(after)")
            #expect(after.mounts <= before.mounts, "\(before) → \(after)")
            #expect(after.descriptors <= before.descriptors + 2, "\(before) → \(after)")
            #expect(after.launcherDescriptors == before.launcherDescriptors, "\(before) → \(after)")
            #expect(after.slotDescriptors == before.slotDescriptors, "\(before) → \(after)")
            #expect(after.processes <= before.processes, "\(before) → \(after)")
            #expect(after.folders <= before.folders, "\(before) → \(after)")
            await test.engine.shutDown()
        }
    }
}
