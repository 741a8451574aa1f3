import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What of the host's memory `bulkhead serve` gives to jobs, and to what it keeps for them.
    @Suite("Memory of jobs")
    struct MemoryTests {
        /// With a warning on purpose: what the compiler says must come again.
        private func source() throws -> String {
            try request(
                "c++",
                """
                #include <iostream>
                #warning forgotten
                int main() { std::cout << "compiled " << 6 * 7 << std::endl; }
                """)
        }

        /// The numbers of the line that the server logs at its end.
        private func figures(_ server: Server, _ names: [String]) -> [Int?] {
            names.map { name in
                let match = try? Regex("\\b\(name)=([0-9]+)").firstMatch(in: server.child.standardError)
                return match.flatMap { $0[1].substring }.flatMap { Int($0) }
            }
        }

        @Test("a second identical C++ submission skips the compiler, and says so")
        func compilesOnce() throws {
            let server = try Server(slots: 2)
            let first = try server.execute(try source())
            let second = try server.execute(try source())
            let other = try server.execute(try source().replacing("compiled ", with: "other "))
            for answer in [first, second] {
                #expect(answer.status == "ok")
                #expect(answer.stdout == "compiled 42\n")
                #expect(answer.compile?.status == "ok")
            }
            #expect(first.compile?.cached == false)
            #expect(second.compile?.cached == true)
            #expect(first.compile?.stderr.contains("forgotten") == true)
            #expect(second.compile?.stderr == first.compile?.stderr)
            #expect(second.compile?.wallTimeMs == first.compile?.wallTimeMs)
            #expect(other.stdout == "other 42\n")
            #expect(other.compile?.cached == false)
            // What does not compile is compiled again.
            for _ in 0..<2 {
                let wrong = try server.execute(try request("c", "int main(void) { return x; }"))
                #expect(wrong.status == "compile_error")
                #expect(wrong.compile?.cached == false)
            }
            #expect(try server.stop() == 0)
            #expect(figures(server, ["hits", "misses", "evictions", "entries"]) == [1, 4, 0, 2])
        }

        @Test("twelve identical submissions at once are compiled once")
        func compilesOnceAtOnce() async throws {
            let server = try Server(slots: 4)
            let answers = try await concurrently(0..<12) { _ in try server.execute(try source()) }
            #expect(answers.allSatisfy { $0.stdout == "compiled 42\n" })
            #expect(answers.count { $0.compile?.cached == false } == 1)
            #expect(try server.stop() == 0)
            #expect(figures(server, ["hits", "misses"]) == [11, 1])
        }

        @Test("the cache can be turned off, by flag and by environment")
        func cacheOff() throws {
            for server in [
                try Server(slots: 1, options: ["--compile-cache-bytes", "0"]),
                try Server(slots: 1, environment: ["BULKHEAD_COMPILE_CACHE_BYTES": "0"]),
            ] {
                for _ in 0..<2 {
                    #expect(try server.execute(try request("c", "int main(void) {}")).compile?.cached == false)
                }
                #expect(try server.stop() == 0)
                #expect(figures(server, ["hits"]) == [nil])
            }
        }

        @Test("programs that do not fit into the memory budget together run one after the other")
        func budget() async throws {
            let server = try Server(slots: 3, options: ["--memory-budget", "768M"])
            let sleeper = try request("bash", "sleep 1; echo slept", ["limits": ["memoryBytes": 450 << 20]])
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
            let half = try request("bash", "sleep 1; echo slept", ["limits": ["memoryBytes": 380 << 20]])
            let halves = try await concurrently(0..<2) { _ in try server.execute(half) }
            #expect(halves.allSatisfy { $0.queueTimeMs < 900 })
            // More than the whole is over the maximum.
            let over = try HTTP.post(
                "/api/execute", try request("bash", "true", ["limits": ["memoryBytes": (768 << 20) + 1]]),
                port: server.port)
            #expect(over.status == 400)
            #expect(over.text.contains("#/limits/memoryBytes") && over.text.contains("\(768 << 20)"), "\(over.text)")
            #expect(try server.stop() == 0)
            #expect(figures(server, ["peak", "waits"]) == [760 << 20, 2])
        }

        @Test("a budget in which a language could not be compiled is refused at the start")
        func refusals() throws {
            let small = try Command.bulkhead(["serve", "--port", "0", "--memory-budget", "256M"])
            #expect(small.exitCode != 0)
            // Rust, where its image is there, takes more than the others.
            #expect(small.error.contains(/at least (512|768)M/), "\(small.error)")
            for (variable, text) in [("BULKHEAD_MEMORY_BUDGET", "0"), ("BULKHEAD_COMPILE_CACHE_BYTES", "much")] {
                let wrong = try Command.bulkhead(["serve", "--port", "0"], environment: [variable: text])
                #expect(wrong.exitCode != 0)
                #expect(wrong.error.contains(variable), "\(wrong.error)")
            }
        }
    }
}
