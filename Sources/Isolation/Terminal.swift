import CLinux
import Glibc
import Linux
import Synchronization

/// The terminal that a program runs on in place of pipes. What the program writes, to either stream, is only seen by the
/// observer of the run; it is neither kept nor bounded.
public final class Terminal: Sendable {
    /// In characters.
    public struct Size: Sendable, Equatable {
        public var rows: UInt16
        public var columns: UInt16

        public init(rows: UInt16, columns: UInt16) {
            self.rows = rows
            self.columns = columns
        }
    }

    private let size: Mutex<Size>
    /// Readable when the size has changed.
    private let event: Descriptor

    /// - Parameter size: what the program finds at its start.
    /// - Throws: where the process has no descriptor left.
    public init(size: Size) throws(IsolationError) {
        self.size = Mutex(size)
        do {
            event = Descriptor(owning: try attempt("eventfd") { bk_eventfd() })
        } catch {
            throw IsolationError(.host, error.description)
        }
    }

    /// Changes the size while the program runs, which it is told by SIGWINCH.
    public func resize(to size: Size) {
        self.size.withLock { $0 = size }
        var one: UInt64 = 1
        // It fails only when nobody has looked at 2⁶⁴ of them.
        _ = Glibc.write(event.raw, &one, 8)
    }

    var descriptor: Int32 { event.raw }

    /// Puts the size in force.
    /// - Parameter master: the driving process's end.
    /// - Throws: where that is no terminal's.
    func apply(to master: Int32) throws(IsolationError) {
        var count: UInt64 = 0
        _ = read(event.raw, &count, 8)
        let size = size.withLock { $0 }
        do {
            try attempt("resize the terminal") { bk_terminal_resize(master, size.rows, size.columns) }
        } catch {
            throw IsolationError(.host, "\(error); was the engine started for terminals?")
        }
    }
}
