import LaunchProtocol

/// Hands out slots, at most `capacity` at once, first come first served. A slot is bound to an image and a policy; where
/// none of the wanted kind is idle, one of another kind makes room.
actor SlotPool {
    struct Key: Hashable, Sendable {
        var image: Int
        var policy: Int
    }

    private let launcher: LauncherConnection
    private let capacity: Int
    /// Longest idle first: its next sandbox is the most likely to be parked.
    private var idle: [SlotWorker] = []
    private var taken = 0
    private var waiting: [Waiter] = []
    private var nextTicket: UInt64 = 0
    private var isClosed = false

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Admission, Never>
    }

    private enum Admission { case admitted, closed, cancelled }

    init(launcher: LauncherConnection, capacity: Int) {
        self.launcher = launcher
        self.capacity = capacity
    }

    /// - Returns: nil when the task was cancelled while it waited.
    func take(_ key: Key) async throws(IsolationError) -> SlotWorker? {
        if isClosed { throw IsolationError(.shutDown, "the engine has been shut down") }
        if taken < capacity {
            taken += 1
        } else {
            // Whoever puts a slot back hands its place on; `taken` stays as it is.
            switch await waitForPlace() {
            case .admitted: break
            case .closed: throw IsolationError(.shutDown, "the engine has been shut down")
            case .cancelled: return nil
            }
        }
        if let position = idle.firstIndex(where: { $0.key == key }) { return idle.remove(at: position) }
        // Idle and taken slots together stay within the capacity.
        if idle.count + taken > capacity, !idle.isEmpty { idle.removeFirst().close() }
        do {
            return try await open(key)
        } catch {
            handOn()
            throw error
        }
    }

    private func waitForPlace() async -> Admission {
        let ticket = nextTicket
        nextTicket += 1
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The handler below may have run already, before there was anything to cancel.
                if Task.isCancelled {
                    continuation.resume(returning: .cancelled)
                } else {
                    waiting.append(Waiter(ticket: ticket, continuation: continuation))
                }
            }
        } onCancel: {
            Task { await self.giveUpWaiting(ticket) }
        }
    }

    /// Ends the wait of a cancelled task; one that was admitted in the same instant keeps its place.
    private func giveUpWaiting(_ ticket: UInt64) {
        guard let position = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiting.remove(at: position).continuation.resume(returning: .cancelled)
    }

    func putBack(_ slot: SlotWorker, isUsable: Bool) {
        if isUsable, !isClosed { idle.append(slot) } else { slot.close() }
        handOn()
    }

    func fill(_ key: Key, count: Int) async throws(IsolationError) {
        while idle.count + taken < min(count, capacity) {
            // Reserved while it is being opened.
            taken += 1
            do {
                let slot = try await open(key)
                putBack(slot, isUsable: true)
            } catch {
                handOn()
                throw error
            }
        }
    }

    func close() {
        isClosed = true
        for slot in idle { slot.close() }
        idle = []
        for waiter in waiting { waiter.continuation.resume(returning: .closed) }
        waiting = []
    }

    private func open(_ key: Key) async throws(IsolationError) -> SlotWorker {
        SlotWorker(
            key: key, slot: try await launcher.openSlot(image: key.image, policy: key.policy), launcher: launcher)
    }

    private func handOn() {
        if waiting.isEmpty { taken -= 1 } else { waiting.removeFirst().continuation.resume(returning: .admitted) }
    }
}
