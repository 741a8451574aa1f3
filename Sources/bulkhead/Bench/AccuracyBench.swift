import Foundation
import Isolation
import Jobs
import Worker

/// Measures how exact the engine is: when it stops a program, and what it says that a program used.
struct AccuracyBench: Sendable {
    let engine: Engine
    let cores: Int
    let maxima: Limits

    /// One thing to measure: a job, and how far its report is from what is right.
    private struct Trial: Sendable {
        var row: AccuracyReport.Row
        var arguments: [String]
        var limits: Limits
        var error: @Sendable (Outcome) throws -> Double
    }

    func run(rounds: Int) async throws -> AccuracyReport {
        try await engine.warmUp(slots: cores)
        let program = try await BenchProgram.compile(AccuracyProgram.source, with: ["-pthread"], in: engine)
        var trials = Set([1, cores]).sorted().flatMap { jobs in
            self.trials.map { trial in
                var trial = trial
                trial.row.jobs = jobs
                return trial
            }
        }
        for _ in 0..<rounds {
            for index in trials.indices {
                let trial = trials[index]
                let outcomes = try await outcomes(of: trial, program)
                trials[index].row.errors += try outcomes.map(trial.error)
                trials[index].row.contended += outcomes.count(where: \.isContended)
            }
        }
        return AccuracyReport(rows: trials.map(\.row))
    }

    private func outcomes(of trial: Trial, _ program: [UInt8]) async throws -> [Outcome] {
        let configuration = SandboxConfiguration(
            arguments: ["/box/program"] + trial.arguments,
            files: [.init(path: "program", contents: program, isExecutable: true)], limits: trial.limits.resources,
            outputLimit: 1_024)
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<trial.row.jobs { group.addTask { try await engine.run(configuration) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    // MARK: what is measured

    private var trials: [Trial] {
        [100, 250, 1_000].flatMap { [wall($0, "sleep"), wall($0, "spin")] }
            + [cpuLimit(100, threads: 1), cpuLimit(500, threads: 1), cpuLimit(500, threads: 4)]
            + [
                cpu(10, "burn", "1 thread"), cpu(100, "burn", "1 thread"), cpu(100, "threads", "4 threads"),
                cpu(100, "children", "4 children"), cpu(100, "threads-early", "threads that end early"),
                cpu(100, "children-early", "children that end early"),
            ]
            + [
                memory(0, "hello"), memory(1, "anonymous"), memory(64, "anonymous"), memory(32, "tmp"),
                memory(32, "memfd"),
            ]
            + [fourMebibytes("hello", nil, .exited(0)), fourMebibytes("anonymous", 5, .memoryLimit)]
    }

    private func wall(_ milliseconds: Int, _ program: String) -> Trial {
        var limits = Limits.standard
        limits.wallTimeMs = milliseconds
        return Trial(
            row: .init(
                name: "wall \(milliseconds) ms, \(program)", jobs: 1, unit: .milliseconds, goal: 20,
                isNeverNegative: true),
            arguments: [program], limits: limits
        ) { outcome in
            try Self.expect(.wallTimeLimit, of: outcome)
            return Double(outcome.report.wallTime) / 1e6 - Double(milliseconds)
        }
    }

    private func cpuLimit(_ milliseconds: Int, threads: Int) -> Trial {
        var limits = Limits.standard
        limits.cpuTimeMs = milliseconds
        limits.wallTimeMs = maxima.wallTimeMs
        // They would wait for each other on one.
        if threads > 1 { limits.cpus = maxima.cpus }
        return Trial(
            row: .init(
                name: "cpu limit \(milliseconds) ms, \(threads == 1 ? "1 thread" : "\(threads) threads")", jobs: 1,
                unit: .milliseconds, goal: 20, isNeverNegative: true), arguments: ["spin", "\(threads)"], limits: limits
        ) { outcome in
            try Self.expect(.cpuTimeLimit, of: outcome)
            return Double(outcome.report.cpuTime) / 1e6 - Double(milliseconds)
        }
    }

    private func cpu(_ milliseconds: Int, _ program: String, _ words: String) -> Trial {
        var limits = Limits.standard
        limits.cpus = maxima.cpus
        let goal = max(2, Double(milliseconds) / 20)
        return Trial(
            row: .init(name: "cpu \(milliseconds) ms, \(words)", jobs: 1, unit: .milliseconds, goal: goal),
            arguments: [program, "\(milliseconds * 1_000_000)"], limits: limits
        ) { outcome in
            try Self.expect(.exited(0), of: outcome)
            let said = String(decoding: outcome.standardOutput.bytes.dropLast(), as: UTF8.self)
            guard let burned = UInt64(said) else { throw IsolationError(.host, "the test program said \"\(said)\"") }
            return (Double(outcome.report.cpuTime) - Double(burned)) / 1e6
        }
    }

    private func memory(_ mebibytes: Int, _ program: String) -> Trial {
        var limits = Limits.standard
        limits.fileBytes = maxima.fileBytes
        return Trial(
            row: .init(
                name: mebibytes == 0 ? "memory, \(program)" : "memory \(mebibytes) MiB, \(program)", jobs: 1,
                unit: .mebibytes, goal: 2), arguments: [program, "\(mebibytes << 20)"], limits: limits
        ) { outcome in
            try Self.expect(.exited(0), of: outcome)
            return (Double(outcome.report.memoryPeak) - Double(mebibytes << 20)) / Double(1 << 20)
        }
    }

    private func fourMebibytes(_ program: String, _ mebibytes: Int?, _ right: Ending) -> Trial {
        var limits = Limits.standard
        limits.memoryBytes = 4 << 20
        return Trial(
            row: .init(
                name: "4 MiB limit, \(mebibytes.map { "\($0) MiB used" } ?? program)", jobs: 1, unit: .wrong, goal: 0),
            arguments: [program] + (mebibytes.map { ["\($0 << 20)"] } ?? []), limits: limits
        ) { outcome in outcome.ending == right ? 0 : 1 }
    }

    private static func expect(_ ending: Ending, of outcome: Outcome) throws {
        guard outcome.ending == ending else {
            throw IsolationError(
                .host,
                "the test program ended with \(outcome.ending), not with \(ending): "
                    + String(decoding: outcome.standardError.bytes, as: UTF8.self))
        }
    }
}
