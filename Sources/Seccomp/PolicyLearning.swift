import Foundation

/// Making a policy as small as one program needs: run it under ``SeccompPolicy/counting()``, then keep what it used with
/// ``SeccompPolicy/narrowed(allowing:refusing:)``.
extension SeccompPolicy {
    /// What starting any program takes: the sandbox itself makes these calls between its filter and the program, when
    /// nobody could answer for them yet.
    public static let starting: Set<String> = [
        "brk", "execve", "exit_group", "mmap", "munmap", "prlimit64", "read", "write",
    ]

    /// The same policy, with every call that it allows counted (`SCMP_ACT_NOTIFY`) but those of ``starting``.
    public func counting() -> SeccompPolicy {
        var copy = self
        copy.rules = rules.map { rule in
            guard rule.action == .allow, !Self.starting.contains(SyscallNumbers.name(of: rule.number)) else {
                return rule
            }
            return rule.with(.notify)
        }
        return copy
    }

    /// The rules of this policy about some calls, and ENOSYS for all others.
    /// - Parameters:
    ///   - allowed: the calls whose permissions are kept, beside those of ``starting``.
    ///   - refused: the calls whose refusals are kept, so that the program is answered as it was.
    /// - Returns: the policy; it allows nothing that this one does not.
    public func narrowed(allowing allowed: Set<String>, refusing refused: Set<String>) -> SeccompPolicy {
        var copy = self
        copy.defaultAction = .errno(38)
        copy.rules = rules.filter { rule in
            let name = SyscallNumbers.name(of: rule.number)
            return rule.action.letsCallsThrough
                ? allowed.contains(name) || Self.starting.contains(name) : refused.contains(name)
        }
        copy.warnings = []
        copy.omissions = []
        return copy
    }

    /// The policy in the OCI format, for people to go on with.
    public var json: String {
        var document = WrittenPolicy(defaultAction: defaultAction.ociName, defaultErrnoRet: defaultAction.errnoRet)
        // Entries as they were: the alternatives of one call together, calls with the same conditions too.
        var position: [WrittenPolicy.Place: Int] = [:]
        for (entry, rules) in Dictionary(grouping: rules, by: \.entry).sorted(by: { $0.key < $1.key }) {
            for (number, own) in Dictionary(grouping: rules, by: \.number).sorted(by: { $0.key < $1.key }) {
                let conditions = own.flatMap(\.conditions)
                let areAlternatives = own.count > 1 && Set(conditions.map(\.index)).count < conditions.count
                for set in areAlternatives ? [conditions] : own.map(\.conditions) {
                    let place = WrittenPolicy.Place(entry: entry, action: own[0].action, conditions: set)
                    let name = SyscallNumbers.name(of: number)
                    if let known = position[place] {
                        document.syscalls[known].names.append(name)
                    } else {
                        position[place] = document.syscalls.count
                        document.syscalls.append(
                            .init(
                                comment: own[0].comment, names: [name], action: own[0].action.ociName,
                                errnoRet: own[0].action.errnoRet, args: set.isEmpty ? nil : set.map(\.written)))
                    }
                }
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers alone: there is nothing in it that could not be encoded.
        return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// A policy as it is written out.
private struct WrittenPolicy: Encodable {
    struct Rule: Encodable {
        var comment: String?
        var names: [String]
        var action: String
        var errnoRet: UInt16?
        var args: [Argument]?
    }

    struct Argument: Encodable {
        var index: UInt32
        var value: UInt64
        var valueTwo: UInt64?
        var op: String
    }

    struct Place: Hashable {
        var entry: Int
        var action: SeccompAction
        var conditions: [ArgumentCondition]
    }

    var defaultAction: String
    var defaultErrnoRet: UInt16?
    var architectures = ["SCMP_ARCH_X86_64"]
    var syscalls: [Rule] = []
}

extension SeccompAction {
    fileprivate var errnoRet: UInt16? {
        guard case .errno(let value) = self else { return nil }
        return value
    }

    fileprivate var ociName: String {
        switch self {
        case .allow: "SCMP_ACT_ALLOW"
        case .log: "SCMP_ACT_LOG"
        case .notify: "SCMP_ACT_NOTIFY"
        case .errno: "SCMP_ACT_ERRNO"
        case .trap: "SCMP_ACT_TRAP"
        case .killThread: "SCMP_ACT_KILL_THREAD"
        case .killProcess: "SCMP_ACT_KILL_PROCESS"
        }
    }
}

extension ArgumentCondition {
    fileprivate var written: WrittenPolicy.Argument {
        switch comparison {
        case .equal: .init(index: index, value: value, op: "SCMP_CMP_EQ")
        case .notEqual: .init(index: index, value: value, op: "SCMP_CMP_NE")
        case .less: .init(index: index, value: value, op: "SCMP_CMP_LT")
        case .lessOrEqual: .init(index: index, value: value, op: "SCMP_CMP_LE")
        case .greater: .init(index: index, value: value, op: "SCMP_CMP_GT")
        case .greaterOrEqual: .init(index: index, value: value, op: "SCMP_CMP_GE")
        case .maskedEqual(let mask): .init(index: index, value: mask, valueTwo: value, op: "SCMP_CMP_MASKED_EQ")
        }
    }
}
