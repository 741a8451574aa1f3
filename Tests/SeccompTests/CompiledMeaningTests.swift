import Seccomp
import Testing

/// The filter does what the rules say: both are asked about many calls, and must agree. libseccomp merges the conditions
/// of a system call into one tree of comparisons, so this is not a matter of course.
@Suite struct CompiledMeaningTests {
    @Test(arguments: ["default", "compiled", "compiler", "init"]) func agreesWithTheRules(name: String) throws {
        let policy = try PolicyFiles.policy(name)
        try compare(policy, rounds: 200)
    }

    @Test func agreesForEveryComparison() throws {
        let operators = ["EQ", "NE", "LT", "LE", "GT", "GE"]
        for (index, name) in operators.enumerated() {
            let json = """
                {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": \(index), "value": 4294967299, "op": "SCMP_CMP_\(name)"}]}]}
                """
            try compare(SeccompPolicy(json: json.utf8), rounds: 2000)
        }
    }

    private func compare(_ policy: SeccompPolicy, rounds: Int) throws {
        let filter = BPFInterpreter(try policy.compile().bytes)
        var random = SplitMix(state: 0x5EED)
        let byNumber = Dictionary(grouping: policy.rules, by: \.number)
        for (number, rules) in byNumber {
            let conditions = rules.flatMap(\.conditions)
            for _ in 0..<(conditions.isEmpty ? 2 : rounds) {
                let arguments = (UInt32(0)..<6).map { index in
                    argument(like: conditions.filter { $0.index == index }, using: &random)
                }
                let verdict = try filter.run(.init(number: UInt32(number), arguments: arguments))
                let expected = meaning(of: policy, number: number, arguments: arguments)
                #expect(verdict == expected, "\(rules[0].syscall) \(arguments)")
            }
        }
    }

    /// A value near what the conditions compare with: theirs, with bits flipped or one added, or anything.
    private func argument(like conditions: [ArgumentCondition], using random: inout SplitMix) -> UInt64 {
        guard let condition = conditions.randomElement(using: &random) else { return random.next() }
        switch random.next() % 6 {
        case 0: return condition.value
        case 1: return condition.value ^ 1 << (random.next() % 64)
        case 2: return condition.value &+ 1
        case 3: return condition.value &- 1
        case 4: return condition.value | random.next() << 32
        default: return random.next() & random.next() & random.next()
        }
    }

    /// What the rules say about a call, read directly.
    private func meaning(
        of policy: SeccompPolicy, number: Int32, arguments: [UInt64]
    ) -> BPFInterpreter.Verdict {
        let rule = policy.rules.first { rule in
            rule.number == number && rule.conditions.allSatisfy { holds($0, arguments[Int($0.index)]) }
        }
        switch rule?.action ?? policy.defaultAction {
        case .allow: return .allow
        case .errno(let value): return .errno(UInt32(value))
        case .killProcess: return .killProcess
        case .log: return .other(0x7FFC_0000)
        case .notify: return .other(0x7FC0_0000)
        case .trap: return .other(0x0003_0000)
        case .killThread: return .other(0)
        }
    }

    private func holds(_ condition: ArgumentCondition, _ argument: UInt64) -> Bool {
        switch condition.comparison {
        case .equal: argument == condition.value
        case .notEqual: argument != condition.value
        case .less: argument < condition.value
        case .lessOrEqual: argument <= condition.value
        case .greater: argument > condition.value
        case .greaterOrEqual: argument >= condition.value
        case .maskedEqual(let mask): argument & mask == condition.value
        }
    }
}

/// A small generator with a fixed seed, so that a failure can be repeated (Steele, Lea, Flood: SplitMix64).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
