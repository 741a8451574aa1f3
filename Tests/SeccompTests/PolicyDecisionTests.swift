import Seccomp
import Testing

/// What `bulkhead policy` tells people about a policy is what the filter does.
@Suite struct PolicyDecisionTests {
    @Test(arguments: ["default", "compiled", "compiler"]) func explainsWhatTheFilterDoes(name: String) throws {
        let policy = try PolicyFiles.policy(name)
        let filter = BPFInterpreter(try policy.compile().bytes)
        var random = SystemRandomNumberGenerator()
        for (number, rules) in Dictionary(grouping: policy.rules, by: \.number) {
            let conditions = rules.flatMap(\.conditions)
            for _ in 0..<(conditions.isEmpty ? 1 : 100) {
                let arguments = (UInt32(0)..<6).map { index in
                    (conditions.filter { $0.index == index }.randomElement(using: &random)?.value ?? 0)
                        ^ (Bool.random(using: &random) ? 0 : UInt64.random(in: 0..<16, using: &random))
                }
                let action: SeccompAction
                switch try policy.decision(rules[0].syscall, arguments) {
                case .rule(let rule): action = rule.action
                case .byDefault: action = policy.defaultAction
                case .dependsOn:
                    Issue.record("\(rules[0].syscall) is decided by six arguments")
                    return
                }
                let verdict = try filter.run(.init(number: UInt32(number), arguments: arguments))
                #expect((verdict == .allow) == (action == .allow), "\(rules[0].syscall) \(arguments)")
                if case .errno(let errno) = action { #expect(verdict == .errno(UInt32(errno))) }
            }
        }
    }

    @Test func argumentsThatAreNotGivenAreNotGuessed() throws {
        let policy = try PolicyFiles.policy("default")
        // AF_INET is refused for every type, AF_UNIX is not.
        guard case .rule(let rule) = try policy.decision("socket", [2]) else {
            Issue.record("AF_INET is decided by the family")
            return
        }
        #expect(rule.action == .errno(97))
        #expect(rule.comment?.contains("AF_VSOCK") == true)
        #expect(try policy.decision("socket", [1]) == .dependsOn([1]))
        #expect(try policy.decision("socket", []) == .dependsOn([0, 1]))
        #expect(try policy.decision("socket", [64, 1]) == .byDefault)
        guard case .rule(let read) = try policy.decision("read", []) else {
            Issue.record("read is allowed whatever its arguments")
            return
        }
        #expect(read.action == .allow)
    }

    @Test(arguments: [("reed", "no system call named reed"), ("socketcall", "other machines")])
    func namesThatAreNoSystemCallAreErrors(name: String, naming: String) throws {
        let policy = try PolicyFiles.policy("default")
        let error = #expect(throws: SeccompError.self) { try policy.decision(name, []) }
        #expect(error?.code == .unknownSyscall)
        #expect(error?.detail.contains(naming) == true)
    }

    @Test func aSummaryCountsEachCallOnce() throws {
        let policy = try SeccompPolicy(
            json: #"""
                {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
                  {"names": ["read", "read", "write"], "action": "SCMP_ACT_ALLOW"},
                  {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
                  {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
                  {"names": ["dup2"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
                  {"names": ["bpf", "mount"], "action": "SCMP_ACT_ERRNO"},
                  {"names": ["close"], "action": "SCMP_ACT_LOG"}]}
                """#.utf8)
        #expect(policy.summary.allowed == ["close", "read", "write"])
        #expect(policy.summary.conditional == ["dup"])
        #expect(policy.summary.denied == [.errno(1): ["bpf", "dup2", "mount"]])
    }

    @Test(arguments: ["default", "compiled"]) func whatIsWrittenOutMeansTheSame(name: String) throws {
        let policy = try PolicyFiles.policy(name)
        let again = try SeccompPolicy(json: policy.json.utf8)
        #expect(again.defaultAction == policy.defaultAction)
        // Entries are numbered anew; what they say is not.
        func meaning(_ policy: SeccompPolicy) -> Set<String> {
            Set(policy.rules.map { "\($0.number) \($0.conditions) \($0.action) \($0.comment ?? "")" })
        }
        #expect(meaning(again) == meaning(policy))
    }

    @Test func aNarrowedPolicyKeepsWhatWasUsed() throws {
        let policy = try PolicyFiles.policy("default")
        let narrow = policy.narrowed(allowing: ["openat", "clone"], refusing: ["unshare"])
        #expect(Set(narrow.summary.allowed) == SeccompPolicy.starting.union(["openat"]))
        #expect(narrow.summary.conditional == ["clone"])
        #expect(narrow.summary.denied == [.errno(1): ["unshare"]])
        let filter = BPFInterpreter(try narrow.compile().bytes)
        #expect(try filter.run(.init(number: 56, arguments: [0x11])) == .allow)
        #expect(try filter.run(.init(number: 56, arguments: [0x1000_0011])) == .errno(38))
        #expect(try filter.run(.init(number: 83)) == .errno(38))
    }

    @Test func aCountingPolicyAllowsTheSame() throws {
        let policy = try PolicyFiles.policy("default")
        let filters = try [policy, policy.counting()].map { BPFInterpreter(try $0.compile().bytes) }
        for number in UInt32(0)...500 {
            let verdicts = try filters.map { try $0.run(.init(number: number)) }
            if verdicts[0] != verdicts[1] {
                #expect(verdicts == [.allow, .other(0x7FC0_0000)], "\(number)")
                #expect(!SeccompPolicy.starting.contains(SyscallNumbers.name(of: Int32(number))))
            } else if verdicts[0] == .allow {
                #expect(SeccompPolicy.starting.contains(SyscallNumbers.name(of: Int32(number))), "\(number)")
            }
        }
    }

    @Test func conditionsAndActionsReadAsText() throws {
        let policy = try PolicyFiles.policy("default")
        let ioctl = try policy.rules(for: "ioctl")
        #expect(ioctl.contains { $0.conditions.map(\.description) == ["argument 1 & 0xffffffff == 0x5412"] })
        #expect(SeccompAction.errno(38).description == "fails with ENOSYS (38)")
        #expect(SeccompAction.errno(4000).description == "fails with errno 4000 (4000)")
    }
}
