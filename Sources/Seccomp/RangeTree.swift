/// A filter as a binary search over the numbers of system calls: neighbours with the same answer are one range.
///
/// The kernel checks, translates and tries out a filter for every job that loads it, which costs by the instruction and by
/// the steps to each answer; libseccomp's own tree has a leaf for each call. What a filter answers is the same, which a
/// test holds against libseccomp's.
struct RangeTree {
    /// `struct sock_filter` of linux/filter.h, one a number: code, two jumps, a constant.
    private(set) var instructions: [UInt64] = []

    /// Where a range of numbers leads.
    private indirect enum Target: Equatable {
        case answer(UInt32)
        /// The rules of a call, which look at its arguments; the first that applies counts.
        case checks([Check])
    }

    /// A rule without the call that it is for: calls with the same ones share their instructions.
    private struct Check: Equatable {
        let conditions: [ArgumentCondition]
        let answer: UInt32
    }

    private let defaultAnswer: UInt32

    /// - Parameters:
    ///   - rules: by `SeccompPolicy`, without contradictions.
    ///   - defaultAction: for calls that no rule applies to.
    init(rules: [SeccompRule], defaultAction: SeccompAction) {
        defaultAnswer = defaultAction.libseccompValue
        let killed = SeccompAction.killProcess.libseccompValue
        let starts = Self.ranges(of: rules, default: defaultAnswer, killed: killed)
        // struct seccomp_data: the number is its first word, the architecture its second. AUDIT_ARCH_X86_64 of linux/audit.h.
        instructions = [
            Self.load(4), Self.jump(.equal, 0xC000_003E, ifTrue: 1, ifFalse: 0), Self.answer(killed), Self.load(0),
        ]
        instructions += code(for: starts[...])
    }

    /// The first number of every range and where it leads, in order from 0.
    private static func ranges(
        of rules: [SeccompRule], default defaultAnswer: UInt32, killed: UInt32
    ) -> [(start: UInt32, target: Target)] {
        var targets: [(start: UInt32, target: Target)] = [(0, .answer(defaultAnswer))]
        func append(_ start: UInt32, _ target: Target) {
            if targets.last?.start == start { targets.removeLast() }
            if targets.last?.target != target { targets.append((start, target)) }
        }
        let byNumber = Dictionary(grouping: rules) { UInt32(bitPattern: $0.number) }
        for (number, rules) in byNumber.sorted(by: { $0.key < $1.key }) {
            if let always = rules.first(where: { $0.conditions.isEmpty }) {
                append(number, .answer(always.action.libseccompValue))
            } else {
                append(
                    number,
                    .checks(rules.map { Check(conditions: $0.conditions, answer: $0.action.libseccompValue) }))
            }
            append(number + 1, .answer(defaultAnswer))
        }
        // The x32 calls have bit 30. All bits are the number of a call that a tracer has taken out (seccomp(2)).
        append(0x4000_0000, .answer(killed))
        append(0xFFFF_FFFF, .answer(defaultAnswer))
        return targets
    }

    // MARK: the tree

    /// A conditional jump's distance has eight bits.
    private static let farthest = 255

    private func code(for ranges: ArraySlice<(start: UInt32, target: Target)>) -> [UInt64] {
        if let whole = compact(ranges) { return whole }
        let middle = ranges.startIndex + ranges.count / 2
        let lower = code(for: ranges[..<middle])
        let upper = code(for: ranges[middle...])
        return [Self.jump(.greaterOrEqual, ranges[middle].start, ifTrue: 0, ifFalse: 1), Self.jump(by: lower.count)]
            + lower + upper
    }

    /// All comparisons first and then each target once; nil where that is too long for the jumps.
    private func compact(_ ranges: ArraySlice<(start: UInt32, target: Target)>) -> [UInt64]? {
        var targets: [Target] = []
        for range in ranges where !targets.contains(range.target) { targets.append(range.target) }
        var bodies: [[UInt64]] = []
        var places: [Int] = []
        var end = ranges.count - 1
        for target in targets {
            places.append(end)
            bodies.append(body(of: target))
            end += bodies.last?.count ?? 0
        }
        var isNear = true
        var comparisons = [UInt64](repeating: 0, count: ranges.count - 1)
        var next = 0
        /// Puts the comparisons for some ranges at `next`, and says where they begin.
        func place(_ ranges: ArraySlice<(start: UInt32, target: Target)>) -> Int {
            if ranges.count <= 1 {
                return ranges.first.flatMap { targets.firstIndex(of: $0.target) }.map { places[$0] } ?? 0
            }
            let here = next
            next += 1
            let middle = ranges.startIndex + ranges.count / 2
            let distances = [place(ranges[middle...]), place(ranges[..<middle])].map { $0 - here - 1 }
            guard distances.allSatisfy({ (0...Self.farthest).contains($0) }) else {
                isNear = false
                return here
            }
            comparisons[here] = Self.jump(
                .greaterOrEqual, ranges[middle].start, ifTrue: distances[0], ifFalse: distances[1])
            return here
        }
        _ = place(ranges)
        return isNear ? comparisons + bodies.joined() : nil
    }

    private func body(of target: Target) -> [UInt64] {
        switch target {
        case .answer(let value): [Self.answer(value)]
        case .checks(let checks): code(for: checks) + [Self.answer(defaultAnswer)]
        }
    }

    // MARK: the arguments

    /// What several rules look at, each for a value of its own: one argument, under one mask, with the same upper half.
    private struct Word: Hashable {
        let index: UInt32
        let mask: UInt64
        let upper: UInt32
        let answer: UInt32
    }

    /// All rules of a call. Rules that can both apply have the same answer, so their order does not count, and those that
    /// compare the same bits are one chain of comparisons.
    private func code(for checks: [Check]) -> [UInt64] {
        var order: [Word] = []
        var values: [Word: [UInt32]] = [:]
        var others: [Check] = []
        for check in checks {
            guard check.conditions.count == 1, let condition = check.conditions.first, let mask = condition.mask,
                UInt32(truncatingIfNeeded: mask) != 0
            else {
                others.append(check)
                continue
            }
            let word = Word(
                index: condition.index, mask: mask, upper: UInt32(condition.value >> 32), answer: check.answer)
            if values[word] == nil { order.append(word) }
            values[word, default: []].append(UInt32(truncatingIfNeeded: condition.value))
        }
        var code: [UInt64] = []
        for word in order {
            var rest = (values[word] ?? [])[...]
            while !rest.isEmpty {
                let some = rest.prefix(Self.farthest - 10)
                rest = rest.dropFirst(some.count)
                code += chain(word, Array(some))
            }
        }
        for check in others { code += self.code(for: check) }
        return code
    }

    /// The answer where the argument's bits are one of `values`, else on to what follows.
    private func chain(_ word: Word, _ values: [UInt32]) -> [UInt64] {
        let offset = 16 + 8 * word.index
        let lowerMask = UInt32(truncatingIfNeeded: word.mask)
        var lower = [Self.load(offset)]
        if lowerMask != .max { lower.append(Self.and(lowerMask)) }
        for (position, value) in values.enumerated() {
            let left = values.count - position - 1
            lower.append(Self.jump(.equal, value, ifTrue: left, ifFalse: left == 0 ? 1 : 0))
        }
        lower.append(Self.answer(word.answer))
        let upperMask = UInt32(word.mask >> 32)
        guard upperMask != 0 else { return lower }
        return [Self.load(offset + 4)] + (upperMask == .max ? [] : [Self.and(upperMask)])
            + [Self.jump(.equal, word.upper, ifTrue: 0, ifFalse: lower.count)] + lower
    }

    /// Where a comparison leads.
    private enum Exit { case next, holds, fails }

    private struct Comparison {
        var instruction: UInt64
        var exits: (ifTrue: Exit, ifFalse: Exit)?
    }

    /// One rule: its answer where all its conditions hold, else on to what follows.
    private func code(for check: Check) -> [UInt64] {
        let parts = check.conditions.map(Self.comparisons)
        let length = parts.reduce(0) { $0 + $1.count }
        var code: [UInt64] = []
        var begin = 0
        for part in parts {
            let end = begin + part.count
            for (offset, comparison) in part.enumerated() {
                func distance(_ exit: Exit) -> Int {
                    switch exit {
                    case .next: 0
                    case .holds: end - begin - offset - 1
                    case .fails: length + 1 - begin - offset - 1
                    }
                }
                var instruction = comparison.instruction
                if let exits = comparison.exits {
                    instruction |= UInt64(distance(exits.ifTrue)) << 16 | UInt64(distance(exits.ifFalse)) << 24
                }
                code.append(instruction)
            }
            begin = end
        }
        return code + [Self.answer(check.answer)]
    }

    /// One condition of 64 bits on a machine of 32.
    private static func comparisons(_ condition: ArgumentCondition) -> [Comparison] {
        // The arguments begin at the fourth word, the lower half of each first.
        let lower = 16 + 8 * condition.index
        let (high, low) = (UInt32(condition.value >> 32), UInt32(truncatingIfNeeded: condition.value))
        func load(_ offset: UInt32) -> Comparison { Comparison(instruction: Self.load(offset)) }
        func test(_ test: Test, _ value: UInt32, _ ifTrue: Exit, _ ifFalse: Exit) -> Comparison {
            Comparison(instruction: jump(test, value, ifTrue: 0, ifFalse: 0), exits: (ifTrue, ifFalse))
        }
        let upper = load(lower + 4)
        switch condition.comparison {
        case .equal:
            return [upper, test(.equal, high, .next, .fails), load(lower), test(.equal, low, .holds, .fails)]
        case .notEqual:
            return [upper, test(.equal, high, .next, .holds), load(lower), test(.equal, low, .fails, .holds)]
        case .less:
            return [
                upper, test(.greater, high, .fails, .next), test(.equal, high, .next, .holds), load(lower),
                test(.greaterOrEqual, low, .fails, .holds),
            ]
        case .lessOrEqual:
            return [
                upper, test(.greater, high, .fails, .next), test(.equal, high, .next, .holds), load(lower),
                test(.greater, low, .fails, .holds),
            ]
        case .greater:
            return [
                upper, test(.greater, high, .holds, .next), test(.equal, high, .next, .fails), load(lower),
                test(.greater, low, .holds, .fails),
            ]
        case .greaterOrEqual:
            return [
                upper, test(.greater, high, .holds, .next), test(.equal, high, .next, .fails), load(lower),
                test(.greaterOrEqual, low, .holds, .fails),
            ]
        case .maskedEqual(let mask):
            var code: [Comparison] = []
            for (offset, mask, value) in [
                (lower + 4, UInt32(mask >> 32), high), (lower, UInt32(truncatingIfNeeded: mask), low),
            ] where mask != 0 {
                code.append(load(offset))
                if mask != .max { code.append(Comparison(instruction: and(mask))) }
                code.append(test(.equal, value, .next, .fails))
            }
            return code
        }
    }

    // MARK: the instructions

    /// BPF_JMP | BPF_K with one of BPF_JEQ, BPF_JGT, BPF_JGE (linux/bpf_common.h).
    private enum Test: UInt64 {
        case equal = 0x15
        case greater = 0x25
        case greaterOrEqual = 0x35
    }

    private static func load(_ offset: UInt32) -> UInt64 { 0x20 | UInt64(offset) << 32 }

    private static func and(_ mask: UInt32) -> UInt64 { 0x54 | UInt64(mask) << 32 }

    private static func answer(_ value: UInt32) -> UInt64 { 0x06 | UInt64(value) << 32 }

    private static func jump(by distance: Int) -> UInt64 { 0x05 | UInt64(distance) << 32 }

    private static func jump(_ test: Test, _ value: UInt32, ifTrue: Int, ifFalse: Int) -> UInt64 {
        test.rawValue | UInt64(ifTrue) << 16 | UInt64(ifFalse) << 24 | UInt64(value) << 32
    }
}
