import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What of the host's memory `bulkhead serve` gives to jobs.
    @Suite("Memory of jobs")
    struct MemoryTests {
        /// The numbers of the line that the server logs at its end.
        private func figures(_ server: Server, _ names: [String]) -> [Int?] {
            names.map { name in
                let match = try? Regex("\\b\(name)=([0-9]+)").firstMatch(in: server.child.standardError)
                return match.flatMap { $0[1].substring }.flatMap { Int($0) }
            }
        }

        @Test("programs that do not fit into the memory budget together run one after the other")
        func budget() async throws {
            let server = try Server(slots: 3, options: ["--memory-budget", "512M"])
            let sleeper = try request("bash", "sleep 1; echo slept", ["limits": ["memoryBytes": 300 << 20]])
            let start = ContinuousClock.now
            let answers = try await concurrently(0..<3) { _ in try server.execute(sleeper) }
            #expect(ContinuousClock.now - start > .seconds(3))
            for answer in answers {
                #expect(answer.stdout == "slept\n")
                // Waiting is no wall time.
                #expect(answer.wallTimeMs < 1_900)
            }
            #expect(answers.map(\.queueTimeMs).sorted()[1] > 900)
            #expect(answers.map(\.queueTimeMs).sorted()[2] > 1_900)
            // Two that fit together run together.
            let half = try request("bash", "sleep 1; echo slept", ["limits": ["memoryBytes": 200 << 20]])
            let halves = try await concurrently(0..<2) { _ in try server.execute(half) }
            #expect(halves.allSatisfy { $0.queueTimeMs < 900 })
            // More than the whole is over the maximum.
            let over = try HTTP.post(
                "/api/execute", try request("bash", "true", ["limits": ["memoryBytes": (512 << 20) + 1]]),
                port: server.port)
            #expect(over.status == 400)
            #expect(over.text.contains("#/limits/memoryBytes") && over.text.contains("\(512 << 20)"), "\(over.text)")
            #expect(try server.stop() == 0)
            #expect(figures(server, ["peak", "waits"]) == [400 << 20, 2])
        }

        @Test("a budget in which a language could not be compiled is refused at the start")
        func refusals() throws {
            let small = try Command.bulkhead(["serve", "--port", "0", "--memory-budget", "256M"])
            #expect(small.exitCode != 0)
            #expect(small.error.contains("at least 512M"), "\(small.error)")
            let wrong = try Command.bulkhead(["serve", "--port", "0"], environment: ["BULKHEAD_MEMORY_BUDGET": "0"])
            #expect(wrong.exitCode != 0)
            #expect(wrong.error.contains("BULKHEAD_MEMORY_BUDGET"), "\(wrong.error)")
        }
    }
}
