import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// SIGKILL at random moments with jobs running. `BULKHEAD_KILLS` says how often (3), `BULKHEAD_SEED` when.
    @Suite("Lifecycle under SIGKILL")
    struct LifecycleTests {
        private static let kills = Installation.count("BULKHEAD_KILLS", default: 3)

        private static func generator(_ salt: UInt64) -> SeededGenerator {
            SeededGenerator(seed: UInt64(Installation.count("BULKHEAD_SEED", default: 1)) &* 1_000 &+ salt)
        }

        /// Which process is killed.
        enum Victim: UInt64, CaseIterable, CustomTestStringConvertible {
            case driver, launcher
            var testDescription: String { self == .driver ? "the driving process" : "the launcher" }
        }

        @Test(
            "without driving process or launcher no job goes on, and the next start finds or makes a clean host",
            arguments: Victim.allCases)
        func processDies(victim: Victim) throws {
            var random = Self.generator(victim.rawValue)
            for round in 1...Self.kills {
                let server = try Server(slots: 4)
                let load = Load(on: server, clients: 6)
                usleep(UInt32.random(in: 0...1_200_000, using: &random))
                let processes = server.processes
                let target = victim == .driver ? server.driver : server.launcher
                kill(target.pid, SIGKILL)
                let left = server.survivors(of: processes)
                #expect(left.isEmpty, "round \(round): \(left) still run")
                // A service that cannot run jobs any more ends, and whoever supervises it starts another.
                let exitCode = try server.child.wait(atMost: .seconds(10))
                #expect(exitCode == (victim == .driver ? 1_009 : 1))
                #expect(load.stop())
                try Self.startsClean(after: "round \(round)")
            }
        }

        @Test("killed while it starts")
        func killedAtStart() throws {
            var random = Self.generator(7)
            let before = Set(Self.launchers())
            for round in 1...Self.kills {
                let child = try Child(
                    [Installation.bulkhead, "serve", "--port", "0", "--slots", "4"],
                    environment: Installation.environment)
                usleep(UInt32.random(in: 0...300_000, using: &random))
                // Either half of it.
                let launcher = ProcessTable.children(of: child.pid).first
                if let launcher, Bool.random(using: &random) {
                    kill(launcher.pid, SIGKILL)
                    #expect(try child.wait(atMost: .seconds(10)) == 1)
                } else {
                    child.signal(SIGKILL)
                    _ = try child.wait(atMost: .seconds(10))
                }
                let gone = Eventually.holds(within: .seconds(5)) { Set(Self.launchers()).isSubset(of: before) }
                #expect(gone, "round \(round): \(Set(Self.launchers()).subtracting(before)) still run")
            }
            try Self.startsClean(after: "the last kill")
        }

        @Test("a slot that dies takes one job along at most; the service goes on with as many slots as before")
        func slotDies() throws {
            var random = Self.generator(3)
            let server = try Server(slots: 4)
            // Every program once: the first to read a file of the image is charged for it, and its group stays in the kernel's
            // count for as long as the page does.
            try Load.once(on: server)
            let baseline = Census.settled(of: server)
            for round in 1...Self.kills {
                let load = Load(on: server, clients: 3)
                usleep(UInt32.random(in: 0...800_000, using: &random))
                let slots = server.slots
                let victim = try #require(slots.randomElement(using: &random))
                let doomed = [victim] + ProcessTable.descendants(of: victim.pid)
                kill(victim.pid, SIGKILL)
                // While it and what is in it die it can still be handed a job, which then is the one that it takes along.
                #expect(
                    Eventually.holds(within: .seconds(5)) { doomed.allSatisfy { !$0.isAlive } },
                    "round \(round): \(doomed.filter(\.isAlive)) outlived their slot")
                let next = try server.execute(try request("bash", "echo \(round)"))
                #expect(next.status == "ok", "round \(round): \(next.message ?? "")")
                #expect(next.stdout == "\(round)\n")
                #expect(load.stop())
                var victims = 0
                for result in load.results {
                    let answer = try result.get()
                    if answer.status == "internal_error" {
                        victims += 1
                        #expect(answer.message?.contains("slot") == true, "\(answer.message ?? "")")
                    } else {
                        #expect(
                            ["wall_time_limit", "process_limit", "output_limit", "disk_limit", "cpu_time_limit"]
                                .contains(answer.status), "\(answer)")
                    }
                }
                #expect(victims <= 1, "round \(round): \(victims) jobs failed")
            }
            let after = Census(of: server, notAbove: baseline)
            #expect(after.growth(since: baseline).isEmpty, "\(after.table(since: baseline, ("before", "after")))")
            let processes = server.processes
            #expect(try server.stop() == 0)
            #expect(server.survivors(of: processes).isEmpty)
            #expect(Instance.leftOvers().isEmpty)
        }

        /// Starts a service, runs a job in it, ends it, and looks for anything of anybody who is gone.
        private static func startsClean(after what: String) throws {
            let server = try Server(slots: 1)
            #expect(Instance.leftOvers().isEmpty, "after \(what), at the next start: \(Instance.leftOvers())")
            #expect(try server.execute(try request("bash", "echo again")).stdout == "again\n")
            #expect(try server.stop() == 0)
            #expect(Instance.leftOvers().isEmpty, "after \(what), at the next end: \(Instance.leftOvers())")
        }

        /// Processes of the launcher under test, whatever instance they are of.
        private static func launchers() -> [ProcessEntry] {
            let binary = URL(fileURLWithPath: Installation.launcher).resolvingSymlinksInPath().path
            return ProcessTable.all().filter { $0.executable == binary }
        }
    }
}
