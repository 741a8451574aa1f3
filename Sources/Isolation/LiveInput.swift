import CLinux
import Glibc
import Linux
import Synchronization

/// Standard input that somebody adds to while the program runs. Whoever adds bounds it, by what `onTaken` tells.
public final class LiveInput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    /// What the program reads first; `onTaken` does not tell of it.
    let beginning: [UInt8]
    private let state = Mutex(State())
    /// Readable when there may be something new.
    private let event: Descriptor
    private let onTaken: @Sendable (Int) -> Void
    private let onBroken: @Sendable () -> Void

    /// - Parameters:
    ///   - beginning: what the program reads first.
    ///   - onTaken: hears how many more bytes are in the program's pipe.
    ///   - onBroken: hears that the program has closed its standard input.
    /// - Throws: where the process has no descriptor left.
    public init(
        beginning: [UInt8] = [], onTaken: @escaping @Sendable (Int) -> Void, onBroken: @escaping @Sendable () -> Void
    ) throws(IsolationError) {
        self.beginning = beginning
        self.onTaken = onTaken
        self.onBroken = onBroken
        do {
            event = Descriptor(owning: try attempt("eventfd") { bk_eventfd() })
        } catch {
            throw IsolationError(.host, error.description)
        }
    }

    public func write(_ bytes: [UInt8]) {
        state.withLock { $0.bytes += bytes }
        signal()
    }

    /// The end of the file follows what was written.
    public func close() {
        state.withLock { $0.isClosed = true }
        signal()
    }

    private func signal() {
        var one: UInt64 = 1
        // It fails only when nobody has looked at 2⁶⁴ of them.
        _ = Glibc.write(event.raw, &one, 8)
    }

    // MARK: The feed

    var descriptor: Int32 { event.raw }

    /// All that is new, and whether nothing follows it. For one who was told that the descriptor is readable.
    func take() -> (bytes: [UInt8], isOver: Bool) {
        var count: UInt64 = 0
        _ = read(event.raw, &count, 8)
        return state.withLock { state in
            defer { state.bytes = [] }
            return (state.bytes, state.isClosed)
        }
    }

    func took(_ count: Int) { onTaken(count) }

    func broke() { onBroken() }
}
