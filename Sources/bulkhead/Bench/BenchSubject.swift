import Isolation
import Linux
import Measurement

/// Something to be measured, as what can be done with it.
struct BenchSubject {
    /// One run of it, or several that differ.
    struct Sample {
        /// The row that it counts for.
        var row: String
        var microseconds: Double
    }

    var name: String
    var remark: String?
    /// One round.
    var round: () throws -> [Sample]
    /// Does it that often, one after the other, for the sums of CPU time. Nil where they are not asked for.
    var repeated: ((Int) throws -> Void)?
    /// Nanoseconds of CPU time so far of all that it needs.
    var cpuTime: () throws -> UInt64 = { SpawnedProgram.cpuTime }
    /// So many at once for so many milliseconds; returns how many per second. Nil where that makes no sense.
    var rate: ((_ atOnce: Int, _ milliseconds: Int) throws -> Double)?

    /// A program that is started bare, or by another sandbox; its number tells apart those that run at once.
    static func spawned(_ name: String, remark: String? = nil, _ program: @escaping (Int) -> SpawnedProgram)
        -> BenchSubject
    {
        let first = program(0)
        return BenchSubject(
            name: name, remark: remark, round: { [Sample(row: name, microseconds: try first.run())] },
            repeated: { count in for _ in 0..<count { _ = try first.run() } },
            rate: { atOnce, milliseconds in
                try SpawnedProgram.rate(of: (0..<atOnce).map(program), for: milliseconds)
            })
    }
}

/// How much is measured.
struct BenchPlan: Sendable {
    /// Rounds that count.
    var rounds: Int
    /// Rounds before, which do not.
    var warmUp: Int
    /// Runs for the sums of CPU time.
    var repetitions: Int
    var cores: Int
    /// Milliseconds for each rate.
    var rateTime: Int

    /// What rates are measured with.
    var loads: [Int] { [cores, 2 * cores] }

    /// Fewer rounds of what takes longer.
    func slower(by factor: Int) -> BenchPlan {
        var plan = self
        plan.rounds = max(1, rounds / factor)
        plan.warmUp = max(1, warmUp / factor)
        plan.repetitions = max(1, repetitions / factor)
        return plan
    }
}

extension BenchPlan {
    /// Measures subjects side by side: each round takes all of them in turn, so that the machine's drift hits all alike.
    /// - Parameters:
    ///   - subjects: what to measure, in the order of the rows.
    ///   - progress: told what is being done.
    /// - Throws: the first that a subject throws.
    /// - Returns: a row for each that `BenchSubject.round` names. Where a subject has several, what belongs to none of them
    ///   alone has a row of its own behind them.
    func measure(_ subjects: [BenchSubject], progress: (String) -> Void) throws -> [BenchReport.Row] {
        var samples: [[(row: String, microseconds: [Double])]] = subjects.map { _ in [] }
        for round in 0..<(rounds + warmUp) {
            if round == warmUp { progress("\(rounds) rounds of \(subjects.count) in turn") }
            for (index, subject) in subjects.enumerated() {
                let new = try subject.round()
                guard round >= warmUp else { continue }
                for sample in new {
                    if let row = samples[index].firstIndex(where: { $0.row == sample.row }) {
                        samples[index][row].microseconds.append(sample.microseconds)
                    } else {
                        samples[index].append((sample.row, [sample.microseconds]))
                    }
                }
            }
        }
        return try zip(subjects, samples).flatMap { subject, found in
            progress(subject.name)
            var rows = found.map { BenchReport.Row(name: $0.row, wall: Distribution($0.microseconds)) }
            var whole = BenchReport.Row(name: subject.name)
            if rows.count == 1 { whole = rows.removeLast() }
            whole.remark = subject.remark
            try measureSums(of: subject, into: &whole)
            return whole.cpu == nil && whole.rates.isEmpty && whole.wall == nil ? rows : rows + [whole]
        }
    }

    private func measureSums(of subject: BenchSubject, into row: inout BenchReport.Row) throws {
        if let repeated = subject.repeated {
            let kernel = try ProcessFamily.kernelThreads()
            let before = try subject.cpuTime()
            try repeated(repetitions)
            row.cpu = ProcessFamily.elapsed(from: before, to: try subject.cpuTime()) / 1_000 / Double(repetitions)
            row.kernel = Double(try ProcessFamily.kernelTime(since: kernel)) / 1_000 / Double(repetitions)
        }
        if let rate = subject.rate {
            for atOnce in loads {
                row.rates.append(.init(atOnce: atOnce, perSecond: try rate(atOnce, rateTime)))
            }
        }
    }
}
