import CSeccomp

extension SeccompPolicy {
    /// Translates the policy into a filter.
    ///
    /// The filter checks the architecture first and kills the process for any other than x86-64; x32 calls, which share
    /// that architecture and are told apart by bit 30 of the number, are killed too.
    ///
    /// - Throws: ``SeccompError`` where the filter is too long for the kernel, or the numbers are not those of x86-64.
    public func compile() throws(SeccompError) -> SeccompProgram {
        // The numbers came from libseccomp's native architecture.
        guard seccomp_arch_native() == bulkhead_scmp_arch_x86_64() else {
            throw SeccompError(.unsupportedArchitecture, "this build of libseccomp is not for x86-64")
        }
        let tree = RangeTree(rules: rules.filter { $0.action != defaultAction }, defaultAction: defaultAction)
        return try SeccompProgram(
            bytes: tree.instructions.flatMap { instruction in
                withUnsafeBytes(of: instruction.littleEndian) { Array($0) }
            }, warnings: warnings)
    }
}
