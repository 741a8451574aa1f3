import CLinux
import Glibc
import LaunchProtocol
import Linux

/// A compiled seccomp filter, as the starter handed it over: read once, loaded in every sandbox.
struct Filter {
    /// As it was compiled: what each call is to get.
    let program: FilterProgram
    /// The same with every refusal turned into a question to the supervisor, which answers it as `program` would and so
    /// knows of it. ENOSYS is not: that is what programs probe for, and how an older kernel would answer.
    private let asking: FilterProgram
    /// Whether some call is asked about, so that loading the filter makes a listener.
    let asks: Bool

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
        program = FilterProgram(instructions: instructions)
        asking = program.replacingAnswers { Self.isTold($0) ? FilterProgram.Action.notify : nil }
        asks = asking.hasAnswer { $0 & FilterProgram.Action.mask == FilterProgram.Action.notify }
    }

    private static func isTold(_ answer: UInt32) -> Bool {
        answer & FilterProgram.Action.mask == FilterProgram.Action.refuse
            && answer & ~FilterProgram.Action.mask != UInt32(ENOSYS)
    }

    /// Puts the filter in force for this process; it cannot be taken off again (seccomp(2)).
    func load(step: SetupStep) throws(StepFailure) {
        try perform(step) {
            program.instructions.withUnsafeBytes {
                bk_seccomp_load($0.baseAddress, UInt16(program.instructions.count))
            }
        }
    }

    /// Puts the filter in force for this process, with a supervisor that is asked about the calls it refuses.
    /// - Returns: the listener, which somebody else must take and answer; -1 where the filter asks about nothing.
    func loadAsking() throws(StepFailure) -> Int32 {
        guard asks else {
            try load(step: .loadFilter)
            return -1
        }
        guard protecting("job filter", true, else: false) else { return -1 }
        return try perform(.loadFilter) {
            asking.instructions.withUnsafeBytes {
                bk_seccomp_load_notifying($0.baseAddress, UInt16(asking.instructions.count))
            }
        }
    }
}
