/// Why a call is treated as it is.
public enum PolicyDecision: Hashable, Sendable {
    /// This rule applies. Others may too: they want the same, or the policy would have been refused.
    case rule(SeccompRule)
    /// No rule applies.
    case byDefault
    /// It takes these arguments as well, counted from 0, to tell.
    case dependsOn([UInt32])
}

extension SeccompPolicy {
    /// The rules about a system call, in the policy's order.
    /// - Throws: ``SeccompError/Code/unknownSyscall`` for a name that x86-64 does not have.
    public func rules(for syscall: String) throws(SeccompError) -> [SeccompRule] {
        let number = try Self.number(of: syscall)
        return rules.filter { $0.number == number }
    }

    /// The entries about a system call that do not count on this host.
    public func omissions(for syscall: String) -> [Omission] {
        omissions.filter { $0.names.contains(syscall) }
    }

    /// What decides about a call.
    /// - Parameters:
    ///   - syscall: its name.
    ///   - arguments: its arguments, as many as are known, from the first on.
    /// - Returns: the rule, or why there is none.
    /// - Throws: ``SeccompError/Code/unknownSyscall`` for a name that x86-64 does not have.
    public func decision(_ syscall: String, _ arguments: [UInt64]) throws(SeccompError) -> PolicyDecision {
        let rules = try rules(for: syscall)
        if let rule = rules.first(where: { $0.applies(to: arguments) == true }) { return .rule(rule) }
        let undecided = rules.filter { $0.applies(to: arguments) == nil }.flatMap(\.conditions).map(\.index)
            .filter { $0 >= arguments.count }
        return undecided.isEmpty ? .byDefault : .dependsOn(Set(undecided).sorted())
    }

    /// The number of a system call on x86-64.
    /// - Throws: ``SeccompError/Code/unknownSyscall``.
    public static func number(of syscall: String) throws(SeccompError) -> Int32 {
        switch SyscallNumbers.resolve(syscall) {
        case .number(let number): return number
        case .elsewhere: throw SeccompError(.unknownSyscall, "\(syscall) exists on other machines than x86-64 only")
        case .unknown: throw SeccompError(.unknownSyscall, "no system call named \(syscall) is known here")
        }
    }
}
