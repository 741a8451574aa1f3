import CLinux
import Foundation
import Glibc
import Isolation
import Jobs
import Linux
import Worker

/// Many random hostile jobs at once, in all slots: every answer must be well-formed and its status right, and nothing may be
/// left.
public struct Storm: Sendable {
    private let selftest: Selftest
    private let engine: Engine
    private let draw: StormDraw
    private let seed: UInt64
    private let slots: Int
    private let cores: Int

    /// - Parameters:
    ///   - selftest: runs the jobs.
    ///   - engine: its engine.
    ///   - slots: how many that has.
    ///   - seed: what everything is drawn from.
    ///   - cores: the host's processors.
    public init(selftest: Selftest, engine: Engine, slots: Int, seed: UInt64, cores: Int) {
        self.selftest = selftest
        self.engine = engine
        self.seed = seed
        self.slots = slots
        self.cores = cores
        draw = StormDraw(
            seed: seed, attacks: selftest.program.attacks, cores: cores, maxima: selftest.maxima,
            timeScale: selftest.timeScale)
    }

    /// What is drawn for one job.
    /// - Throws: for a table of attacks that cannot be read.
    public func description(of index: Int) throws -> String {
        let job = try draw.job(index)
        return "\(job.text); right: \(job.expectation)"
    }

    /// How many jobs are run between two looks at what has grown.
    private static let leg = 500

    /// Runs the jobs of these numbers, twice as many at once as there are slots: none is ever idle, and some jobs are
    /// cancelled while they wait.
    /// - Parameters:
    ///   - indices: which jobs of the seed.
    ///   - onLine: sees what is found as it is found.
    /// - Returns: the report, in which what an engine leaves that has ended is still missing.
    /// - Throws: for a table of attacks that cannot be read, and where nothing can be counted.
    public func run(
        _ indices: Range<Int>, onLine: @escaping @Sendable (String) -> Void
    ) async throws -> StormReport {
        var report = StormReport(seed: seed, slots: slots, wanted: indices.count)
        report.leftovers += try await checkSlots()
        let baseline = try await settledFootprint(notAbove: nil)
        // Whoever counts nothing finds nothing that has grown.
        guard baseline.slots == slots else {
            throw IsolationError(.host, "\(baseline.slots) slots can be counted on this host, not \(slots)")
        }
        let start = ContinuousClock.now
        var next = indices.lowerBound
        while next < indices.upperBound, !Task.isCancelled, report.leftovers.isEmpty {
            let leg = next..<min(next + Self.leg, indices.upperBound)
            next = leg.upperBound
            try await run(leg, into: &report, onLine: onLine)
            report.leftovers += try await checkSlots()
            report.leftovers += try await settledFootprint(notAbove: baseline).growth(since: baseline)
            let seen = await selftest.witness.judge().and(selftest.watched.judge())
            if seen.verdict != .contained { report.leftovers.append(seen.reason) }
        }
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        return report
    }

    private func run(
        _ leg: Range<Int>, into report: inout StormReport, onLine: @escaping @Sendable (String) -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (StormJob, ExecutionResult).self) { group in
            var next = leg.lowerBound
            func add() throws {
                guard next < leg.upperBound, !Task.isCancelled else { return }
                let job = try draw.job(next)
                next += 1
                group.addTask { (job, try await perform(job)) }
            }
            for _ in 0..<2 * slots { try add() }
            while let (job, result) = try await group.next() {
                try add()
                report.statuses[result.status, default: 0] += 1
                guard let wrong = judge(job, result) else { continue }
                report.wrong.append(wrong)
                onLine(wrong.text)
            }
        }
    }

    // MARK: one job

    private func perform(_ job: StormJob) async throws -> ExecutionResult {
        var ends: [Int32] = [-1, -1]
        if case .silent = job.input { try attempt("pipe") { bk_pipe(&ends) } }
        defer { for end in ends where end >= 0 { close(end) } }
        let reader = ends[0]
        let (outputs, note) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            let result = try await start(job, reader: reader) { _, _ in note.yield() }
            note.finish()
            return result
        }
        let canceller = Task {
            switch job.cancelled {
            case .never: return
            case .after(let milliseconds):
                // Thrown when the job was faster.
                guard (try? await Task.sleep(for: .milliseconds(milliseconds))) != nil else { return }
            case .atOutput:
                guard await outputs.first(where: { true }) != nil else { return }
            }
            task.cancel()
        }
        defer { canceller.cancel() }
        return try await task.value
    }

    private func start(
        _ job: StormJob, reader: Int32, onOutput: @escaping OutputObserver
    ) async throws -> ExecutionResult {
        let circumstances = JobRunner.Circumstances(id: JobID().description)
        var input: SandboxConfiguration.Input?
        switch job.input {
        case .silent: input = .descriptor(reader)
        case .bytes(0): input = nil
        case .bytes(let count): input = .bytes([UInt8](repeating: UInt8(ascii: "a"), count: count))
        }
        switch job.work {
        case .attack(let attack):
            return await selftest.runner.run(
                command: ["/box/attack", attack.name], image: 0, environment: selftest.variables, limits: job.limits,
                files: [.init(path: "attack", contents: selftest.program.contents, isExecutable: true)],
                collect: job.collect, input: input ?? .bytes([]), circumstances, onOutput: onOutput)
        case .source(let attack):
            let scale = selftest.timeScale
            let request: JSONObject = [
                "language": .string(attack.language ?? ""), "code": .string(attack.source ?? ""),
                "limits": .object([
                    "wallTimeMs": .integer(min(10_000 * scale, selftest.maxima.wallTimeMs)),
                    "cpuTimeMs": .integer(min(5_000 * scale, selftest.maxima.cpuTimeMs)),
                ]),
            ]
            return try await selftest.makeRunner(job.limits).run(
                json: JSONValue.object(request).serialized(), circumstances, onOutput: onOutput)
        case .program(let language, let code):
            let request: JSONObject = [
                "language": .string(language), "code": .string(code), "limits": .object(job.limits.json),
                "collect": .array(job.collect.map(JSONValue.string)),
                "outputEncoding": .string(job.encoding.rawValue),
                "metadata": .object(["index": .integer(job.index)]),
            ]
            return try await selftest.makeRunner(selftest.usualCompileLimits).run(
                json: JSONValue.object(request).serialized(), circumstances, input: input, onOutput: onOutput)
        }
    }

    private func judge(_ job: StormJob, _ result: ExecutionResult) -> StormReport.Wrong? {
        var reason: String?
        var limits = job.limits
        if case .source = job.work {
            // Those of the program are none of the draw's, and a language may need more memory for its compilation.
            limits = result.evidence.limits ?? limits
        } else if StormJudge.endedInCompilation(result) {
            limits = selftest.usualCompileLimits
        }
        if selftest.leaks(result).verdict != .contained {
            reason = "the witness's secret is in its output"
        } else if result.stdout.contains("finding\tESCAPED\t") {
            reason = result.stdout.split(separator: "\n").last.map(String.init)
        } else if !job.allows(result) {
            reason = result.message ?? "that is not it"
        } else {
            reason = StormJudge(result: result, limits: limits, cores: cores, timeScale: selftest.timeScale)
                .contradiction()
            if reason == nil, job.isNatural(result) { reason = job.check(result) ?? collection(job, result) }
        }
        guard let reason else { return nil }
        return .init(
            index: job.index, draw: job.text, expected: job.expectation, ending: OwnFinding.ending(of: result),
            reason: reason)
    }

    /// What is wrong with the files that an attack had collected, or nil.
    private func collection(_ job: StormJob, _ result: ExecutionResult) -> String? {
        guard case .attack(let attack) = job.work, attack.mode == .collect else { return nil }
        let judgement = selftest.collected(result, attack)
        if judgement.verdict == .contained { return nil }
        // Less than there is, on a host where the seconds for looking were over.
        if judgement.verdict == .unjudged, selftest.timeScale > 1, result.ranOutOfCollecting { return nil }
        return judgement.reason
    }

    // MARK: what is left

    /// Keeps a job in each slot at the same time.
    /// - Returns: what is wrong with the slots, a line for each.
    private func checkSlots() async throws -> [String] {
        var limits = Limits.standard
        limits.wallTimeMs = min(limits.wallTimeMs * selftest.timeScale, selftest.maxima.wallTimeMs)
        let jobs = try (0..<slots).map { _ in try HeldJob(selftest, ["--hold"], limits: limits) }
        var inPlace = 0
        for job in jobs where await job.isReady() { inPlace += 1 }
        var users: Set<UInt32> = []
        var left: [String] = []
        for job in jobs {
            let result = await job.release()
            users.insert(OwnFinding.slot(in: result.stdout))
            let events = result.evidence.events
            if result.status != .ok || events.oomKill + events.pidsMax > 0 || result.memoryBytes > 32 << 20 {
                left.append("a harmless job ended with \(OwnFinding.ending(of: result)), \(result.memoryBytes) bytes")
            }
        }
        if inPlace < slots || users.count < slots { left.append("\(users.count) of \(slots) slots work") }
        return left
    }

    /// Counts until every slot has its next sandbox parked and, where there is a baseline, nothing is above it, or the time is
    /// up: what a job leaves goes with some delay.
    private func settledFootprint(notAbove baseline: Footprint?) async throws -> Footprint {
        var footprint = try engine.footprint()
        var same = 1
        let first = ContinuousClock.now
        while ContinuousClock.now - first < .seconds(20 * selftest.timeScale) {
            try await Task.sleep(for: .milliseconds(50))
            let next = try engine.footprint()
            same = next.rows == footprint.rows ? same + 1 : 1
            footprint = next
            if let baseline, footprint.growth(since: baseline).isEmpty { break }
            if baseline == nil, same == 5 { break }
        }
        return footprint
    }
}

extension ExecutionResult {
    /// Whether the answer says that not every file was looked at, for want of time.
    var ranOutOfCollecting: Bool { files.contains { $0.skipped == SkipReason.outOfTime.words } }
}
