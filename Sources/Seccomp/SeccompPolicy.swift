import Foundation

/// A seccomp policy: what happens to each system call of a job. Read from OCI JSON, or from a profile in Docker's format
/// as it stands for a job on this host, and checked as a whole, so that a
/// value of this type has no rule that is misunderstood, contradicted by another, or silently without effect.
///
/// Three readings of the format are worth knowing:
/// - conditions of one rule are all required, except that a rule which names the same argument twice is taken as
///   alternatives, one for each condition. runc and crun read it so, and libseccomp cannot do otherwise;
/// - where two rules for a system call can both apply and want different things, the policy is refused. libseccomp would
///   choose one: an unconditional rule removes the conditional ones before it without a word;
/// - `includes` and `excludes` of Docker's format are settled first, as Docker does it: for amd64, the running kernel and a
///   process without any capability, which is what a job is.
public struct SeccompPolicy: Hashable, Sendable {
    /// What happens to a system call that no rule names. Always a denial.
    public internal(set) var defaultAction: SeccompAction
    /// The rules, without those for calls that x86-64 does not have.
    public internal(set) var rules: [SeccompRule]
    /// What the operator should know: names that could not be resolved and so fall to the default, which denies them.
    public internal(set) var warnings: [String]
    /// The entries that Docker's `includes` and `excludes` take out on this host.
    public internal(set) var omissions: [Omission]

    /// An entry of `syscalls` that does not count here.
    public struct Omission: Hashable, Sendable {
        /// Its place in `syscalls`, from 0.
        public let entry: Int
        /// The system calls it names.
        public let names: [String]
        /// Why it does not count, such as `asks for CAP_SYS_ADMIN`.
        public let reason: String
    }

    /// Reads and checks a policy.
    ///
    /// - Parameters:
    ///   - json: UTF-8 text of the OCI runtime specification's `linux.seccomp` object, or of a profile in Docker's format.
    ///   - kernel: what `minKernel` is compared with; the running kernel unless told otherwise.
    /// - Throws: ``SeccompError`` naming the place and the cause.
    public init(
        json: some Sequence<UInt8>, kernel: KernelVersion? = .running
    ) throws(SeccompError) {
        try self.init(document: Self.decode(Data(json)), kernel: kernel)
    }

    private static func decode(_ json: Data) throws(SeccompError) -> PolicyDocument {
        do {
            return try JSONDecoder().decode(PolicyDocument.self, from: json)
        } catch let error as SeccompError {
            throw error
        } catch DecodingError.keyNotFound(let key, let context) {
            throw SeccompError(.malformedDocument, "\(pathText(context.codingPath + [key])) is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            throw SeccompError(.malformedDocument, "\(pathText(context.codingPath)): \(context.debugDescription)")
        } catch {
            throw SeccompError(.malformedDocument, "\(error)")
        }
    }

    private init(document: PolicyDocument, kernel: KernelVersion?) throws(SeccompError) {
        // The default is x86-64 alone. A policy that lists x86 or x32 means to let them in, and their calls have other
        // numbers and narrower arguments: what is denied here by number would be allowed there.
        for architecture in document.architectures where architecture != "SCMP_ARCH_X86_64" {
            throw SeccompError(
                .unsupportedArchitecture, "architectures: \(architecture); only SCMP_ARCH_X86_64 can be let in")
        }
        let defaultAction = try SeccompAction(
            ociName: document.defaultAction, errno: document.defaultErrno, place: "defaultAction")
        guard !defaultAction.letsCallsThrough else {
            throw SeccompError(.defaultNotDeny, "defaultAction: \(document.defaultAction) lets unknown calls through")
        }

        var rules: [SeccompRule] = []
        var warnings = try Self.machineWarnings(document)
        var omissions: [Omission] = []
        for (position, entry) in document.syscalls.enumerated() {
            let place = "syscalls[\(position)]"
            let action = try SeccompAction(ociName: entry.action, errno: entry.errno, place: place)
            guard !entry.names.isEmpty else {
                throw SeccompError(.malformedDocument, "\(place).names is empty")
            }
            if let reason = try Self.reasonToOmit(entry, kernel: kernel, place: place) {
                omissions.append(Omission(entry: position, names: entry.names, reason: reason))
                continue
            }
            let alternatives = try Self.alternatives(of: entry.args, place: place)
            // Docker writes an empty comment where there is none.
            let comment = entry.comment?.isEmpty == true ? nil : entry.comment
            for name in entry.names {
                switch SyscallNumbers.resolve(name) {
                case .number(let number):
                    for conditions in alternatives {
                        rules.append(
                            SeccompRule(
                                syscall: name, number: number, action: action, entry: position, comment: comment,
                                conditions: conditions))
                    }
                case .elsewhere:
                    continue
                case .unknown:
                    warnings.append(
                        try Self.unresolved(name, action: action, defaultAction: defaultAction, place: place))
                }
            }
        }
        self.defaultAction = defaultAction
        self.rules = try Self.withoutConflicts(rules)
        self.warnings = warnings
        self.omissions = omissions
    }

    /// What `archMap` asks for and does not get.
    private static func machineWarnings(_ document: PolicyDocument) throws(SeccompError) -> [String] {
        guard let machines = document.archMap else { return [] }
        guard document.architectures.isEmpty else {
            throw SeccompError(.malformedDocument, "both architectures and archMap; Docker takes one of them")
        }
        guard let machine = machines.first(where: { $0.architecture == "SCMP_ARCH_X86_64" }) else {
            throw SeccompError(.unsupportedArchitecture, "archMap has no SCMP_ARCH_X86_64; no other can be let in")
        }
        guard !machine.subArchitectures.isEmpty else { return [] }
        return [
            "archMap: \(machine.subArchitectures.joined(separator: ", ")) are not let in; a process that uses them ends"
        ]
    }

    /// Why an entry does not count for a job on this host, or nil when it does. The order and the meaning are Docker's
    /// (profiles/seccomp/seccomp_linux.go): of `excludes` one match suffices, of `includes` all must hold.
    private static func reasonToOmit(
        _ entry: PolicyDocument.Rule, kernel: KernelVersion?, place: String
    ) throws(SeccompError) -> String? {
        func isRunning(_ least: KernelVersion) throws(SeccompError) -> Bool {
            guard let kernel else {
                throw SeccompError(.unknownKernel, "\(place): minKernel \(least), and this kernel tells no version")
            }
            return kernel >= least
        }
        if entry.excludes.arches.contains(architecture) { return "is not for \(architecture)" }
        // excludes.caps never matches: a job has no capability.
        if let least = entry.excludes.minKernel, try isRunning(least) { return "is for kernels before \(least)" }
        if !entry.includes.arches.isEmpty, !entry.includes.arches.contains(architecture) {
            return "is for \(entry.includes.arches.joined(separator: ", "))"
        }
        if !entry.includes.caps.isEmpty { return "asks for \(entry.includes.caps.joined(separator: ", "))" }
        if let least = entry.includes.minKernel, try !isRunning(least) { return "is for kernels from \(least)" }
        return nil
    }

    /// This machine, as Docker's format calls it.
    private static let architecture = "amd64"

    /// The sets of conditions that a rule stands for; one empty set when it has none.
    private static func alternatives(
        of arguments: [PolicyDocument.Argument], place: String
    ) throws(SeccompError) -> [[ArgumentCondition]] {
        var conditions: [ArgumentCondition] = []
        for (position, argument) in arguments.enumerated() {
            conditions.append(
                try ArgumentCondition(
                    index: argument.index, value: argument.value, valueTwo: argument.valueTwo, op: argument.op,
                    place: "\(place).args[\(position)]"))
        }
        let isRepeated = Set(conditions.map(\.index)).count < conditions.count
        return isRepeated ? conditions.map { [$0] } : [conditions]
    }

    /// The warning for a name without a number, which falls to the default. That is right when the default is a denial of
    /// the same kind (ERRNO); a call that was to be killed would come off more lightly, so that is an error.
    private static func unresolved(
        _ name: String, action: SeccompAction, defaultAction: SeccompAction, place: String
    ) throws(SeccompError) -> String {
        switch (action, defaultAction) {
        case (.allow, _), (.log, _), (.notify, _):
            return "\(place): \(name) is not known here and stays denied"
        case (.errno, _), (_, .killProcess):
            return "\(place): \(name) is not known here; the default denies it"
        case (.trap, _), (.killThread, _), (.killProcess, _):
            throw SeccompError(
                .unresolvedSyscall, "\(place): \(name) is not known here, and the default is milder than its rule")
        }
    }

    /// The rules without repetitions.
    ///
    /// - Throws: ``SeccompError/Code/conflictingRules`` when the outcome would depend on libseccomp's order.
    private static func withoutConflicts(_ rules: [SeccompRule]) throws(SeccompError) -> [SeccompRule] {
        var kept: [SeccompRule] = []
        var byNumber: [Int32: [SeccompRule]] = [:]
        for rule in rules {
            let others = byNumber[rule.number, default: []]
            for other in others where other.action != rule.action && other.canMeet(rule) {
                throw SeccompError(
                    .conflictingRules,
                    "\(rule.syscall): syscalls[\(other.entry)] and syscalls[\(rule.entry)] can both apply to one call, "
                        + "with different actions")
            }
            let isRepeated = others.contains { $0.conditions == rule.conditions || $0.conditions.isEmpty }
            guard !isRepeated else { continue }
            byNumber[rule.number, default: []].append(rule)
            kept.append(rule)
        }
        return kept
    }
}
