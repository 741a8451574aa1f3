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
    private var waiting: [CheckedContinuation<Bool, Never>] = []
    private var isClosed = false

    init(launcher: LauncherConnection, capacity: Int) {
        self.launcher = launcher
        self.capacity = capacity
    }

    func take(_ key: Key) async throws(IsolationError) -> SlotWorker {
        if isClosed { throw IsolationError(.shutDown, "the engine has been shut down") }
        if taken < capacity {
            taken += 1
        } else {
            // Whoever puts a slot back hands its place on; `taken` stays as it is.
            let admitted = await withCheckedContinuation { waiting.append($0) }
            if !admitted { throw IsolationError(.shutDown, "the engine has been shut down") }
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
        for waiter in waiting { waiter.resume(returning: false) }
        waiting = []
    }

    private func open(_ key: Key) async throws(IsolationError) -> SlotWorker {
        SlotWorker(
            key: key, slot: try await launcher.openSlot(image: key.image, policy: key.policy), launcher: launcher)
    }

    private func handOn() {
        if waiting.isEmpty { taken -= 1 } else { waiting.removeFirst().resume(returning: true) }
    }
}
