import Glibc
import Synchronization

/// The way into a connection for those who do not own it: they can end what it waits for, and nothing else.
final class Interruption: Sendable {
    private struct State {
        var descriptor: Int32?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Whether the connection may not be used or made again.
    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Makes the owner's reads and writes end at once, now and for ever.
    func close() {
        state.withLock { state in
            state.isClosed = true
            // The descriptor is the owner's to close; under the lock it cannot have become another file's meanwhile.
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// For the owner: the connection stands.
    /// - Returns: false where it was closed in the meantime and must not be used.
    func begin(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.descriptor = descriptor
            return true
        }
    }

    /// For the owner: closes the descriptor where nobody can shut down whatever gets its number next.
    func end(_ descriptor: Int32, _ release: () -> Void) {
        state.withLock { state in
            // There may be a new connection while the last user of the old one lets go of it.
            if state.descriptor == descriptor { state.descriptor = nil }
            release()
        }
    }
}
