import CLinux
import Glibc
import LaunchProtocol
import Linux

/// A compiled seccomp filter, as the starter handed it over: read once, loaded in every sandbox.
struct Filter {
    private let instructions: [UInt64]

    /// Reads a filter from a sealed memfd.
    /// - Throws: EPERM for a descriptor that could still change, EINVAL for anything that is no program.
    init(from descriptor: Int32) throws(StepFailure) {
        guard try perform(.readConfiguration, { bk_memfd_is_sealed(descriptor) }) == 1 else {
            throw StepFailure(.readConfiguration, errno: EPERM)
        }
        var status = stat()
        try performC(.readConfiguration) { fstat(descriptor, &status) }
        // struct sock_filter is eight bytes; BPF_MAXINSNS is 4,096 (<linux/bpf_common.h>).
        let size = Int(status.st_size)
        guard size > 0, size % 8 == 0, size / 8 <= 4_096 else { throw StepFailure(.readConfiguration, errno: EINVAL) }
        var instructions = [UInt64](repeating: 0, count: size / 8)
        let count = try performC(.readConfiguration) { pread(descriptor, &instructions, size, 0) }
        guard count == size else { throw StepFailure(.readConfiguration, errno: EIO) }
        self.instructions = instructions
    }

    /// Puts the filter in force for this process; it cannot be taken off again (seccomp(2)).
    func load() throws(StepFailure) {
        try perform(.loadFilter) {
            instructions.withUnsafeBytes { bk_seccomp_load($0.baseAddress, UInt16(instructions.count)) }
        }
    }
}
