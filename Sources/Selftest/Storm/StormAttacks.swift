import Jobs

extension StormDraw {
    /// An attack under random limits: its own ones are made smaller at most, the rest stays ample, and one of them, or a
    /// cancellation, may come before what the attack is about.
    func attack(_ attack: Attack, _ index: Int, _ random: inout StormRandom) throws -> StormJob {
        var limits = ample(&random)
        try LimitText.apply(attack.limits ?? "", to: &limits, timeScale: 1)
        var job = StormJob(
            index: index, name: attack.name, work: .attack(attack), limits: limits, natural: [],
            check: { _ in nil })
        switch attack.mode {
        case .verdict:
            job.natural = Set(attack.expect?.alternatives ?? [])
            shrink(&job.limits, attack, &random)
            let share = attack.cpuPercent
            if share > 0 {
                job.check = { result in
                    // A share can only be told over some periods of the quota.
                    result.wallTimeMs >= 500 && result.cpuTimeMs * 100 > result.wallTimeMs * Double(share)
                        ? "it got \(result.cpuTimeMs) ms of CPU in \(result.wallTimeMs) ms" : nil
                }
            }
        case .collect:
            job.collect = (attack.collect ?? "").split(separator: " ").map(String.init)
            job.natural = Set(attack.expect?.alternatives ?? [])
        default:
            // It may have touched a limit of processes or of the disk before it said its finding.
            job.natural = [
                "\(Status.nonzeroExit.rawValue) 40", Status.processLimit.rawValue, Status.diskLimit.rawValue,
            ]
        }
        let isAlone = attack.mode == .alone
        var twists: [Twist] = isAlone ? Twist.allCases : [.wall, .cpu, .output, .cancel]
        // What it sets itself it needs for what it tries.
        let own = attack.limits ?? ""
        twists.removeAll { $0 == .processes && own.contains("processes") || $0 == .memory && own.contains("memory") }
        let twist = twist(&job, &random, allowed: twists)
        if twist == .output {
            // Each begins with a line that is longer, so its own end comes too late. Only what outranks output can be the
            // verdict besides.
            let outranking: Set = [
                Status.cpuTimeLimit.rawValue, Status.wallTimeLimit.rawValue, Status.processLimit.rawValue,
            ]
            job.natural = isAlone ? [] : job.natural.intersection(outranking)
        }
        if isAlone {
            // What it cannot try for want of memory or processes it cannot judge.
            let mayGiveUp = twist == .memory || twist == .processes
            if mayGiveUp { job.natural.insert("\(Status.nonzeroExit.rawValue) 42") }
            let mayRunOut = twist == .wall || twist == .cpu
            job.check = { result in
                // Ended for time with its limit of processes touched: it never came to say anything.
                if mayRunOut, result.status == .processLimit, result.exitCode == nil { return nil }
                let finding = OwnFinding(result).judgement
                if finding.verdict == .contained { return nil }
                return mayGiveUp && finding.verdict == .unjudged && Self.touchedLimit(result) ? nil : finding.reason
            }
        }
        return job
    }

    /// A source text, compiled under random limits.
    func source(_ attack: Attack, _ index: Int, _ random: inout StormRandom) throws -> StormJob {
        var limits = Limits.compile
        limits.wallTimeMs = maxima.wallTimeMs
        limits.cpuTimeMs = min(limits.cpuTimeMs * timeScale, maxima.cpuTimeMs)
        try LimitText.apply(attack.limits ?? "", to: &limits, timeScale: 1)
        // The wall time that stands there is for a compiler that has a processor to itself.
        limits.wallTimeMs = maxima.wallTimeMs
        limits.cpuTimeMs = max(random.number(in: limits.cpuTimeMs / 2...limits.cpuTimeMs), 1)
        limits.outputBytes = random.number(in: 1 << 10...64 << 10)
        let never = attack.never?.alternatives ?? []
        return StormJob(
            index: index, name: attack.name, work: .source(attack), limits: limits,
            natural: Set(attack.expect?.alternatives ?? []),
            check: { result in
                let said = (result.compile.map { $0.stdout + $0.stderr } ?? "") + result.stdout + result.stderr
                return never.first { said.contains($0) }.map { "the output has \($0) in it" }
            })
    }

    /// Whether the kernel refused the job something, so that it may have failed for that.
    private static func touchedLimit(_ result: ExecutionResult) -> Bool {
        result.evidence.events.pidsMax > 0 || result.evidence.events.oomKill > 0
            || result.memoryBytes * 10 >= (result.evidence.limits?.memoryBytes ?? .max) * 9
    }

    /// Makes the limit that the attack runs into smaller still, by half at the most.
    private func shrink(_ limits: inout Limits, _ attack: Attack, _ random: inout StormRandom) {
        func smaller(_ value: Int) -> Int { random.number(in: (value + 1) / 2...value) }
        switch attack.expect {
        case Status.cpuTimeLimit.rawValue: limits.cpuTimeMs = smaller(limits.cpuTimeMs)
        case Status.wallTimeLimit.rawValue where attack.cpuPercent == 0: limits.wallTimeMs = smaller(limits.wallTimeMs)
        case Status.memoryLimit.rawValue: limits.memoryBytes = smaller(limits.memoryBytes)
        case Status.processLimit.rawValue: limits.processes = smaller(limits.processes)
        case Status.outputLimit.rawValue: limits.outputBytes = smaller(limits.outputBytes)
        default: break
        }
    }
}
