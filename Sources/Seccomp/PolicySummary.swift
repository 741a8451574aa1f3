/// What a policy comes to, counted by system call.
public struct PolicySummary: Hashable, Sendable {
    /// Carried out, whatever the arguments.
    public let allowed: [String]
    /// Carried out or not, by their arguments.
    public let conditional: [String]
    /// Named, and never carried out, by what happens to them. One that is refused in different ways by its arguments is
    /// listed with the first.
    public let denied: [SeccompAction: [String]]

    init(_ policy: SeccompPolicy) {
        var allowed: [String] = []
        var conditional: [String] = []
        var denied: [SeccompAction: [String]] = [:]
        for rules in Dictionary(grouping: policy.rules, by: \.number).values {
            let name = rules[0].syscall
            var actions = rules.map(\.action)
            // What no rule applies to falls to the default.
            if rules.allSatisfy({ !$0.conditions.isEmpty }) { actions.append(policy.defaultAction) }
            if actions.allSatisfy(\.letsCallsThrough) {
                allowed.append(name)
            } else if actions.contains(where: \.letsCallsThrough) {
                conditional.append(name)
            } else {
                denied[actions[0], default: []].append(name)
            }
        }
        self.allowed = allowed.sorted()
        self.conditional = conditional.sorted()
        self.denied = denied.mapValues { $0.sorted() }
    }
}

extension SeccompPolicy {
    /// What the policy comes to, counted by system call.
    public var summary: PolicySummary { PolicySummary(self) }
}
