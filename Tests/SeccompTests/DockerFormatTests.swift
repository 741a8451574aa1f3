import Seccomp
import Testing

/// What profiles in Docker's format have besides the OCI format: settled for a job on this host, which is amd64 and
/// without any capability.
@Suite struct DockerFormatTests {
    private static func policy(_ rules: String, top: String = "", kernel: KernelVersion? = KernelVersion(6, 1)) throws
        -> SeccompPolicy
    {
        try SeccompPolicy(
            json: #"{"defaultAction": "SCMP_ACT_ERRNO"\#(top), "syscalls": [\#(rules)]}"#.utf8, kernel: kernel)
    }

    private static func allowed(_ circumstances: String, kernel: KernelVersion? = KernelVersion(6, 1)) throws -> Bool {
        let rule = #"{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "args": null, "comment": "", \#(circumstances)}"#
        return try policy(rule, kernel: kernel).summary.allowed == ["ptrace"]
    }

    @Test(arguments: [
        (#""includes": {}, "excludes": {}"#, true),
        (#""includes": {"arches": ["amd64", "x32"]}"#, true),
        (#""includes": {"arches": ["arm64"]}"#, false),
        (#""excludes": {"arches": ["amd64"]}"#, false),
        (#""excludes": {"arches": ["s390", "s390x"]}"#, true),
        (#""includes": {"caps": ["CAP_SYS_PTRACE"]}"#, false),
        (#""excludes": {"caps": ["CAP_SYS_PTRACE"]}"#, true),
        (#""includes": {"minKernel": "4.8"}"#, true),
        (#""includes": {"minKernel": "6.1"}"#, true),
        (#""includes": {"minKernel": "6.2"}"#, false),
        (#""includes": {"minKernel": "10.0"}"#, false),
        (#""excludes": {"minKernel": "4.8"}"#, false),
        (#""excludes": {"minKernel": "6.2"}"#, true),
        // Of includes all must hold, of excludes one suffices.
        (#""includes": {"arches": ["amd64"], "minKernel": "6.2"}"#, false),
        (#""includes": {"arches": ["amd64"]}, "excludes": {"arches": ["mips"], "minKernel": "5.0"}"#, false),
    ]) func circumstances(text: String, isAllowed: Bool) throws {
        #expect(try Self.allowed(text) == isAllowed)
    }

    @Test func anEntryThatDoesNotCountSaysWhy() throws {
        let policy = try Self.policy(
            #"""
            {"names": ["bpf", "mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"name": "read", "action": "SCMP_ACT_ALLOW"}
            """#)
        #expect(policy.summary.allowed == ["read"])
        #expect(policy.omissions(for: "mount").map(\.reason) == ["asks for CAP_SYS_ADMIN"])
        #expect(policy.omissions(for: "read").isEmpty)
        #expect(policy.warnings.isEmpty)
    }

    @Test func rulesThatExcludeEachOtherAreNoConflict() throws {
        let clone3 = #"""
            {"names": ["clone3"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}
            """#
        let policy = try Self.policy(clone3)
        #expect(try BPFInterpreter(policy.compile().bytes).run(.init(number: 435)) == .errno(38))
        // Both of which count: what Docker leaves to libseccomp's order stays an error here.
        let error = #expect(throws: SeccompError.self) {
            try Self.policy(
                #"""
                {"names": ["clone3"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}
                """#)
        }
        #expect(error?.code == .conflictingRules)
        #expect(error?.detail.contains("syscalls[0] and syscalls[1]") == true)
    }

    @Test func olderMachinesOfTheMapAreNotLetIn() throws {
        let map = #"""
            , "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
              {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}]
            """#
        let policy = try Self.policy(#"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#, top: map)
        #expect(policy.warnings.count == 1)
        #expect(policy.warnings.first?.contains("SCMP_ARCH_X86, SCMP_ARCH_X32 are not let in") == true)
        let filter = BPFInterpreter(try policy.compile().bytes)
        #expect(try filter.run(.init(number: 0)) == .allow)
        #expect(try filter.run(.init(number: 3, architecture: BPFInterpreter.Call.i386)) == .killProcess)
        #expect(try filter.run(.init(number: 0x4000_0000)) == .killProcess)
    }

    @Test func errnosByNameAreTheirNumbers() throws {
        let policy = try Self.policy(
            #"""
            {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EINVAL"},
            {"names": ["write"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM", "errnoRet": 1}
            """#, top: #", "defaultErrno": "ENOSYS", "defaultErrnoRet": 38"#)
        #expect(policy.defaultAction == .errno(38))
        #expect(policy.rules.map(\.action) == [.errno(22), .errno(1)])
    }

    @Test(arguments: [
        (
            #", "archMap": [{"architecture": "SCMP_ARCH_AARCH64"}]"#, "", SeccompError.Code.unsupportedArchitecture,
            "archMap has no SCMP_ARCH_X86_64"
        ),
        (
            #", "archMap": [{"architecture": "SCMP_ARCH_X86_64"}], "architectures": ["SCMP_ARCH_X86_64"]"#, "",
            .malformedDocument, "both architectures and archMap"
        ),
        (#", "archMap": [{"arch": "SCMP_ARCH_X86_64"}]"#, "", .unknownKey, "archMap[0]: unknown key arch"),
        (#", "defaultErrno": "EWRONG""#, "", .invalidErrno, "defaultErrno: EWRONG"),
        (#", "defaultErrno": "EPERM", "defaultErrnoRet": 38"#, "", .invalidErrno, "EPERM is 1, not 38"),
        (
            "", #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minkernel": "4.8"}}"#, .unknownKey,
            "syscalls[0].includes: unknown key minkernel"
        ),
        (
            "", #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4"}}"#, .malformedDocument,
            "syscalls[0].includes.minKernel: 4"
        ),
        (
            "", #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8.1"}}"#,
            .malformedDocument, "4.8.1"
        ),
        (
            "", #"{"name": "read", "names": ["write"], "action": "SCMP_ACT_ALLOW"}"#, .malformedDocument,
            "both name and names"
        ),
    ]) func refuses(top: String, rules: String, code: SeccompError.Code, naming: String) throws {
        let error = #expect(throws: SeccompError.self) { try Self.policy(rules, top: top) }
        #expect(error?.code == code)
        #expect(error?.detail.contains(naming) == true, "\(String(describing: error))")
    }

    @Test func aKernelWithoutAVersionIsNotGuessed() throws {
        let error = #expect(throws: SeccompError.self) {
            try Self.allowed(#""includes": {"minKernel": "4.8"}"#, kernel: nil)
        }
        #expect(error?.code == .unknownKernel)
        #expect(try Self.allowed(#""includes": {"arches": ["amd64"]}"#, kernel: nil))
        #expect(try #require(KernelVersion.running) >= KernelVersion(5, 0))
    }

    /// moby's profiles/seccomp/default.json, byte for byte.
    @Test func dockersDefaultProfileLoadsUnchanged() throws {
        guard let json = try PolicyFiles.profile("docker") else { return }
        let policy = try SeccompPolicy(json: json)
        #expect(policy.warnings.contains { $0.contains("SCMP_ARCH_X32 are not let in") })
        #expect(policy.defaultAction == .errno(1))
        let filter = BPFInterpreter(try policy.compile().bytes)
        // Without CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_TIME and the others; ptrace from kernel 4.8 on.
        for (name, number) in [
            "mount": UInt32(165), "bpf": 321, "unshare": 272, "setns": 308, "init_module": 175, "settimeofday": 164,
            "keyctl": 250, "userfaultfd": 323, "open_by_handle_at": 304, "kexec_load": 246, "kcmp": 312,
        ] { #expect(try filter.run(.init(number: number)) == .errno(1), "\(name)") }
        for (name, number) in ["read": UInt32(0), "execve": 59, "ptrace": 101, "modify_ldt": 154, "socket": 41] {
            #expect(try filter.run(.init(number: number)) == .allow, "\(name)")
        }
        #expect(try filter.run(.init(number: 435)) == .errno(38), "clone3")
        #expect(try filter.run(.init(number: 56, arguments: [0x11])) == .allow)
        #expect(try filter.run(.init(number: 56, arguments: [0x1000_0011])) == .errno(1))
        #expect(try filter.run(.init(number: 135, arguments: [0xFFFF_FFFF])) == .allow)
        #expect(try filter.run(.init(number: 135, arguments: [0x4_0000])) == .errno(1))
        #expect(try filter.run(.init(number: 0x4000_0000)) == .killProcess)
        // As the profile says for x86-64, where libseccomp knows the names; newer profiles leave io_uring out.
        let io_uring = policy.summary.allowed.contains("io_uring_setup")
        #expect(try filter.run(.init(number: 425)) == (io_uring ? .allow : .errno(1)))
        #expect((280...400).contains(policy.summary.allowed.count))
    }
}
