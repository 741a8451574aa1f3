/// One system call, what its arguments must be for the rule to apply, and what is done then.
public struct SeccompRule: Hashable, Sendable {
    /// The name as the policy gives it.
    public let syscall: String
    /// Its number on x86-64.
    public let number: Int32
    /// What is done with the call.
    public let action: SeccompAction
    /// All of these must hold, at most one for each argument; empty: the rule applies to every such call.
    public let conditions: [ArgumentCondition]

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
