import Linux
import Testing

@testable import Seccomp

/// The machine that the launcher answers by, beside the tests' own: both must read every filter alike.
@Suite("The launcher's reading of a filter")
struct FilterProgramTests {
    private static func program(_ bytes: [UInt8]) -> FilterProgram {
        FilterProgram(
            instructions: stride(from: 0, to: bytes.count, by: 8).map { offset in
                bytes[offset..<(offset + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            })
    }

    private static func call(_ number: UInt32, _ arguments: [UInt64]) -> FilterProgram.Call {
        var words = [number, BPFInterpreter.Call.x86, 0, 0]
        for index in 0..<6 {
            let argument = index < arguments.count ? arguments[index] : 0
            words += [UInt32(truncatingIfNeeded: argument), UInt32(truncatingIfNeeded: argument >> 32)]
        }
        return words
    }

    @Test(
        "agrees with the reference on every number, and on arguments that rules look at",
        arguments: ["default", "init"])
    func agreement(name: String) throws {
        let compiled = try PolicyFiles.policy(name).compile()
        let reference = BPFInterpreter(compiled.bytes)
        let program = Self.program(compiled.bytes)
        let values: [UInt64] = [0, 1, 2, 3, 6, 7, 10, 16, 37, 40, 0x5412, 0x541C, 1 << 28, 1 << 32, .max]
        for number: UInt32 in 0..<480 {
            for first in values {
                for second in values {
                    let arguments = [first, second, first, second]
                    let expected = try reference.run(.init(number: number, arguments: arguments))
                    let answer = try #require(program.answer(to: Self.call(number, arguments)))
                    #expect(BPFInterpreter.Verdict(answer) == expected, "\(number) \(arguments)")
                }
            }
        }
        #expect(program.answer(to: Self.call(0x4000_0001, [])).map(BPFInterpreter.Verdict.init) == .killProcess)
    }

    @Test(
        "a policy's filter answers as the one that libseccomp makes of it",
        arguments: ["default", "compiled", "compiler", "init", "many"])
    func library(name: String) throws {
        let policy = try name == "many" ? Self.many() : PolicyFiles.policy(name)
        let ours = Self.program(try policy.compile().bytes)
        let library = Self.program(try policy.compileByLibrary().bytes)
        let values: [UInt64] = [0, 1, 5, 6, 7, 8, 0x5412, 1 << 28, 1 << 32, 6 << 32, 7 << 32 | 7, 7 << 32 | 8, .max]
        for number in Array(UInt32(0)..<480) + [0x3FFF_FFFF, 0x4000_0000, 0x4000_0001, 0xFFFF_FFFE, .max] {
            for first in values {
                for second in values {
                    let call = Self.call(number, [first, second, first, second, first, second])
                    #expect(ours.answer(to: call) == library.answer(to: call), "\(number) \(first) \(second)")
                }
            }
            var stranger = Self.call(number, [])
            stranger[1] = BPFInterpreter.Call.i386
            #expect(ours.answer(to: stranger) == SeccompAction.killProcess.libseccompValue)
        }
    }

    /// A policy with a rule of its own for nearly every call, too long for one jump to reach over.
    private static func many() throws -> SeccompPolicy {
        let operators = ["EQ", "NE", "LT", "LE", "GT", "GE"]
        let entries = (0..<330).map { number in
            let name = SyscallNumbers.name(of: Int32(number))
            let arguments = (0...(number % 3)).map {
                """
                {"index": \($0), "value": \(number % 2 == 0 ? 7 : 7 << 32 | 7), "op": "SCMP_CMP_\(operators[number % 6])"}
                """
            }
            return """
                {"names": ["\(name)"], "action": "\(number % 5 == 0 ? "SCMP_ACT_LOG" : "SCMP_ACT_ALLOW")",
                 "args": [\(number % 7 == 0 ? "" : arguments.joined(separator: ","))]}
                """
        }
        let text = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [\(entries.joined(separator: ","))]}"
        return try SeccompPolicy(json: Array(text.utf8))
    }

    @Test("a program that is none has no answer, and ends")
    func malformed() {
        let none = FilterProgram(instructions: [])
        #expect(none.answer(to: Self.call(0, [])) == nil)
        let unknown = FilterProgram(instructions: [0x87])
        #expect(unknown.answer(to: Self.call(0, [])) == nil)
        let beyond = FilterProgram(instructions: [0x20 | 64 << 32, 0x06])
        #expect(beyond.answer(to: Self.call(0, [])) == nil)
        let away = FilterProgram(instructions: [0x05 | 0xFFFF_FFFF << 32, 0x06])
        #expect(away.answer(to: Self.call(0, [])) == nil)
    }

    @Test("answers are replaced where asked, and nothing else changes")
    func replacing() {
        let refuse = FilterProgram.Action.refuse
        let program = FilterProgram(instructions: [
            0x20, 0x15 | 7 << 32 | 1 << 16, 0x06 | UInt64(refuse | 38) << 32, 0x06 | UInt64(refuse | 1) << 32,
        ])
        let changed = program.replacingAnswers { $0 == refuse | 1 ? FilterProgram.Action.notify : nil }
        #expect(changed.answer(to: Self.call(7, [])) == FilterProgram.Action.notify)
        #expect(changed.answer(to: Self.call(8, [])) == refuse | 38)
        #expect(program.answer(to: Self.call(7, [])) == refuse | 1)
        #expect(changed.hasAnswer { $0 == FilterProgram.Action.notify })
        #expect(!program.hasAnswer { $0 == FilterProgram.Action.notify })
    }
}
