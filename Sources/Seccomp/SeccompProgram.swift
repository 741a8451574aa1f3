/// A compiled filter: what seccomp(2) takes with SECCOMP_SET_MODE_FILTER.
public struct SeccompProgram: Hashable, Sendable {
    /// The size of `struct sock_filter` in bytes.
    public static let instructionSize = 8
    /// The most instructions the kernel takes in one filter (BPF_MAXINSNS in linux/bpf_common.h).
    public static let maximumInstructions = 4096

    /// An array of `struct sock_filter` in this machine's byte order.
    public let bytes: [UInt8]
    /// What ``SeccompPolicy/warnings`` said.
    public let warnings: [String]

    /// How many instructions the filter has. The kernel checks and translates each for every job: about 0.2 µs.
    public var instructionCount: Int { bytes.count / Self.instructionSize }

    init(bytes: [UInt8], warnings: [String]) throws(SeccompError) {
        guard !bytes.isEmpty, bytes.count.isMultiple(of: Self.instructionSize) else {
            throw SeccompError(.compilationFailed, "the exported filter has \(bytes.count) bytes")
        }
        guard bytes.count <= Self.maximumInstructions * Self.instructionSize else {
            throw SeccompError(
                .compilationFailed,
                "the filter has \(bytes.count / Self.instructionSize) instructions, the kernel takes at most "
                    + "\(Self.maximumInstructions)")
        }
        self.bytes = bytes
        self.warnings = warnings
    }
}
