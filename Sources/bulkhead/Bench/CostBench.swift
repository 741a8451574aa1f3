import Foundation
import Isolation
import Jobs
import Linux
import Worker

/// Measures what a sandbox costs over starting the same program bare, all rows interleaved in one run.
struct CostBench: Sendable {
    let engine: Engine

    /// A program without a C library: the least that can be executed, so that what is measured is the start.
    private static let source = """
        void _start(void) { __asm__ volatile("syscall" : : "a"(231), "D"(0)); __builtin_unreachable(); }
        """

    func run(rounds: Int, warmUp: Int) async throws -> CostReport {
        try await engine.warmUp(slots: 2)
        let program = try await BenchProgram.compile(Self.source, with: ["-nostdlib"], in: engine)
        let file = try BenchProgram.Placed(program)
        let path = file.path
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
        return CostReport(
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
