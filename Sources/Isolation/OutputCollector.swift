import Glibc
import Linux

/// Sees a job's output as it is written.
public typealias OutputObserver = @Sendable (OutputStream, [UInt8]) -> Void

/// One of a job's two output streams.
public enum OutputStream: Sendable {
    case output
    case error
}

/// Keeps a job's output up to one limit for both streams: the only place where output is bounded.
struct OutputCollector {
    private let limit: Int
    private let observer: OutputObserver?
    private let tap: OutputTap
    /// Whether everything goes to the observer and nothing is kept or bounded.
    private let passesOn: Bool
    private var kept = 0
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)
    /// Whether the job wrote more than the limit.
    private(set) var isExceeded = false

    /// - Parameters:
    ///   - limit: bytes of both streams together.
    ///   - observer: sees each piece.
    ///   - tap: keeps them.
    ///   - passesOn: whether nothing is kept or bounded, because the observer's reader is who wanted it.
    init(limit: Int, observer: OutputObserver?, tap: OutputTap = OutputTap(), passesOn: Bool = false) {
        self.passesOn = passesOn
        self.limit = limit
        self.observer = observer
        self.tap = tap
    }

    /// What was kept.
    var streams: (output: Outcome.Stream, error: Outcome.Stream) { tap.streams }

    /// Takes what is there now; at an end of file the descriptor is closed and becomes -1.
    mutating func read(from descriptor: inout Int32, stream: OutputStream) throws {
        guard descriptor >= 0 else { return }
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 {
            keep(chunk[0..<count], stream: stream)
        } else if count == 0 || errno == EIO {
            // EIO is how the master of a terminal says that nobody has the terminal open any more.
            close(descriptor)
            descriptor = -1
        } else if errno != EAGAIN, errno != EINTR {
            throw SystemError("read output", errno: errno)
        }
    }

    /// Takes everything that is left, once the slot has said that nothing of the job is alive.
    ///
    /// Usually that ends in an end of file. A job can delay it: a write end that it sent to itself over a socket, and
    /// never received, stays open until the kernel has collected the socket (unix(7), SCM_RIGHTS). Nobody can write
    /// to it any more, so what is in the pipe is everything, and the job's verdict is not its to spoil.
    mutating func drain(_ descriptor: inout Int32, stream: OutputStream) throws {
        while descriptor >= 0 {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                keep(chunk[0..<count], stream: stream)
            } else if count < 0, errno == EINTR {
                continue
            } else if count == 0 || errno == EAGAIN || errno == EIO {
                close(descriptor)
                descriptor = -1
            } else {
                throw SystemError("drain output", errno: errno)
            }
        }
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>, stream: OutputStream) {
        if passesOn {
            observer?(stream, Array(bytes))
            return
        }
        let taken = bytes.prefix(limit - kept)
        kept += taken.count
        let isShort = taken.count < bytes.count
        if isShort { isExceeded = true }
        tap.append(taken, to: stream, isShort: isShort)
        if let observer, !taken.isEmpty { observer(stream, Array(taken)) }
    }
}
