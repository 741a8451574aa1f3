/// One system call, what its arguments must be for the rule to apply, and what is done then.
public struct SeccompRule: Hashable, Sendable {
    /// The name as the policy gives it.
    public let syscall: String
    /// Its number on x86-64.
    public let number: Int32
    /// What is done with the call.
    public let action: SeccompAction
    /// The entry of `syscalls` that it comes from, counted from 0 as in error messages.
    public let entry: Int
    /// Why, as that entry says.
    public let comment: String?
    /// All of these must hold, at most one for each argument; empty: the rule applies to every such call.
    public let conditions: [ArgumentCondition]

    /// The same rule with another action.
    func with(_ action: SeccompAction) -> SeccompRule {
        SeccompRule(
            syscall: syscall, number: number, action: action, entry: entry, comment: comment, conditions: conditions)
    }

    /// Whether the rule applies to a call whose arguments are known from the first on; nil when that depends on one that
    /// is not among them.
    func applies(to arguments: [UInt64]) -> Bool? {
        var isKnown = true
        for condition in conditions {
            guard let argument = arguments.dropFirst(Int(condition.index)).first else {
                isKnown = false
                continue
            }
            if !condition.holds(for: argument) { return false }
        }
        return isKnown ? true : nil
    }

    /// Whether some call could match both rules. True when the opposite is not certain.
    func canMeet(_ other: SeccompRule) -> Bool {
        for mine in conditions {
            for theirs in other.conditions where theirs.index == mine.index && mine.excludes(theirs) {
                return false
            }
        }
        return true
    }
}
