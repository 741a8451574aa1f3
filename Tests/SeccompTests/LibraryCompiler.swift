import CSeccomp
import Glibc

@testable import Seccomp

/// libseccomp's own translation of a policy: what ours is held against.
extension SeccompPolicy {
    /// The same filter by libseccomp.
    func compileByLibrary() throws(SeccompError) -> SeccompProgram {
        guard let context = seccomp_init(defaultAction.libseccompValue) else {
            throw SeccompError(.compilationFailed, "seccomp_init", errno: EINVAL)
        }
        defer { seccomp_release(context) }

        try check(
            "SCMP_FLTATR_ACT_BADARCH",
            seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS))
        try check("SCMP_FLTATR_CTL_OPTIMIZE", seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
        // libseccomp refuses a rule that does what the default does.
        for rule in rules where rule.action != defaultAction {
            let conditions = rule.conditions.map(\.libseccompValue)
            try check(
                "rule for \(rule.syscall)",
                seccomp_rule_add_array(
                    context, rule.action.libseccompValue, rule.number, UInt32(conditions.count), conditions))
        }
        return try SeccompProgram(bytes: export(context), warnings: warnings)
    }

    /// Through a memfd: libseccomp 2.5 has no export to memory, and a pipe could be too small and block.
    private func export(_ context: scmp_filter_ctx) throws(SeccompError) -> [UInt8] {
        let descriptor = bulkhead_seccomp_memfd("seccomp-export")
        try check("memfd_create", min(descriptor, 0))
        defer { close(descriptor) }
        try check("seccomp_export_bpf", seccomp_export_bpf(context, descriptor))

        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw SeccompError(.compilationFailed, "lseek", errno: errno) }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = pread(descriptor, &bytes, size, 0)
        guard count >= 0 else { throw SeccompError(.compilationFailed, "pread", errno: errno) }
        guard count == size else {
            throw SeccompError(.compilationFailed, "pread: \(count) of \(size) bytes of the exported filter")
        }
        return bytes
    }

    private func check(_ step: String, _ result: Int32) throws(SeccompError) {
        guard result < 0 else { return }
        throw SeccompError(.compilationFailed, step, errno: -result)
    }
}

extension ArgumentCondition {
    /// libseccomp's form.
    var libseccompValue: scmp_arg_cmp {
        switch comparison {
        case .equal: scmp_arg_cmp(arg: index, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .notEqual: scmp_arg_cmp(arg: index, op: SCMP_CMP_NE, datum_a: value, datum_b: 0)
        case .less: scmp_arg_cmp(arg: index, op: SCMP_CMP_LT, datum_a: value, datum_b: 0)
        case .lessOrEqual: scmp_arg_cmp(arg: index, op: SCMP_CMP_LE, datum_a: value, datum_b: 0)
        case .greater: scmp_arg_cmp(arg: index, op: SCMP_CMP_GT, datum_a: value, datum_b: 0)
        case .greaterOrEqual: scmp_arg_cmp(arg: index, op: SCMP_CMP_GE, datum_a: value, datum_b: 0)
        case .maskedEqual(let mask): scmp_arg_cmp(arg: index, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        }
    }
}
