import Jobs
import Synchronization

/// A program's output so far, held by whoever collects it.
public protocol LiveOutput: Sendable {
    /// The bytes of a stream from `offset` on, at most so many.
    func bytes(of stream: LiveStream, from offset: Int, atMost most: Int) -> [UInt8]
    /// Calls `action` each time more has been written; nil for not at all. It may be called once too often.
    func whenMore(_ action: (@Sendable () -> Void)?)
}

/// What there is to tell of one attempt, in the worker's process.
///
/// It keeps no output of its own: whoever reads gets it out of what the engine collects for the result, from the position
/// that the reader names. So an attempt that nobody follows costs next to nothing, one who comes late misses nothing, and
/// a slow reader holds neither the program nor memory.
public final class LiveLog: Sendable {
    private struct State {
        var stages: [LiveStage] = []
        var output: (any LiveOutput)?
        var isOver = false
        var feeds: [ObjectIdentifier: WeakFeed] = [:]
        var isFollowed = false
    }

    private struct WeakFeed {
        weak var feed: LiveFeed?
    }

    public let attempt: Int
    public let worker: String
    private let state = Mutex(State())

    public init(attempt: Int, worker: String) {
        self.attempt = attempt
        self.worker = worker
    }

    // MARK: The worker

    /// The attempt has come to a stage.
    public func enter(_ stage: LiveStage) {
        state.withLock { $0.stages.append(stage) }
        changed()
    }

    /// The program's output will be found there.
    public func collect(from output: any LiveOutput) {
        let isFollowed = state.withLock { state in
            state.output = output
            return state.isFollowed
        }
        if isFollowed { watch(output) }
    }

    // MARK: The queue

    /// Wakes a feed with each change from now on, for as long as it lives.
    package func add(_ feed: LiveFeed) {
        let output = state.withLock { state in
            state.feeds = state.feeds.filter { $0.value.feed != nil }
            state.feeds[ObjectIdentifier(feed)] = WeakFeed(feed: feed)
            state.isFollowed = true
            return state.output
        }
        if let output { watch(output) }
        feed.ring()
    }

    /// Whether anybody ever followed it.
    package var isFollowed: Bool { state.withLock { $0.isFollowed } }

    /// Nothing more will come.
    package func end() {
        let output = state.withLock { state in
            state.isOver = true
            return state.isFollowed ? state.output : nil
        }
        output?.whenMore(nil)
        changed()
    }

    /// Whether nothing more will come.
    package var isOver: Bool { state.withLock { $0.isOver } }

    private func watch(_ output: any LiveOutput) {
        output.whenMore { [weak self] in self?.changed() }
    }

    private func changed() {
        let feeds = state.withLock { $0.isFollowed ? $0.feeds.values.compactMap(\.feed) : [] }
        for feed in feeds { feed.ring() }
    }

    // MARK: Reading

    /// What comes behind a position: at most one piece of each stream. Nothing while the attempt has not come to a stage:
    /// until then it may still be given back as if it had never been taken.
    package func events(after position: LivePosition) -> [LiveEvent] {
        let (stages, output, isOver) = state.withLock { ($0.stages, $0.output, $0.isOver) }
        guard !stages.isEmpty, position.attempt <= attempt else { return [] }
        var events: [LiveEvent] = [.started(attempt, worker: worker)]
        for stage in stages { events.append(.stage(stage, of: attempt)) }
        events.removeAll { $0.position <= position }
        guard let output else { return events }
        var told = position.attempt == attempt ? position.told : (stdout: 0, stderr: 0)
        for stream in LiveStream.allCases {
            let offset = stream == .stdout ? told.stdout : told.stderr
            let bytes = output.bytes(of: stream, from: offset, atMost: LiveEvent.mostBytes)
            let isWhole = isOver && bytes.count < LiveEvent.mostBytes
            let piece = isWhole ? bytes[...] : bytes.dropLast(OutputText.unfinishedTail(of: bytes))
            guard !piece.isEmpty else { continue }
            if stream == .stdout { told.stdout += piece.count } else { told.stderr += piece.count }
            events.append(
                LiveEvent(.output(told.stdout, told.stderr, of: attempt), .output(stream, Array(piece))))
        }
        return events
    }
}
