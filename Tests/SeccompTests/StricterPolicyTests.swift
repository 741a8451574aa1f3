import Seccomp
import Testing

/// compiled.json and compiler.json: call by call, and never more than default.json.
@Suite struct StricterPolicyTests {
    private static let eperm = BPFInterpreter.Verdict.errno(1)
    private static let enosys = BPFInterpreter.Verdict.errno(38)
    private static let all: [UInt64] = [.max, .max, .max, .max, .max, .max]

    private func expect(
        _ filter: BPFInterpreter, _ name: String, _ number: UInt32, _ verdict: BPFInterpreter.Verdict
    ) throws {
        #expect(try filter.run(.init(number: number)) == verdict, "\(name)")
        #expect(try filter.run(.init(number: number, arguments: Self.all)) == verdict, "\(name)")
    }

    @Test func compiledProgramsGetWhatTheTableSays() throws {
        let filter = try PolicyFiles.filter("compiled")
        var withdrawn: [String: UInt32] = [:]
        for (errno, names) in StricterCalls.withdrawnFromCompiled {
            for name in names { withdrawn[name] = errno }
        }
        #expect(Set(withdrawn.keys).isSubset(of: ExpectedCalls.allowed.keys))
        for (name, number) in ExpectedCalls.allowed where name != "timer_create" {
            try expect(filter, name, number, withdrawn[name].map { .errno($0) } ?? .allow)
        }
        for (name, number) in ExpectedCalls.denied { try expect(filter, name, number, Self.eperm) }
        for (name, number) in ExpectedCalls.absent { try expect(filter, name, number, Self.enosys) }
        try expect(filter, "personality", 135, Self.eperm)
        for number: UInt32 in [335, 423, 470, 500, 1000] { try expect(filter, "\(number)", number, Self.enosys) }
    }

    @Test func compilersGetWhatTheTableSays() throws {
        let filter = try PolicyFiles.filter("compiler")
        #expect(StricterCalls.allowedToCompilers.isSubset(of: ExpectedCalls.allowed.keys))
        let conditional: Set<String> = ["clone", "fcntl", "ioctl", "prctl", "socketpair"]
        for (name, number) in ExpectedCalls.allowed.merging(
            ExpectedCalls.conditional, uniquingKeysWith: { first, _ in first })
        where !conditional.contains(name) {
            let verdict: BPFInterpreter.Verdict =
                if StricterCalls.allowedToCompilers.contains(name) {
                    .allow
                } else if StricterCalls.refusedToCompilers.contains(name) {
                    Self.eperm
                } else if name == "socket" {
                    .errno(97)
                } else {
                    Self.enosys
                }
            try expect(filter, name, number, verdict)
        }
        for (name, number) in ExpectedCalls.denied { try expect(filter, name, number, Self.eperm) }
        for (name, number) in ExpectedCalls.absent { try expect(filter, name, number, Self.enosys) }
    }

    /// Whatever default.json refuses, for whatever arguments, the stricter ones refuse too.
    @Test(arguments: ["compiled", "compiler"]) func neverMoreThanDefault(name: String) throws {
        let policies = [try PolicyFiles.policy("default"), try PolicyFiles.policy(name)]
        let filters = try policies.map { BPFInterpreter(try $0.compile().bytes) }
        var random = SystemRandomNumberGenerator()
        for number in Int32(0)...600 {
            let conditions = policies.flatMap(\.rules).filter { $0.number == number }.flatMap(\.conditions)
            for _ in 0..<(conditions.isEmpty ? 2 : 400) {
                let arguments = (UInt32(0)..<6).map { index in
                    let value = conditions.filter { $0.index == index }.randomElement(using: &random)?.value ?? 0
                    return [
                        value, value | 1 << UInt64.random(in: 0..<64), .random(in: 0..<100),
                        .random(in: 0...UInt64.max),
                    ]
                    .randomElement(using: &random) ?? 0
                }
                let call = BPFInterpreter.Call(number: UInt32(number), arguments: arguments)
                let notify = BPFInterpreter.Verdict.other(0x7FC0_0000)
                switch try filters[1].run(call) {
                case .allow: #expect(try filters[0].run(call) == .allow, "\(number) \(arguments)")
                case notify: #expect(try [.allow, notify].contains(filters[0].run(call)), "\(number) \(arguments)")
                default: break
                }
            }
        }
    }

    @Test(arguments: ["compiled", "compiler"]) func noNamespacesNoForeignMachine(name: String) throws {
        let filter = try PolicyFiles.filter(name)
        for upper: UInt64 in [0, 1 << 32] {
            #expect(try filter.run(.init(number: 56, arguments: [upper | 0x003D_0F00])) == .allow)
            for bit: UInt64 in [0x80, 0x20000, 0x1000_0000, 0x4000_0000] {
                #expect(try filter.run(.init(number: 56, arguments: [upper | bit | 0x11])) == Self.eperm)
            }
        }
        for number in UInt32(0)...500 {
            #expect(try filter.run(.init(number: number | 0x4000_0000)) == .killProcess)
            let call = BPFInterpreter.Call(number: number, architecture: BPFInterpreter.Call.i386)
            #expect(try filter.run(call) == .killProcess)
        }
    }

    @Test func timersAreOfTheClocksOfTheWall() throws {
        let filter = try PolicyFiles.filter("compiled")
        for upper: UInt64 in [0, 1 << 32, 0xFFFF_FFFF << 32] {
            for clock: UInt64 in [0, 1, 7] {
                #expect(try filter.run(.init(number: 222, arguments: [upper | clock])) == .allow, "\(clock)")
            }
            // The process's CPU clock, the thread's, and clocks of others: ~pid << 3 | 2.
            for clock: UInt64 in [2, 3, 0xFFFF_FFFA, 0xFFFF_F002, 0x8000_0000] {
                #expect(try filter.run(.init(number: 222, arguments: [upper | clock])) == .errno(95), "\(clock)")
            }
        }
    }

    @Test func compilersHaveNoSocketButAPair() throws {
        let filter = try PolicyFiles.filter("compiler")
        #expect(try filter.run(.init(number: 53, arguments: [1, 0x80001])) == .allow)
        #expect(try filter.run(.init(number: 53, arguments: [2, 1])) != .allow)
        #expect(try filter.run(.init(number: 53, arguments: [1, 2])) != .allow)
        for family: UInt64 in [1, 2, 10, 16, 38, 40] {
            #expect(try filter.run(.init(number: 41, arguments: [family, 1])) == .errno(97), "\(family)")
        }
    }

    /// A call more, or an instruction more for every job, is to be noticed and argued for.
    @Test(arguments: ["default", "compiled", "compiler", "init"]) func theReadmeCountsRight(name: String) throws {
        let policy = try PolicyFiles.policy(name)
        let row = try #require(try PolicyFiles.readme().first { $0.hasPrefix("| `\(name).json` |") })
        let columns = row.split(separator: "|").map { $0.filter { $0 != " " } }
        try #require(columns.count >= 4)
        let summary = policy.summary
        #expect(columns[1] == "\(summary.allowed.count)", "calls allowed")
        #expect(columns[2] == "\(summary.conditional.count)", "calls allowed by their arguments")
        let program = try policy.compile()
        #expect(columns[3] == "\(program.instructionCount)", "BPF instructions")
        #expect(program.warnings.isEmpty)
    }
}
