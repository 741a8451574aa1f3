import Synchronization

/// A job's output as far as it was collected, for others to look at while the job runs.
public final class OutputTap: Sendable {
    private struct State {
        var output = Outcome.Stream()
        var error = Outcome.Stream()
        var onMore: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    /// The bytes of a stream from `offset` on, at most so many.
    public func bytes(of stream: OutputStream, from offset: Int, atMost most: Int) -> [UInt8] {
        state.withLock { state in
            let all = stream == .output ? state.output.bytes : state.error.bytes
            guard offset >= 0, offset < all.count else { return [] }
            return Array(all[offset...].prefix(most))
        }
    }

    /// Calls `action`, on the thread that collects, each time more has come; nil for not at all. It must not block.
    public func whenMore(_ action: (@Sendable () -> Void)?) {
        state.withLock { $0.onMore = action }
        // What came just before is for the caller to look for.
        action?()
    }

    /// - Parameters:
    ///   - bytes: what to add.
    ///   - stream: to which.
    ///   - isShort: whether more was written than these.
    func append(_ bytes: ArraySlice<UInt8>, to stream: OutputStream, isShort: Bool) {
        let onMore = state.withLock { state in
            switch stream {
            case .output:
                state.output.bytes.append(contentsOf: bytes)
                if isShort { state.output.isTruncated = true }
            case .error:
                state.error.bytes.append(contentsOf: bytes)
                if isShort { state.error.isTruncated = true }
            }
            return state.onMore
        }
        onMore?()
    }

    var streams: (output: Outcome.Stream, error: Outcome.Stream) { state.withLock { ($0.output, $0.error) } }
}
