import HummingbirdCore
import Synchronization

/// The connections on which the server waits for the client: for a request, or for the rest of one. Where all places are taken,
/// the one that has waited longest makes room, so that clients which say nothing, or too slowly, keep nobody out.
final class WaitingConnections: Sendable {
    enum Phase: Sendable, Equatable {
        /// No request, or not all of its head.
        case head
        /// Not all of a body.
        case body
    }

    /// Stands for one wait.
    struct Ticket: Sendable, Hashable {
        fileprivate var number: UInt64
    }

    private struct Wait: Sendable {
        var phase: Phase
        var end: @Sendable () -> Void
    }

    private struct State {
        /// The lower, the longer.
        var next: UInt64 = 0
        var waits: [Ticket: Wait] = [:]
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - phase: what is waited for.
    ///   - end: ends the connection; called at most once, on any thread, and perhaps too late.
    /// - Returns: what ends the wait.
    func begin(_ phase: Phase, end: @escaping @Sendable () -> Void) -> Ticket {
        state.withLock { state in
            let ticket = Ticket(number: state.next)
            state.next += 1
            state.waits[ticket] = Wait(phase: phase, end: end)
            return ticket
        }
    }

    func end(_ ticket: Ticket) {
        state.withLock { $0.waits[ticket] = nil }
    }

    /// Ends the connection that has waited longest: for a head, for whoever has sent one may be about to have an answer; for a
    /// body where there is none such.
    func makeRoom() {
        let wait = state.withLock { state -> Wait? in
            func longest(_ phase: Phase) -> Ticket? {
                state.waits.filter { $0.value.phase == phase }.keys.min { $0.number < $1.number }
            }
            guard let ticket = longest(.head) ?? longest(.body) else { return nil }
            return state.waits.removeValue(forKey: ticket)
        }
        wait?.end()
    }
}

/// Accepts as many connections as there are places. The last free place is kept free as long as one that waits can make room.
struct PlacesForConnections: AvailableConnectionsDelegate {
    private let places: Int
    private let waiting: WaitingConnections
    private var taken = 0

    init(places: Int, waiting: WaitingConnections) {
        self.places = places
        self.waiting = waiting
    }

    mutating func connectionOpened() {
        taken += 1
        if taken >= places { waiting.makeRoom() }
    }

    mutating func connectionClosed() { taken -= 1 }

    func isAcceptingNewConnections() -> Bool { taken < places }
}
