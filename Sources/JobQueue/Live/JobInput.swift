import Synchronization

/// Takes what is sent to a program's standard input, in the worker's process.
public protocol JobInputSink: Sendable {
    func write(_ bytes: [UInt8])
    /// The end of the file follows what was written.
    func close()
}

/// What came of bytes that were sent to a job's standard input.
public enum InputOutcome: Sendable, Equatable {
    /// They will be read after all that was sent before, if the program reads at all.
    case taken
    /// Too much is unread; nothing was taken.
    case full
    /// The job's request did not ask for it.
    case notInteractive
    /// The end was sent before, or the program has closed its end.
    case closed
    case finished
    case unknownJob
}

/// The standard input of one interactive job beyond the text in its request, from those who send to the program that reads.
///
/// The one place where it is bounded: what was accepted and is not in the program's pipe yet counts, wherever it lies.
public final class JobInput: Sendable {
    /// Bytes that may be unread.
    public static let mostUnread = 64 << 10

    private struct State {
        /// What came before there was a sink.
        var backlog: [UInt8] = []
        var unread = 0
        var taken = 0
        var isClosed = false
        var isBroken = false
        var sink: (any JobInputSink)?
        var onTaken: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    // MARK: The worker

    /// The program is there: gives it what came so far, and all that comes.
    public func attach(_ sink: any JobInputSink) {
        // Under the lock, so that nothing overtakes the backlog.
        state.withLock { state in
            state.sink = sink
            if !state.backlog.isEmpty { sink.write(state.backlog) }
            state.backlog = []
            if state.isClosed { sink.close() }
        }
    }

    /// So many bytes are in the program's pipe.
    public func took(_ count: Int) {
        let onTaken = state.withLock { state in
            state.unread -= count
            state.taken += count
            return state.onTaken
        }
        onTaken?()
    }

    /// The program has closed its standard input: what is unread will never be read.
    public func broke() {
        let onTaken = state.withLock { state in
            state.taken += state.unread
            state.unread = 0
            state.isClosed = true
            state.isBroken = true
            return state.onTaken
        }
        onTaken?()
    }

    // MARK: The queue

    /// - Returns: `taken`, `full` or `closed`.
    package func append(_ bytes: [UInt8], isEnd: Bool) -> InputOutcome {
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard state.unread + bytes.count <= Self.mostUnread else { return .full }
            state.unread += bytes.count
            if let sink = state.sink {
                if !bytes.isEmpty { sink.write(bytes) }
                if isEnd { sink.close() }
            } else {
                state.backlog += bytes
            }
            state.isClosed = isEnd
            return .taken
        }
    }

    /// Calls `action` whenever more was taken, or it broke.
    package func whenTaken(_ action: (@Sendable () -> Void)?) {
        state.withLock { $0.onTaken = action }
    }

    /// Bytes taken since the beginning, and whether nobody will take any more.
    package var progress: (taken: Int, isBroken: Bool) { state.withLock { ($0.taken, $0.isBroken) } }
}
