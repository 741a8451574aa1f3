import Foundation
import Testing

extension EndToEnd {
    /// Nothing grows with the number of jobs. `BULKHEAD_LEAK_JOBS` says how many (200).
    @Suite("Leaks")
    struct LeakTests {
        /// What the jobs are: mostly small, some of every kind that is hard to clean up after.
        private static func program(_ index: Int) throws -> String {
            switch index % 50 {
            case 5, 30: return try request("bash", ":(){ :|:& };:; sleep 60", ["timeout": 200])
            case 10, 35: return try request("bash", "yes")
            case 15: return try request("python", "x = bytearray(1 << 30)")
            case 20: return try request("bash", "(setsid sleep 60 &); exit 3")
            case 25:
                return try request("bash", "mkdir -p a/b/c; head -c 1M /dev/urandom > a/b/c/f; ln -s / x; mkfifo p")
            case 40: return try request("bash", "sleep 60", ["timeout": 100])
            case 45: return try request("c", "int main(void) { return 0; }")
            case let kind where kind % 2 == 0: return try request("bash", "cat", ["stdin": "x"])
            default:
                return try request("bash", "echo x", ["files": [["path": "lib/a", "content": "a"]]])
            }
        }

        @Test("after many jobs there is no more of anything than after ten", .timeLimit(.minutes(60)))
        func leaks() async throws {
            let jobs = Installation.count("BULKHEAD_LEAK_JOBS", default: 200)
            let server = try Server(slots: 4)
            // One of each kind, so that every image's pages and every kind of slot are there once.
            for index in stride(from: 0, to: 50, by: 5) { _ = try server.execute(try Self.program(index)) }
            // And four at once of the programs that can be started ahead and of those that cannot, so that there are as many
            // slots as there will ever be.
            for program in [
                "bash": "sleep 0.3", "python": "import time; time.sleep(0.3)", "c": "int main(void) { for (;;); }",
            ] {
                _ = try await concurrently(0..<4) { _ in
                    try server.execute(try request(program.key, program.value, ["timeout": 1_000]))
                }
            }
            let baseline = Census.settled(of: server)
            let began = ContinuousClock.now
            let failed = try await concurrently(0..<4) { client in
                try stride(from: client, to: jobs, by: 4).reduce(into: 0) { failed, index in
                    if try server.execute(try Self.program(index)).status == "internal_error" { failed += 1 }
                }
            }.reduce(0, +)
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let after = Census(of: server, notAbove: baseline)
            print(after.table(since: baseline, ("after 10", "after \(jobs)")))
            print("\(jobs) jobs in \(String(format: "%.1f", seconds)) s")
            #expect(failed == 0)
            #expect(after.growth(since: baseline).isEmpty)
            let processes = server.processes
            #expect(try server.stop() == 0)
            #expect(server.survivors(of: processes).isEmpty)
            #expect(Instance.leftOvers().isEmpty)
        }
    }
}
