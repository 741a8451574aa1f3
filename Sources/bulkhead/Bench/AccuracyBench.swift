import Foundation
import Isolation
import Jobs
import Linux
import Worker

/// Measures how exact the engine is: when it stops a program, and what it says that a program used.
struct AccuracyBench: Sendable {
    let engine: Engine
    let cores: Int
    let maxima: Limits

    /// One job to run, and the rows that it fills.
    private struct Trial: Sendable {
        var rows: [AccuracyReport.Row]
        var arguments: [String]
        var limits: Limits
        /// How far off a job was, for each row.
        var errors: @Sendable (Job) throws -> [Double]
        /// The same of the program without a sandbox, for the first row; nil where nothing could be compared.
        var bare: (@Sendable (BareProgram) throws -> Double)?
    }

    /// A job that has ended, and when its answer was there, by the clock that its program saw as well.
    private struct Job: Sendable {
        var outcome: Outcome
        var answeredAt: UInt64

        /// The numbers that the program said, one a line.
        var said: [UInt64] {
            outcome.standardOutput.bytes.split(separator: UInt8(ascii: "\n")).compactMap {
                UInt64(String(decoding: $0, as: UTF8.self))
            }
        }
    }

    func run(rounds: Int) async throws -> AccuracyReport {
        try await engine.warmUp(slots: cores)
        let program = try await BenchProgram.compile(AccuracyProgram.source, with: ["-pthread"], in: engine)
        let file = try BenchProgram.Placed(program)
        var trials = Set([1, cores]).sorted().flatMap { jobs in
            self.trials.map { trial in
                var trial = trial
                for row in trial.rows.indices { trial.rows[row].jobs = jobs }
                return trial
            }
        }
        for _ in 0..<rounds {
            for index in trials.indices {
                let trial = trials[index]
                let count = trial.rows[0].jobs
                if let bare = trial.bare {
                    var programs: [BareProgram] = []
                    for _ in 0..<count { programs.append(try BareProgram(file.path, trial.arguments)) }
                    trials[index].rows[0].bare += try programs.map(bare)
                }
                for job in try await jobs(count, of: trial, program) {
                    for (row, error) in try trial.errors(job).enumerated() {
                        trials[index].rows[row].errors.append(error)
                        if job.outcome.isContended { trials[index].rows[row].contended += 1 }
                    }
                }
            }
        }
        return AccuracyReport(rows: trials.flatMap(\.rows))
    }

    private func jobs(_ count: Int, of trial: Trial, _ program: [UInt8]) async throws -> [Job] {
        let configuration = SandboxConfiguration(
            arguments: ["/box/program"] + trial.arguments,
            files: [.init(path: "program", contents: program, isExecutable: true)], limits: trial.limits.resources,
            outputLimit: 65_536)
        return try await withThrowingTaskGroup(of: Job.self) { group in
            for _ in 0..<count {
                group.addTask {
                    let outcome = try await engine.run(configuration)
                    return Job(outcome: outcome, answeredAt: MonotonicClock.now)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    // MARK: what is measured

    private var trials: [Trial] {
        [100, 1_000].flatMap { [wall($0, "sleep"), wall($0, "spin")] }
            + [cpuLimit(100, threads: 1), cpuLimit(500, threads: 1), cpuLimit(500, threads: 4)]
            + [20, 100, 500].flatMap {
                [cpu($0, "burn", "1 thread"), cpu($0, "threads", "4 threads"), cpu($0, "children", "4 children")]
            }
            + [
                cpu(100, "threads-early", "threads that end early"),
                cpu(100, "children-early", "children that end early"),
            ]
            + [
                memory(0, "hello"), memory(1, "anonymous"), memory(64, "anonymous"), memory(32, "tmp"),
                memory(32, "memfd"),
            ]
            + [
                fourMebibytes("hello", nil, .exited(0)), fourMebibytes("anonymous", 2, .exited(0)),
                fourMebibytes("anonymous", 8, .memoryLimit),
            ]
    }

    /// Late by the report, and by when the answer was there after the program had said that it runs.
    private func wall(_ milliseconds: Int, _ program: String) -> Trial {
        var limits = Limits.standard
        limits.wallTimeMs = milliseconds
        limits.cpuTimeMs = maxima.cpuTimeMs
        let name = "wall \(milliseconds) ms, \(program)"
        var trial = Trial(
            rows: [
                .init(name: name, unit: .milliseconds, goal: 20, isNeverNegative: true),
                .init(name: "\(name), from outside", unit: .milliseconds, goal: 20, isUpperBound: true),
            ], arguments: [program], limits: limits,
            errors: { job in
                try Self.expect(.wallTimeLimit, of: job)
                guard let began = job.said.first else { throw Self.silent(job) }
                return [
                    Double(job.outcome.report.wallTime) / 1e6 - Double(milliseconds),
                    (Double(job.answeredAt) - Double(began)) / 1e6 - Double(milliseconds),
                ]
            })
        if program == "sleep" {
            trial.bare = { bare in try bare.lateness(ofKillAfter: UInt64(milliseconds) * 1_000_000) }
        }
        return trial
    }

    /// Over by the report, and by the CPU time that the program itself saw last, of which it tells every 2 ms.
    private func cpuLimit(_ milliseconds: Int, threads: Int) -> Trial {
        var limits = Limits.standard
        limits.cpuTimeMs = milliseconds
        limits.wallTimeMs = maxima.wallTimeMs
        // They would wait for each other on one.
        if threads > 1 { limits.cpus = maxima.cpus }
        let name = "cpu limit \(milliseconds) ms, \(threads == 1 ? "1 thread" : "\(threads) threads")"
        return Trial(
            rows: [
                .init(name: name, unit: .milliseconds, goal: 20, isNeverNegative: true),
                .init(name: "\(name), by itself", unit: .milliseconds, goal: 20, isUpperBound: true),
            ], arguments: ["tell", "\(threads)"], limits: limits,
            errors: { job in
                try Self.expect(.cpuTimeLimit, of: job)
                guard let last = job.said.last else { throw Self.silent(job) }
                return [
                    Double(job.outcome.report.cpuTime) / 1e6 - Double(milliseconds),
                    Double(last) / 1e6 - Double(milliseconds),
                ]
            })
    }

    private func cpu(_ milliseconds: Int, _ program: String, _ words: String) -> Trial {
        var limits = Limits.standard
        limits.cpus = maxima.cpus
        var trial = Trial(
            rows: [
                .init(
                    name: "cpu \(milliseconds) ms, \(words)", unit: .milliseconds,
                    goal: max(2, Double(milliseconds) / 20))
            ], arguments: [program, "\(milliseconds * 1_000_000)"], limits: limits,
            errors: { job in
                try Self.expect(.exited(0), of: job)
                guard let burned = job.said.last else { throw Self.silent(job) }
                return [(Double(job.outcome.report.cpuTime) - Double(burned)) / 1e6]
            })
        // Children that nobody waited for are in no rusage.
        if !program.hasPrefix("children") {
            trial.bare = { bare in
                let (used, burned) = try bare.cpuTime()
                return (Double(used) - Double(burned)) / 1e6
            }
        }
        return trial
    }

    private func memory(_ mebibytes: Int, _ program: String) -> Trial {
        var limits = Limits.standard
        limits.fileBytes = maxima.fileBytes
        return Trial(
            rows: [
                .init(
                    name: mebibytes == 0 ? "memory, \(program)" : "memory \(mebibytes) MiB, \(program)",
                    unit: .mebibytes, goal: 2)
            ], arguments: [program, "\(mebibytes << 20)"], limits: limits,
            errors: { job in
                try Self.expect(.exited(0), of: job)
                return [(Double(job.outcome.report.memoryPeak) - Double(mebibytes << 20)) / Double(1 << 20)]
            })
    }

    private func fourMebibytes(_ program: String, _ mebibytes: Int?, _ right: Ending) -> Trial {
        var limits = Limits.standard
        limits.memoryBytes = 4 << 20
        return Trial(
            rows: [
                .init(name: "4 MiB limit, \(mebibytes.map { "\($0) MiB used" } ?? program)", unit: .wrong, goal: 0)
            ], arguments: [program] + (mebibytes.map { ["\($0 << 20)"] } ?? []), limits: limits,
            errors: { job in [job.outcome.ending == right ? 0 : 1] })
    }

    private static func expect(_ ending: Ending, of job: Job) throws {
        guard job.outcome.ending == ending else {
            throw IsolationError(
                .host,
                "the test program ended with \(job.outcome.ending), not with \(ending): "
                    + String(decoding: job.outcome.standardError.bytes, as: UTF8.self))
        }
    }

    private static func silent(_ job: Job) -> IsolationError {
        IsolationError(
            .host,
            "the test program said \"\(String(decoding: job.outcome.standardOutput.bytes.prefix(100), as: UTF8.self))\""
        )
    }
}
