import CLinux
import Glibc
import LaunchProtocol
import Linux

/// A compiled seccomp filter, as the starter handed it over: read once, and loaded in every sandbox by the stub that it is
/// part of.
struct Filter {
    /// As it was compiled: what each call is to get.
    let program: FilterProgram
    /// Whether some call is asked about, so that loading the filter makes a listener.
    let asks: Bool
    /// What loads it.
    let stub: Stub

    /// Reads a filter from a sealed memfd.
    /// - Throws: EPERM for a descriptor that could still change, EINVAL for anything that is no program.
    init(from descriptor: Int32, of process: Stub.Process) throws(StepFailure) {
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
        switch process {
        case .initProcess:
            asks = false
            stub = try Stub(of: .initProcess, loading: protecting("init filter", program, else: nil), asks: false)
        case .job:
            // The same with every refusal turned into a question to the supervisor, which answers it as `program` would and
            // so knows of it. ENOSYS is not: that is what programs probe for, and how an older kernel would answer.
            let asking = program.replacingAnswers { Self.isTold($0) ? FilterProgram.Action.notify : nil }
            asks = asking.hasAnswer { $0 & FilterProgram.Action.mask == FilterProgram.Action.notify }
            stub = try Stub(
                of: .job, loading: protecting("job filter", asking, else: nil),
                asks: asks && protecting("job filter", true, else: false))
        }
    }

    private static func isTold(_ answer: UInt32) -> Bool {
        answer & FilterProgram.Action.mask == FilterProgram.Action.refuse
            && answer & ~FilterProgram.Action.mask != UInt32(ENOSYS)
    }
}
