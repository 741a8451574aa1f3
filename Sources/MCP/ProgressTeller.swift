import Synchronization

/// What is to be told of a program while it runs.
public enum ExecutionProgress: Sendable, Equatable {
    /// What it printed, on either stream.
    case output([UInt8])
    /// What goes on besides, for people.
    case words(String)
}

/// Tells a client what its program does, where it asked for that: the newest lines of what it printed since the last message, and
/// how long it has run where it prints nothing. Four messages a second at most; what is held for the next one is bounded.
final class ProgressTeller: Sendable {
    /// The most bytes of output in one message: of more, the newest whole lines.
    static let mostBytes = 1_024
    private static let pause = Duration.milliseconds(250)
    /// A message comes at least this often: clients take long silence for an end.
    private static let silence = Duration.seconds(5)

    private struct State {
        var pending: [UInt8] = []
        var isShort = false
        var words: String?
        var count = 0
        var lastTold = ContinuousClock.now
        var isOver = false
    }

    private let state = Mutex(State())
    private let began = ContinuousClock.now
    private let send: @Sendable (_ count: Int, _ message: String) -> Bool

    /// - Parameter send: hands a message on; answers whether it was taken. It must not block.
    init(send: @escaping @Sendable (_ count: Int, _ message: String) -> Bool) {
        self.send = send
    }

    func hear(_ progress: ExecutionProgress) {
        state.withLock { state in
            switch progress {
            case .output(let bytes):
                state.pending += bytes.suffix(Self.mostBytes)
                if bytes.count > Self.mostBytes || state.pending.count > Self.mostBytes {
                    state.pending = Array(state.pending.suffix(Self.mostBytes))
                    state.isShort = true
                }
            case .words(let words): state.words = words
            }
        }
    }

    /// Tells from time to time, until its task is cancelled.
    func run() async {
        while !Task.isCancelled {
            // A cancelled sleep is over, and so is this.
            do { try await Task.sleep(for: Self.pause) } catch { return }
            tell()
        }
    }

    /// Nothing is told any more once this is back.
    func end() { state.withLock { $0.isOver = true } }

    private func tell() {
        state.withLock { state in
            let now = ContinuousClock.now
            guard !state.isOver, let message = message(state, now), send(state.count + 1, message.text) else { return }
            state.count += 1
            state.lastTold = now
            state.words = nil
            state.pending.removeFirst(message.told)
            if message.told > 0 { state.isShort = false }
        }
    }

    /// - Returns: what is to be said now, and how many of the pending bytes that is; nil for nothing.
    private func message(_ state: State, _ now: ContinuousClock.Instant) -> (text: String, told: Int)? {
        let told = state.pending.count - Self.unfinished(state.pending)
        if told > 0 {
            var shown = state.pending[..<told]
            if state.isShort {
                // From the beginning of a line, where there is one; else of a character.
                if let end = shown.firstIndex(of: UInt8(ascii: "\n")), end + 1 < told {
                    shown = shown[(end + 1)...]
                } else {
                    shown = shown.drop { $0 & 0b1100_0000 == 0b1000_0000 }
                }
            }
            return ((state.isShort ? "[...]\n" : "") + String(decoding: shown, as: UTF8.self), told)
        }
        if let words = state.words { return (words, 0) }
        guard now - state.lastTold >= Self.silence else { return nil }
        return ("running for \((now - began).components.seconds) s", 0)
    }

    /// How many bytes at the end are the beginning of a character whose rest may come.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for (length, byte) in bytes.reversed().prefix(3).enumerated() {
            let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : byte >= 0x80 ? 0 : 1
            // A byte in the middle of a character: the first one tells.
            if needed == 0 { continue }
            return needed > length + 1 ? length + 1 : 0
        }
        return 0
    }
}
