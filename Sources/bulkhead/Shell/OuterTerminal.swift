import CLinux
import Foundation
import Isolation
import Linux
import Synchronization

/// The terminal that the operator sits at.
final class OuterTerminal: Sendable {
    private struct State {
        var before: termios
        var isRaw = false
    }

    private let descriptor: Int32
    private let state: Mutex<State>

    /// The one that is raw, for whatever ends this process without coming back from where it was made so.
    private static let current = Mutex<OuterTerminal?>(nil)

    /// Nil where there is no terminal.
    /// - Parameter descriptor: open on it.
    init?(_ descriptor: Int32) {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        self.descriptor = descriptor
        state = Mutex(State(before: settings))
    }

    var size: Terminal.Size {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        // One that does not know its size has none; programs then take 24 by 80.
        guard bk_terminal_size(descriptor, &rows, &columns) == 0 else { return .init(rows: 0, columns: 0) }
        return .init(rows: rows, columns: columns)
    }

    /// Hands every key on as it is pressed, Ctrl-C included, and every byte of output as it comes.
    /// - Throws: where the terminal does not let that be.
    func makeRaw() throws {
        try state.withLock { state in
            var settings = state.before
            cfmakeraw(&settings)
            guard tcsetattr(descriptor, TCSADRAIN, &settings) == 0 else {
                throw SystemError("make the terminal raw", errno: errno)
            }
            state.isRaw = true
        }
        Self.current.withLock { $0 = self }
        atexit { OuterTerminal.current.withLock { $0 }?.restore() }
    }

    /// Puts everything back. What is typed but not read goes: it was meant for the program, and may be the terminal's own answer
    /// to what the program wrote; the operator's shell must not take it for a command.
    func restore() {
        state.withLock { state in
            guard state.isRaw else { return }
            state.isRaw = false
            // It fails only where the terminal is gone.
            _ = tcsetattr(descriptor, TCSAFLUSH, &state.before)
        }
    }
}
