import Foundation
import Glibc
import Jobs
import Synchronization

/// Writes messages to a descriptor, one a line, in the order in which they come, on a thread of its own.
///
/// What waits to be written is bounded by whoever produces it: `waitForRoom` before more is taken on, and `hasRoom` before what
/// may be left out.
final class MessageWriter: Sendable {
    private struct State {
        var lines: [[UInt8]] = []
        var bytes = 0
        var isClosed = false
        /// Nobody reads any more.
        var isBroken = false
    }

    /// Bytes that may wait before no more is taken on.
    private static let enough = 4 << 20

    private let descriptor: Int32
    private let state = Mutex(State())
    private let changed = NSCondition()
    private let isDone = DispatchSemaphore(value: 0)

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        let thread = Thread { [self] in write() }
        thread.name = "mcp-output"
        thread.start()
    }

    func send(_ value: JSONValue) {
        // No text in it has a line's end: JSON strings escape control characters.
        let line = value.bytes + [UInt8(ascii: "\n")]
        update { state in
            guard !state.isClosed, !state.isBroken else { return }
            state.lines.append(line)
            state.bytes += line.count
        }
    }

    var hasRoom: Bool { state.withLock { $0.bytes < Self.enough } }

    /// Blocks while the client does not read.
    func waitForRoom() {
        changed.lock()
        defer { changed.unlock() }
        while !state.withLock({ $0.bytes < Self.enough || $0.isBroken || $0.isClosed }) { changed.wait() }
    }

    /// Takes no more, and waits at most so long until what was sent is written.
    func close(waitingAtMost limit: Double) {
        update { $0.isClosed = true }
        _ = isDone.wait(timeout: .now() + limit)
    }

    private func update(_ change: (inout State) -> Void) {
        changed.lock()
        state.withLock { change(&$0) }
        changed.broadcast()
        changed.unlock()
    }

    private func write() {
        defer { isDone.signal() }
        while let line = next() {
            let isWritten = Self.write(line, to: descriptor)
            update { state in
                state.bytes -= line.count
                if !isWritten {
                    state.isBroken = true
                    state.lines = []
                    state.bytes = 0
                }
            }
            if !isWritten { return }
        }
    }

    private func next() -> [UInt8]? {
        changed.lock()
        defer { changed.unlock() }
        while true {
            let (line, isOver) = state.withLock { state in
                (state.lines.isEmpty ? nil : state.lines.removeFirst(), state.isClosed)
            }
            if let line { return line }
            if isOver { return nil }
            changed.wait()
        }
    }

    private static func write(_ line: [UInt8], to descriptor: Int32) -> Bool {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EINTR {
                continue
            } else {
                return false
            }
        }
        return true
    }
}
