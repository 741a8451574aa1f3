import Seccomp
import Testing

/// Policies that are not understood whole are refused, and the error says where.
@Suite struct PolicyDecodingTests {
    /// A document that is wrong, what kind of wrong, and what the message must name.
    struct Refusal: CustomTestStringConvertible, Sendable {
        let json: String
        let code: SeccompError.Code
        let naming: String
        var testDescription: String { "\(code): \(naming)" }
    }

    private static func rules(_ text: String, defaultAction: String = "SCMP_ACT_ERRNO") -> String {
        #"{"defaultAction": "\#(defaultAction)", "syscalls": [\#(text)]}"#
    }

    private static func comparison(_ text: String) -> String {
        rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{\#(text)}]}"#)
    }

    static let refusals: [Refusal] = [
        Refusal(json: "", code: .malformedDocument, naming: ""),
        Refusal(json: "[]", code: .malformedDocument, naming: ""),
        Refusal(json: "{}", code: .malformedDocument, naming: "defaultAction is missing"),
        Refusal(json: #"{"defaultAction": 1}"#, code: .malformedDocument, naming: "defaultAction"),
        Refusal(json: rules("3"), code: .malformedDocument, naming: "syscalls[0]"),
        Refusal(
            json: rules(#"{"names": [], "action": "SCMP_ACT_ALLOW"}"#), code: .malformedDocument,
            naming: "syscalls[0].names"),
        Refusal(json: rules(#"{"action": "SCMP_ACT_ALLOW"}"#), code: .malformedDocument, naming: "syscalls[0].names"),

        Refusal(
            json: #"{"defaultAction": "SCMP_ACT_ERRNO", "flags": []}"#, code: .unknownKey,
            naming: "top level: unknown key flags"),
        Refusal(
            json: #"{"defaultAction": "SCMP_ACT_ERRNO", "listenerPath": "/run/x"}"#, code: .unknownKey,
            naming: "listenerPath"),
        Refusal(
            json: rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "exclude": {}}"#), code: .unknownKey,
            naming: "syscalls[0]: unknown key exclude"),
        Refusal(
            json: comparison(#""index": 0, "value": 1, "op": "SCMP_CMP_EQ", "valuetwo": 3"#), code: .unknownKey,
            naming: "syscalls[0].args[0]: unknown key valuetwo"),

        Refusal(
            json: #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]}"#,
            code: .unsupportedArchitecture, naming: "SCMP_ARCH_X32"),

        Refusal(json: rules("", defaultAction: "SCMP_ACT_ALLOW"), code: .defaultNotDeny, naming: "SCMP_ACT_ALLOW"),
        Refusal(json: rules("", defaultAction: "SCMP_ACT_LOG"), code: .defaultNotDeny, naming: "SCMP_ACT_LOG"),
        Refusal(json: rules("", defaultAction: "allow"), code: .unsupportedAction, naming: "allow"),
        Refusal(json: rules("", defaultAction: "SCMP_ACT_NOTIFY"), code: .defaultNotDeny, naming: "SCMP_ACT_NOTIFY"),
        Refusal(
            json: rules(#"{"names": ["read"], "action": "SCMP_ACT_TRACE"}"#), code: .unsupportedAction,
            naming: "SCMP_ACT_TRACE"),

        Refusal(
            json: rules(#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}"#), code: .invalidErrno,
            naming: "errnoRet 0"),
        Refusal(
            json: rules(#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096}"#), code: .invalidErrno,
            naming: "errnoRet 4096"),
        Refusal(
            json: rules(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}"#), code: .invalidErrno,
            naming: "SCMP_ACT_ALLOW"),

        Refusal(
            json: comparison(#""index": 6, "value": 1, "op": "SCMP_CMP_EQ""#), code: .invalidCondition,
            naming: "index 6"),
        Refusal(
            json: comparison(#""index": 0, "value": 1, "op": "SCMP_CMP_EQUAL""#), code: .invalidCondition,
            naming: "SCMP_CMP_EQUAL"),
        Refusal(
            json: comparison(#""index": 0, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_EQ""#),
            code: .invalidCondition, naming: "valueTwo"),
        Refusal(
            json: comparison(#""index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ""#),
            code: .invalidCondition, naming: "never matches"),
        Refusal(
            json: comparison(#""index": 0, "value": 0, "op": "SCMP_CMP_LT""#), code: .invalidCondition,
            naming: "never be true"),
        Refusal(
            json: comparison(#""index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_GT""#),
            code: .invalidCondition, naming: "never be true"),

        Refusal(
            json: rules(#"{"names": ["reed"], "action": "SCMP_ACT_KILL_PROCESS"}"#), code: .unresolvedSyscall,
            naming: "reed"),

        // libseccomp would let the second rule remove the first.
        Refusal(
            json: rules(
                #"""
                {"names": ["ioctl"], "action": "SCMP_ACT_ERRNO",
                 "args": [{"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"}]},
                {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW"}
                """#), code: .conflictingRules, naming: "ioctl"),
        Refusal(
            json: rules(
                #"""
                {"names": ["ioctl"], "action": "SCMP_ACT_ERRNO",
                 "args": [{"index": 1, "value": 255, "valueTwo": 18, "op": "SCMP_CMP_MASKED_EQ"}]},
                {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 1, "value": 3840, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}
                """#), code: .conflictingRules, naming: "ioctl"),
        Refusal(
            json: rules(
                #"""
                {"names": ["dup2"], "action": "SCMP_ACT_ERRNO",
                 "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_GE"}]},
                {"names": ["dup2"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_LE"}]}
                """#), code: .conflictingRules, naming: "dup2"),
    ]

    @Test(arguments: refusals) func refuses(_ refusal: Refusal) throws {
        let error = #expect(throws: SeccompError.self) { try SeccompPolicy(json: refusal.json.utf8) }
        #expect(error?.code == refusal.code)
        #expect(error?.description.contains(refusal.naming) == true, "\(String(describing: error))")
    }

    @Test func namesThatAreNotKnownStayDenied() throws {
        let policy = try SeccompPolicy(
            json: Self.rules(
                #"""
                {"names": ["read", "call_of_2031"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["trap_of_2031"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}
                """#
            ).utf8)
        #expect(policy.rules.map(\.syscall) == ["read"])
        #expect(policy.warnings.count == 2)
        #expect(policy.warnings.first?.contains("call_of_2031") == true)
        #expect(policy.warnings.last?.contains("trap_of_2031") == true)
        #expect(try policy.compile().warnings == policy.warnings)
    }

    @Test func callsOfOtherArchitecturesAreNoWarning() throws {
        let policy = try SeccompPolicy(
            json: Self.rules(#"{"names": ["socketcall", "chown32"], "action": "SCMP_ACT_ALLOW"}"#).utf8)
        #expect(policy.rules.isEmpty)
        #expect(policy.warnings.isEmpty)
    }

    @Test func anErrnoThatIsNotGivenIsEPERM() throws {
        let policy = try SeccompPolicy(
            json: Self.rules(#"{"names": ["read"], "action": "SCMP_ACT_ERRNO"}"#, defaultAction: "SCMP_ACT_KILL")
                .utf8)
        #expect(policy.rules.map(\.action) == [.errno(1)])
        #expect(policy.defaultAction == .killThread)
    }

    @Test func repeatedArgumentsAreAlternatives() throws {
        let policy = try SeccompPolicy(
            json: Self.rules(
                #"""
                {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [
                  {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
                {"names": ["dup2"], "action": "SCMP_ACT_ALLOW", "args": [
                  {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]}
                """#
            ).utf8)
        let filter = BPFInterpreter(try policy.compile().bytes)
        #expect(try filter.run(.init(number: 32, arguments: [1])) == .allow)
        #expect(try filter.run(.init(number: 32, arguments: [2])) == .allow)
        #expect(try filter.run(.init(number: 32, arguments: [3])) == .errno(1))
        #expect(try filter.run(.init(number: 33, arguments: [1, 2])) == .allow)
        #expect(try filter.run(.init(number: 33, arguments: [1, 3])) == .errno(1))
    }

    @Test func repeatedRulesCountOnce() throws {
        let policy = try SeccompPolicy(
            json: Self.rules(
                #"""
                {"names": ["read", "read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["read"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}
                """#
            ).utf8)
        #expect(policy.rules.count == 1)
        #expect(try BPFInterpreter(policy.compile().bytes).run(.init(number: 0, arguments: [7])) == .allow)
    }

    @Test func everyDenyingDefaultCompiles() throws {
        for name in ["ERRNO", "TRAP", "KILL", "KILL_THREAD", "KILL_PROCESS"] {
            let policy = try SeccompPolicy(
                json: Self.rules(
                    #"{"names": ["read"], "action": "SCMP_ACT_LOG"}"#, defaultAction: "SCMP_ACT_\(name)"
                ).utf8)
            let filter = BPFInterpreter(try policy.compile().bytes)
            #expect(try filter.run(.init(number: 0)) == .other(0x7FFC_0000))
            #expect(try filter.run(.init(number: 1)) != .allow)
        }
    }
}
