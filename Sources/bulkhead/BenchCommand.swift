import ArgumentParser
import Foundation
import Isolation
import Jobs
import Linux
import Worker

/// `bulkhead bench`: what a sandbox costs over starting the same program bare, all rows interleaved in one run.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what isolation costs on this host.",
        discussion: """
            The program is a static one that only exits, compiled in the sandbox itself. Each round measures every row once,
            in turn, so that the machine's drift hits all rows alike; compare rows of one run only.
              bare spawn   posix_spawn and wait, no isolation
              parked       a sandbox that was set up before the job came
              cold         a sandbox that is taken down and set up on the waiting path
            """)

    @OptionGroup var engine: EngineOptions

    @Option(help: "Rounds that count.")
    var rounds = 500

    @Option(help: "Rounds before, which do not.")
    var warmUp = 30

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        guard (1...100_000).contains(rounds), (0...10_000).contains(warmUp) else {
            throw ValidationError("--rounds must be from 1 to 100000, --warm-up from 0 to 10000")
        }
        let running = try RunningEngine.start(engine, images: ["default"], slots: 2) { note("\($0)") }
        let (rounds, warmUp) = (rounds, warmUp)
        let report = try runToEnd {
            do {
                let report = try await Bench(engine: running.engine).run(rounds: rounds, warmUp: warmUp)
                await running.engine.shutDown()
                return report
            } catch {
                await running.engine.shutDown()
                throw error
            }
        }
        print(json ? report.json : report.text)
    }
}

/// The figures of one run.
struct BenchReport: Sendable {
    struct Row: Sendable {
        var name: String
        /// Microseconds.
        var samples: [Double]

        func quantile(_ share: Double) -> Double {
            let sorted = samples.sorted()
            return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
    }

    var rows: [Row]
    /// Sandboxes per second by the number of slots in use, and the same for bare spawns.
    var throughput: [(name: String, perSecond: Double)]

    var text: String {
        var lines = ["row                    p50 us   p95 us   p99 us   min us   over bare p50"]
        func column(_ value: Double) -> String { String(format: "%9.0f", value) }
        let bare = rows[0].quantile(0.5)
        for row in rows {
            lines.append(
                row.name.padding(toLength: 20, withPad: " ", startingAt: 0)
                    + [0.5, 0.95, 0.99, 0].map { column(row.quantile($0)) }.joined()
                    + String(format: "%12.0f us", row.quantile(0.5) - bare))
        }
        for entry in throughput {
            lines.append(
                entry.name.padding(toLength: 28, withPad: " ", startingAt: 0)
                    + String(format: "%8.0f /s", entry.perSecond))
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        let rows = rows.map { row in
            "{\"name\":\"\(row.name)\",\"p50us\":\(row.quantile(0.5)),\"p95us\":\(row.quantile(0.95)),"
                + "\"p99us\":\(row.quantile(0.99)),\"minus\":\(row.quantile(0)),\"rounds\":\(row.samples.count)}"
        }
        let rates = throughput.map { "{\"name\":\"\($0.name)\",\"perSecond\":\($0.perSecond)}" }
        return "{\"rows\":[\(rows.joined(separator: ","))],\"throughput\":[\(rates.joined(separator: ","))]}"
    }
}

/// Measures.
struct Bench: Sendable {
    let engine: Engine

    /// A program without a C library: the least that can be executed, so that what is measured is the start.
    private static let source = """
        void _start(void) { __asm__ volatile("syscall" : : "a"(231), "D"(0)); __builtin_unreachable(); }
        """

    func run(rounds: Int, warmUp: Int) async throws -> BenchReport {
        try await engine.warmUp(slots: 2)
        let program = try await compile()
        // This process is not root any more: a folder that anybody may write to.
        let path = NSTemporaryDirectory() + "bulkhead-bench-\(getpid())"
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(program), attributes: [.posixPermissions: 0o755])
        else { throw IsolationError(.host, "cannot write \(path)") }
        defer { unlink(path) }
        var bare: [Double] = []
        var parked: [Double] = []
        var cold: [Double] = []
        for round in 0..<(rounds + warmUp) {
            let spawn = try Self.bareSpawn(path)
            // Both slots have parked their next sandbox by then.
            try await Task.sleep(for: .milliseconds(6))
            let ready = try await sandbox(program)
            // Both slots are busy setting up: the next two jobs come at once after another.
            async let first = sandbox(program)
            async let second = sandbox(program)
            _ = try await (first, second)
            let late = try await sandbox(program)
            try await Task.sleep(for: .milliseconds(6))
            guard round >= warmUp else { continue }
            bare.append(spawn)
            if ready.start == .slot { parked.append(ready.microseconds) }
            if late.start == .cold { cold.append(late.microseconds) }
        }
        guard !parked.isEmpty, !cold.isEmpty else { throw IsolationError(.host, "too few rounds") }
        return BenchReport(
            rows: [
                .init(name: "bare spawn", samples: bare), .init(name: "sandbox, parked", samples: parked),
                .init(name: "sandbox, cold", samples: cold),
            ],
            throughput: [
                ("bare spawn, one at a time", try Self.bareRate(path)),
                ("sandboxes, 1 slot", try await rate(slots: 1, program)),
                ("sandboxes, 2 slots", try await rate(slots: 2, program)),
            ])
    }

    private func compile() async throws -> [UInt8] {
        let outcome = try await engine.run(
            SandboxConfiguration(
                arguments: ["/usr/bin/gcc", "-O2", "-static", "-nostdlib", "-s", "-o", "exit", "exit.c"],
                environment: ["PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"],
                files: [.init(path: "exit.c", contents: Array(Self.source.utf8))], limits: Limits.compile.resources,
                outputLimit: 65_536, collect: ["exit"], collectLimit: 1 << 20))
        guard let file = outcome.files.first else {
            throw IsolationError(
                .host,
                "the test program does not compile: \(String(decoding: outcome.standardError.bytes, as: UTF8.self))")
        }
        return file.contents
    }

    private func sandbox(_ program: [UInt8]) async throws -> (microseconds: Double, start: Outcome.Start) {
        let configuration = SandboxConfiguration(
            arguments: ["/box/exit"], files: [.init(path: "exit", contents: program, isExecutable: true)],
            limits: Limits.standard.resources, outputLimit: 1_024)
        let start = MonotonicClock.now
        let outcome = try await engine.run(configuration)
        let microseconds = Double(MonotonicClock.now - start) / 1_000
        guard outcome.ending == .exited(0) else {
            throw IsolationError(.host, "the test program ended with \(outcome.ending)")
        }
        return (microseconds, outcome.start)
    }

    private func rate(slots: Int, _ program: [UInt8]) async throws -> Double {
        let jobs = 400
        let start = MonotonicClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<slots {
                group.addTask { for _ in 0..<jobs { _ = try await sandbox(program) } }
            }
            try await group.waitForAll()
        }
        return Double(jobs * slots) * 1e9 / Double(MonotonicClock.now - start)
    }

    private static func bareSpawn(_ path: String) throws -> Double {
        let start = MonotonicClock.now
        var pid: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), nil]
        defer { free(arguments[0]) }
        let error = posix_spawn(&pid, path, nil, nil, &arguments, nil)
        guard error == 0 else { throw SystemError("posix_spawn", errno: error) }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return Double(MonotonicClock.now - start) / 1_000
    }

    private static func bareRate(_ path: String) throws -> Double {
        let count = 2_000
        let start = MonotonicClock.now
        for _ in 0..<count { _ = try bareSpawn(path) }
        return Double(count) * 1e9 / Double(MonotonicClock.now - start)
    }
}
