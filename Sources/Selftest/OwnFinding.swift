import Jobs

/// What an attack said about itself: exactly one line, and the exit code that goes with it. Silence, two lines, or an end
/// of any other kind is no answer.
struct OwnFinding {
    /// The finding.
    var judgement: Judgement
    /// The host's uid of the slot that it ran in; 0 where it did not say.
    var slot: UInt32
    /// What a first role has for the second one.
    var memo: String?

    private static let codes: [String: (code: Int, verdict: Finding.Verdict)] = [
        "CONTAINED": (40, .contained), "ESCAPED": (41, .escaped), "UNJUDGED": (42, .unjudged),
    ]

    init(_ result: ExecutionResult) {
        let lines = result.stdout.split(separator: "\n").map {
            $0.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        }
        slot = Self.slot(in: result.stdout)
        memo = lines.first { $0[0] == "memo" }.map { $0.dropFirst().joined(separator: "\t") }
        let findings = lines.filter { $0[0] == "finding" }
        let ending = Self.ending(of: result)
        guard result.status != .internalError else {
            judgement = .unjudged("the engine failed: \(result.message ?? "no message")")
            return
        }
        guard findings.count == 1, findings[0].count == 3, let known = Self.codes[findings[0][1]] else {
            judgement = .unjudged("\(findings.count) findings were said, and the job's end was \(ending)")
            return
        }
        // An attack that was at its limit of processes or disk and then ended by itself has said its code all the same.
        let endedByItself: Set<Status> = [.nonzeroExit, .processLimit, .diskLimit]
        guard endedByItself.contains(result.status), result.exitCode == known.code else {
            judgement = .unjudged("it said \(findings[0][1]) (\(findings[0][2])), but its end was \(ending)")
            return
        }
        judgement = Judgement(verdict: known.verdict, reason: findings[0][2])
        if known.verdict == .contained, let reason = Self.unrecorded(lines, result.evidence) {
            judgement = .escaped(reason)
        }
    }

    /// An error that the kernel gives looks like the filter's. What the filter refuses by a rule is in the evidence, so an
    /// attack's claim that it was refused there can be checked.
    /// - Returns: the call that was not recorded, or nil where all were.
    private static func unrecorded(_ lines: [[String]], _ evidence: Evidence) -> String? {
        var claimed: [String: Int] = [:]
        for line in lines where line.count == 2 && line[0] == "refused" { claimed[line[1], default: 0] += 1 }
        for (name, count) in claimed.sorted(by: { $0.key < $1.key }) {
            let recorded = evidence.deniedSyscalls.first { $0.name == name }?.count ?? 0
            if recorded < count { return "\(name) was refused by the kernel and not by the filter" }
        }
        return nil
    }

    /// A result's status with what goes with it: `signaled SIGKILL`.
    static func ending(of result: ExecutionResult) -> String {
        switch result.status {
        case .nonzeroExit: "\(result.status.rawValue) \(result.exitCode ?? -1)"
        case .signaled: "\(result.status.rawValue) \(result.signal ?? "?")"
        default: result.status.rawValue
        }
    }

    /// The uid that the attack's first line names.
    static func slot(in output: String) -> UInt32 {
        for line in output.prefix(256).split(separator: "\n") where line.hasPrefix("slot\t") {
            return UInt32(line.dropFirst(5)) ?? 0
        }
        return 0
    }
}
