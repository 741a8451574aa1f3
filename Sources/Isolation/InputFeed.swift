import Glibc

/// Moves a job's standard input into its pipe, as fast as the job reads and never more than one buffer ahead of it.
struct InputFeed {
    /// The descriptor that more comes from, or -1.
    private(set) var source: Int32
    private var pending: ArraySlice<UInt8>
    /// Who adds to it, and how many of the bytes that are pending came from there.
    private let live: LiveInput?
    private var pendingLive = 0
    private static let bufferSize = 64 << 10

    init(_ input: SandboxConfiguration.Input) {
        switch input {
        case .bytes(let bytes):
            source = -1
            pending = bytes[...]
            live = nil
        case .descriptor(let descriptor):
            source = descriptor
            pending = []
            live = nil
        case .live(let input):
            source = input.descriptor
            pending = input.beginning[...]
            live = input
        }
    }

    /// Whether nothing can be written before the source has been read.
    var waitsForSource: Bool { pending.isEmpty && source >= 0 }

    /// Closes the job's standard input when everything is in it.
    mutating func closeIfOver(_ descriptor: inout Int32) {
        guard pending.isEmpty, source < 0, descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    /// Reads from the source or writes to the job, whichever was waited for.
    mutating func move(to descriptor: inout Int32) {
        if waitsForSource, let live {
            let (bytes, isOver) = live.take()
            pending = bytes[...]
            pendingLive = bytes.count
            if isOver { source = -1 }
        } else if waitsForSource {
            var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
            let count = read(source, &buffer, buffer.count)
            if count > 0 {
                pending = buffer[0..<count]
            } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                source = -1
            }
        } else if descriptor >= 0 {
            let count = pending.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                pending = pending.dropFirst(count)
                let taken = max(0, pendingLive - pending.count)
                pendingLive -= taken
                if taken > 0 { live?.took(taken) }
            } else if errno != EAGAIN, errno != EINTR {
                // EPIPE: the job has closed its standard input, as it may.
                pending = []
                source = -1
                live?.broke()
            }
        }
        closeIfOver(&descriptor)
    }
}
