import Glibc
import LaunchProtocol

/// What a sandbox's init and its job, before it is executed, tell the slot: eight bytes, written at once, so that
/// records of both never mix (PIPE_BUF, pipe(7)). The descriptor is closed when the job is executed; afterwards only
/// init can write.
struct SetupRecord {
    enum Kind: UInt8 {
        /// The job is set up in full and waits to be executed.
        case jobParked = 1
        /// Init has given up all privileges and waits for the job.
        case initReady = 2
        /// A step failed; `value` is the errno.
        case failed = 3
        /// The job's main process has ended; `value` is the wait status.
        case exited = 4
    }

    var kind: Kind
    var step: SetupStep = .unknown
    var value: Int32 = 0

    static let size = 8

    /// The first half of its bytes, as the stub is told it.
    var head: UInt32 { UInt32(kind.rawValue) | UInt32(step.rawValue) << 8 }

    static func failed(_ step: SetupStep) -> SetupRecord { SetupRecord(kind: .failed, step: step) }

    static func failed(_ failure: StepFailure) -> SetupRecord {
        SetupRecord(kind: .failed, step: failure.step, value: failure.errno)
    }

    /// Writes the record; whether anybody still reads it is not this process's concern.
    func send(to descriptor: Int32) {
        var bytes: (UInt8, UInt8, UInt16, Int32) = (kind.rawValue, step.rawValue, 0, value)
        withUnsafeBytes(of: &bytes) { _ = Glibc.write(descriptor, $0.baseAddress, Self.size) }
    }

    /// Reads the next record; nil when all writers are gone, or when the bytes are none.
    static func receive(from descriptor: Int32) -> SetupRecord? {
        var bytes: (UInt8, UInt8, UInt16, Int32) = (0, 0, 0, 0)
        let count = withUnsafeMutableBytes(of: &bytes) { buffer in
            var count = Glibc.read(descriptor, buffer.baseAddress, Self.size)
            while count < 0, errno == EINTR { count = Glibc.read(descriptor, buffer.baseAddress, Self.size) }
            return count
        }
        guard count == Self.size, let kind = Kind(rawValue: bytes.0) else { return nil }
        return SetupRecord(kind: kind, step: SetupStep(rawValue: bytes.1) ?? .unknown, value: bytes.3)
    }
}
