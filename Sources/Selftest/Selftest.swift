import Foundation
import Isolation
import Jobs
import Worker

/// Runs attacks in the engine as it is, and judges them. Nothing is taken on trust: an attack that does not answer, or
/// ends in a way that does not go with its answer, is not contained.
public actor Selftest {
    let program: AttackProgram
    let witness: Witness
    let watched: WatchedFiles
    let runner: JobRunner
    /// For sources: every compilation under the attack's own limits, so that a bomb goes off soon.
    let makeRunner: @Sendable (Limits) -> JobRunner
    let languages: ServedLanguages
    let maxima: Limits
    let timeScale: Int
    let variables: [String: String]
    /// Whether the attacks are programs of a shell that was started before them.
    let startsAhead: Bool
    /// How often a slot has run a job of the attack at hand that was started ahead, by the host's uid of its jobs.
    private var aheadStarts: [UInt32: Int] = [:]
    /// The host's uids of the slots that attacks ran in.
    var users: Set<UInt32> = []
    /// Whether a harmless source compiles and runs; nil until it was tried.
    var languageControls: [String: Judgement] = [:]

    /// - Parameters:
    ///   - engine: with two slots, and the default image alone or first.
    ///   - languages: what its images hold.
    ///   - maxima: the most that a job may have there.
    ///   - program: the attacks.
    ///   - witness: what they must not reach.
    ///   - watched: what they must not change.
    ///   - launcher: the launcher's binary, which some attacks look for.
    ///   - timeScale: how many times slower than usual this host is.
    ///   - startsAhead: whether the attacks are programs of a shell that was started before them; the engine must do so.
    public init(
        engine: Engine, languages: ServedLanguages, maxima: Limits, program: AttackProgram, witness: Witness,
        watched: WatchedFiles, launcher: String, timeScale: Int,
        startsAhead: Bool = false
    ) {
        self.program = program
        self.witness = witness
        self.watched = watched
        self.languages = languages
        self.maxima = maxima
        self.timeScale = timeScale
        self.startsAhead = startsAhead
        makeRunner = { compileLimits in
            JobRunner(
                engine: engine, languages: languages, maxima: maxima, compileLimits: compileLimits, worker: "selftest")
        }
        runner = makeRunner(.compile)
        variables = witness.variables.merging(["ATTACK_LAUNCHER": launcher]) { _, own in own }
    }

    /// Runs one attack and judges it, with what the witness saw.
    public func run(_ attack: Attack) async -> Finding {
        let start = ContinuousClock.now
        var judgement: Judgement
        do {
            judgement = try await judge(attack)
            if startsAhead, attack.mode != .source { judgement = try await judgeAgain(attack, after: judgement) }
        } catch {
            judgement = .unjudged("\(error)")
        }
        let seen = await witness.judge()
        return finding(judgement.and(seen), group: attack.group, name: attack.name, what: attack.what, since: start)
    }

    private func judge(_ attack: Attack) async throws -> Judgement {
        switch attack.mode {
        case .alone: try await judgeAlone(attack)
        case .outside: try await judgeFromOutside(attack)
        case .pair: try await judgePair(attack)
        case .sequel: try await judgeSequel(attack)
        case .verdict: try await judgeVerdict(attack)
        case .source: try await judgeSource(attack)
        case .collect: try await judgeCollect(attack)
        }
    }

    /// Tries the attack until one slot has had it twice in what was started ahead: what the first left there the second could
    /// use.
    private func judgeAgain(_ attack: Attack, after first: Judgement) async throws -> Judgement {
        var judgement = first
        aheadStarts = [:]
        for _ in 0..<8 {
            if judgement.verdict != .contained || aheadStarts.values.contains(where: { $0 >= 2 }) { return judgement }
            judgement = try await judge(attack)
        }
        return .unjudged("no slot had it twice in what was started ahead")
    }

    /// What all attacks together have left behind: looked at once, when they are over.
    public func afterwards() async -> Finding {
        let start = ContinuousClock.now
        let slots = await slotsWork()
        let judgement = watched.judge().and(nothingAlive()).and(slots)
        return finding(
            judgement, group: "afterwards", name: "left-behind",
            what: "change a file outside, leave a process or spoil a slot, all attacks together", since: start)
    }

    private func finding(
        _ judgement: Judgement, group: String, name: String, what: String, since start: ContinuousClock.Instant
    ) -> Finding {
        let time = (ContinuousClock.now - start).components
        return Finding(
            group: group, name: name, what: what, verdict: judgement.verdict, reason: judgement.reason,
            milliseconds: Double(time.seconds) * 1_000 + Double(time.attoseconds) / 1e15)
    }

    // MARK: jobs

    func limits(of attack: Attack, from standard: Limits = .standard) throws -> Limits {
        var limits = standard
        limits.wallTimeMs = min(standard.wallTimeMs * timeScale, maxima.wallTimeMs)
        limits.cpuTimeMs = min(standard.cpuTimeMs * timeScale, maxima.cpuTimeMs)
        try LimitText.apply(attack.limits ?? "", to: &limits, timeScale: timeScale)
        limits.wallTimeMs = min(limits.wallTimeMs, maxima.wallTimeMs)
        limits.cpuTimeMs = min(limits.cpuTimeMs, maxima.cpuTimeMs)
        return limits
    }

    /// Runs the attack program in a sandbox.
    func job(
        _ arguments: [String], limits: Limits, environment: [String: String] = [:], collect: [String] = [],
        input: SandboxConfiguration.Input = .bytes([]), onOutput: OutputObserver? = nil
    ) async -> ExecutionResult {
        let result = await run(
            ["/box/attack"] + arguments, environment: variables.merging(environment) { _, own in own },
            files: [.init(path: "attack", contents: program.contents, isExecutable: true)], limits: limits,
            collect: collect, input: input, onOutput: onOutput)
        let slot = OwnFinding.slot(in: result.stdout)
        if slot != 0 { users.insert(slot) }
        if result.evidence.start == .prestarted { aheadStarts[slot, default: 0] += 1 }
        return result
    }

    private func run(
        _ command: [String], environment: [String: String], files: [SandboxConfiguration.File], limits: Limits,
        collect: [String], input: SandboxConfiguration.Input, onOutput: OutputObserver?
    ) async -> ExecutionResult {
        guard startsAhead else {
            return await runner.run(
                command: command, image: 0, environment: environment, limits: limits, files: files, collect: collect,
                input: input, .init(id: JobID().description), onOutput: onOutput)
        }
        // The shell is the same for all of them, and becomes what is to be run, without variables of its own.
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let script = "exec /usr/bin/env -i \((variables + command).map(quoted).joined(separator: " "))\n"
        return await runner.run(
            command: ["/usr/bin/bash", Self.script], image: 0, environment: [:], limits: limits,
            files: files + [.init(path: Self.script, contents: Array(script.utf8))], collect: collect,
            ahead: .init(opens: Self.script, limits: Limits.standard.resources), input: input,
            .init(id: JobID().description), onOutput: onOutput)
    }

    private static let script = "main.sh"

    /// As one word of a shell.
    private nonisolated func quoted(_ text: String) -> String {
        "'\(text.replacingOccurrences(of: "'", with: #"'\''"#))'"
    }

    // MARK: what must hold after every attack

    /// No output has the secret in it.
    nonisolated func leaks(_ result: ExecutionResult) -> Judgement {
        let texts = [result.stdout, result.stderr, result.compile?.stdout ?? "", result.compile?.stderr ?? ""]
        return texts.contains { $0.contains(witness.canary) }
            ? .escaped("the witness's secret is in the job's output") : .contained("")
    }

    /// No process of an attack lives on.
    func nothingAlive() -> Judgement {
        var left = unexpected()
        if !left.isEmpty {
            // The next sandbox has no name of its own until it is parked; what lives on is there after that too.
            usleep(100_000)
            // By its name of then: where programs are started ahead it has become one of those.
            let seen = Set(left.map(\.pid))
            left = unexpected().filter { seen.contains($0.pid) }
        }
        guard let first = left.first else { return .contained("") }
        return .escaped(
            "\(left.count) processes live on, such as \(first.command) (pid \(first.pid), uid \(first.user))")
    }

    /// The processes of attacks, without those that wait for a job.
    private func unexpected() -> [HostProcess] {
        var left = HostProcess.attacks(of: users)
        if startsAhead {
            // One a slot waits for its job there. An attack has the name of its own file.
            for user in users {
                if let waiting = left.firstIndex(where: { $0.user == user && $0.isMain("bash") }) {
                    left.remove(at: waiting)
                }
            }
        }
        return left
    }

    /// Both slots, so the one that was just used too, run a harmless program as if nothing had been.
    func slotsWork() async -> Judgement {
        async let first = harmless()
        async let second = harmless()
        let both = await (first, second)
        return both.0.and(both.1)
    }

    private func harmless() async -> Judgement {
        var limits = Limits.standard
        limits.wallTimeMs = min(limits.wallTimeMs * timeScale, maxima.wallTimeMs)
        let result = await run(
            ["/bin/sh", "-c", "echo fine"], environment: [:], files: [], limits: limits, collect: [], input: .bytes([]),
            onOutput: nil)
        guard result.status == .ok, result.stdout == "fine\n" else {
            return .escaped(
                "a harmless job afterwards ended with \(OwnFinding.ending(of: result)) \(result.message ?? "")")
        }
        let events = result.evidence.events
        guard events.oomKill == 0, events.pidsMax == 0, result.memoryBytes < 32 << 20 else {
            return .escaped(
                "a harmless job afterwards was charged with what was before it: \(result.memoryBytes) bytes")
        }
        return .contained("")
    }
}
