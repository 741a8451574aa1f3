import Testing

/// What the sandbox's PID 1 may do under policies/init.json.
@Suite struct InitPolicyTests {
    /// read, write, close, rt_sigreturn, exit, wait4, restart_syscall, exit_group, waitid.
    private static let allowed: Set<UInt32> = [0, 1, 3, 15, 60, 61, 219, 231, 247]

    @Test func onlyReapingAndReporting() throws {
        let filter = try PolicyFiles.filter("init")
        for number in UInt32(0)...600 {
            let expected = Self.allowed.contains(number) ? BPFInterpreter.Verdict.allow : .killProcess
            #expect(try filter.run(.init(number: number)) == expected, "\(number)")
            #expect(try filter.run(.init(number: number | 0x4000_0000)) == .killProcess, "x32 \(number)")
            let foreign = BPFInterpreter.Call(number: number, architecture: BPFInterpreter.Call.i386)
            #expect(try filter.run(foreign) == .killProcess, "i386 \(number)")
        }
    }
}
