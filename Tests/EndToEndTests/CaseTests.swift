import Foundation
import Glibc
import RedisTestServer
import Testing

extension EndToEnd {
    /// Test cases on one submission: real compilers, real sandboxes, over HTTP and through Redis.
    @Suite("Cases of a job")
    struct CaseTests {
        /// What a result of a job with cases has besides, read by nobody's code but this.
        struct Cases: Decodable, Sendable {
            var results: [Result]
            var summary: Summary

            struct Result: Decodable, Sendable {
                var name: String?
                var status: String?
                var verdict: String
                var stdout: String
                var stdoutBytes: Int
                var stdoutTruncated: Bool
                var exitCode: Int?
                var signal: String?
                var wallTimeMs: Double
                var cpuTimeMs: Double
                var memoryBytes: Int
                var evidence: Evidence
            }

            struct Evidence: Decodable, Sendable {
                var firedLimit: String?
                var start: String?
            }

            struct Summary: Decodable, Sendable {
                var total: Int
                var accepted: Int
                var failed: Int
                var skipped: Int
                var firstFailed: Int?
            }

            var verdicts: [String] { results.map(\.verdict) }
        }

        private func execute(_ server: Server, _ json: String) throws -> (answer: Answer, cases: Cases) {
            let response = try HTTP.post("/api/execute", json, port: server.port)
            #expect(response.status == 200, "\(response.text)")
            return (
                try Answer(response.body), try JSONDecoder().decode(Cases.self, from: Data(response.body))
            )
        }

        /// Doubles what it reads; does other things where it is asked to.
        private static let doubling = """
            #include <cstdlib>
            #include <iostream>
            #include <string>
            int main(int argc, char **argv) {
                std::string what = argc > 1 ? argv[1] : "";
                if (what == "abort") std::abort();
                if (what == "spin") for (volatile int i = 0;; ) i = i + 1;
                if (what == "flood") for (;;) std::cout << "flood";
                long n;
                std::cin >> n;
                std::cout << 2 * n << std::endl;
                return what == "fail" ? 7 : 0;
            }
            """

        private func twenty() -> [[String: Any]] {
            (0..<20).map { ["stdin": "\($0)\n", "expectedOutput": "\($0 == 13 ? 0 : 2 * $0)\n"] }
        }

        private func figure(_ name: String, _ log: String) -> Int? {
            let match = try? Regex("\\b\(name)=([0-9]+)").firstMatch(in: log)
            return match.flatMap { $0[1].substring }.flatMap { Int($0) }
        }

        @Test("twenty cases of a C++ program are compiled once, with the cache and without")
        func compilesOnce() throws {
            for options in [[], ["--compile-cache-bytes", "0"]] {
                let server = try Server(slots: 4, options: options)
                let (answer, cases) = try execute(server, try request("c++", Self.doubling, ["cases": twenty()]))
                #expect(answer.status == "ok")
                #expect(answer.compile?.status == "ok" && answer.compile?.cached == false)
                #expect(
                    cases.verdicts == (0..<20).map { $0 == 13 ? "wrong_answer" : "accepted" }, "\(cases.verdicts)")
                #expect(cases.results.map(\.stdout) == (0..<20).map { "\(2 * $0)\n" })
                #expect(cases.results.allSatisfy { $0.exitCode == 0 && $0.memoryBytes > 0 && $0.wallTimeMs > 0 })
                #expect(cases.summary.accepted == 19 && cases.summary.firstFailed == 13)
                #expect(answer.wallTimeMs == cases.results.map(\.wallTimeMs).max())
                #expect(try server.stop() == 0)
                let log = server.child.standardError
                #expect(figure("compilers", log) == 1, "\(log)")
                #expect(figure("misses", log) == (options.isEmpty ? 1 : nil))
                #expect(figure("hits", log) == (options.isEmpty ? 0 : nil))
            }
        }

        @Test(
            "each case has its verdict, the first that did not run well is the job's status, and nothing is left behind"
        )
        func verdicts() throws {
            let server = try Server(slots: 4)
            let list: [[String: Any]] = [
                ["name": "fine", "stdin": "21", "expectedOutput": "42"],
                ["stdin": "21", "args": ["fail"], "expectedOutput": "42"], ["args": ["abort"]], ["args": ["spin"]],
                ["args": ["flood"], "expectedOutput": "flood"], ["stdin": "1"],
            ]
            let (answer, cases) = try execute(
                server,
                try request(
                    "c++", Self.doubling, ["cases": list, "limits": ["cpuTimeMs": 300, "outputBytes": 100_000]]))
            #expect(
                cases.verdicts == [
                    "accepted", "nonzero_exit", "signaled", "cpu_time_limit", "output_limit", "accepted",
                ])
            #expect(answer.status == "nonzero_exit" && answer.exitCode == 7)
            #expect(answer.message == nil)
            #expect(answer.stdout.isEmpty)
            #expect(cases.results[0].name == "fine" && cases.results[1].name == nil)
            #expect(cases.results[2].signal == "SIGABRT")
            #expect(cases.results[3].evidence.firedLimit == "cpuTimeMs")
            #expect(cases.results[4].stdoutBytes == 100_000)
            // A stop at the first failure: the rest is not run.
            let (stopped, some) = try execute(
                server, try request("c++", Self.doubling, ["cases": list, "stopOnFailure": true]))
            #expect(some.verdicts == ["accepted", "nonzero_exit"] + Array(repeating: "skipped", count: 4))
            #expect(stopped.compile?.cached == true)
            #expect(some.results[5].status == nil)
            #expect(try server.stop() == 0)
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("cases of one job share nothing, and more of them than slots do not keep another job waiting")
        func apart() async throws {
            let server = try Server(slots: 4)
            let json = try request(
                "bash",
                "cat /box/* /tmp/* 2>&1 | grep -c secret; echo secret > /box/a; echo secret > /tmp/b; sleep 0.5",
                ["cases": Array(repeating: ["expectedOutput": "1"], count: 12)])
            async let long = concurrently(0..<1) { _ in try execute(server, json) }
            _ = Eventually.holds(within: .seconds(20)) { server.processes.count { $0.name == "sleep" } == 3 }
            let other = try server.execute(try request("bash", "echo other"))
            #expect(other.stdout == "other\n")
            // It neither waited for the twelve, which take two seconds, nor for one of them.
            #expect(other.queueTimeMs < 400)
            // Its own source is there, and nothing of the others.
            let (answer, cases) = try await long[0]
            #expect(answer.status == "ok")
            #expect(cases.summary.accepted == 12, "\(cases.results.map(\.stdout))")
            #expect(try server.stop() == 0)
        }

        @Test("the example of the documentation works as it is written")
        func documentation() throws {
            let text = try String(contentsOfFile: "\(Installation.sources)/docs/api.md", encoding: .utf8)
            let example = try #require(text.firstMatch(of: /### Test cases[\s\S]*?-d '([\s\S]*?)'\n```/))
            let server = try Server(slots: 2)
            let (answer, cases) = try execute(server, String(example.1))
            #expect(answer.status == "ok")
            #expect(cases.verdicts == ["accepted", "accepted", "wrong_answer"])
            #expect(cases.results.map(\.name) == ["small", nil, "wrong on purpose"])
            #expect(try server.stop() == 0)
        }

        @Test("a hang-up ends all cases of a job")
        func hangUp() throws {
            let server = try Server(slots: 4)
            let json = try request("bash", "sleep 60", ["timeout": 60_000, "cases": Array(repeating: [:], count: 20)])
            #expect(throws: Child.Failure.self) {
                try HTTP.post("/api/execute", json, port: server.port, seconds: 1)
            }
            #expect(
                Eventually.holds(within: .seconds(20)) { !server.processes.contains { $0.name == "sleep" } },
                "\(server.processes)")
            #expect(try server.execute(try request("bash", "echo next")).stdout == "next\n")
            #expect(try server.stop() == 0)
        }

        @Test("what max-job-time does not suffice for is skipped, and its sandbox ended")
        func overdue() throws {
            let server = try Server(slots: 1, options: ["--max-job-time", "1s"])
            let json = try request(
                "bash", "read line; [ $line = now ] || sleep 60; echo $line",
                [
                    "cases": [["stdin": "now\n", "expectedOutput": "now"], ["stdin": "later\n"], ["stdin": "now\n"]],
                    "limits": ["wallTimeMs": 60_000],
                ])
            let (answer, cases) = try execute(server, json)
            #expect(cases.verdicts == ["accepted", "skipped", "skipped"])
            #expect(answer.status == "wall_time_limit")
            // The only slot is free.
            #expect(try server.execute(try request("bash", "echo next")).stdout == "next\n")
            #expect(try server.stop() == 0)
        }

        @Test(
            "through Redis: the queue's job has the cases, its returnvalue the results, shortened where they are large",
            .enabled(if: RedisTestServer.shared != nil))
        func redis() throws {
            let redis = try #require(RedisTestServer.shared)
            let name = "cases-\(UUID().uuidString)"
            let server = try Server(
                slots: 4, options: ["--queue", "redis"],
                environment: [
                    "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)", "BULKHEAD_QUEUE_NAME": name,
                ])
            let (answer, cases) = try execute(server, try request("c++", Self.doubling, ["cases": twenty()]))
            #expect(cases.summary.accepted == 19)
            let base = "bull:\(name):"
            func stored(_ id: String) throws -> Cases {
                let text = try redis.command(["HGET", base + id, "returnvalue"])
                #expect(text.utf8.count <= 64 << 10)
                return try JSONDecoder().decode(Cases.self, from: Data(text.utf8))
            }
            #expect(try stored(answer.id).verdicts == cases.verdicts)
            #expect(try redis.command(["HGET", base + answer.id, "data"]).contains(#""cases""#))

            let loud = try request(
                "bash", "head -c 30000 /dev/zero | tr '\\0' x", ["cases": Array(repeating: [:], count: 100)])
            let (large, hundred) = try execute(server, loud)
            #expect(hundred.summary.accepted == 100)
            #expect(hundred.results.allSatisfy { $0.stdoutBytes == 30_000 && $0.stdoutTruncated })
            #expect(hundred.results.reduce(0) { $0 + $1.stdout.utf8.count } > 1_000_000)
            let short = try stored(large.id)
            #expect(short.results.count == 100)
            #expect(short.verdicts == hundred.verdicts)
            #expect(try server.stop() == 0)
        }
    }
}
