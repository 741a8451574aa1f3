import LaunchProtocol

/// Hands out slots, at most `capacity` at once, first come first served. A slot is bound to an image and a policy; where
/// none of the wanted kind is idle and there is no room for another, one of another kind makes room.
actor SlotPool {
    struct Key: Hashable, Sendable {
        var image: Int
        var policy: Int
    }

    private let launcher: LauncherConnection
    private let capacity: Int
    /// Idle and taken slots together stay within it.
    private let room: Int
    /// Longest idle first: its next sandbox is the most likely to be parked.
    private var idle: [Idle] = []
    private var plan: AheadPlan
    /// Reviews the plan now and then, while anything is started ahead.
    private var review: Task<Void, Never>?
    private var taken = 0
    /// Of those taken, how many are being opened.
    private var opening = 0
    private var readyHits: UInt64 = 0
    private var readyMisses: UInt64 = 0
    private var waiting: [Waiter] = []
    private var nextTicket: UInt64 = 0
    private var isClosed = false

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Admission, Never>
    }

    /// A slot that has no job, and the runtime that comes up or has come up in it.
    private struct Idle {
        var slot: SlotWorker
        var runtime: Runtime?
    }

    private enum Admission { case admitted, closed, cancelled }

    init(launcher: LauncherConnection, capacity: Int, spares: Int, ahead: AheadPlan.Bounds) {
        self.launcher = launcher
        self.capacity = capacity
        plan = AheadPlan(bounds: ahead, capacity: capacity)
        room = capacity + (plan.isActive ? spares : 0)
    }

    /// - Parameters:
    ///   - key: what the slot is bound to.
    ///   - runtime: what may have been started ahead for the job.
    /// - Returns: nil when the task was cancelled while it waited.
    /// - Throws: `IsolationError` when there is no slot to be had.
    func take(_ key: Key, runtime: Runtime? = nil) async throws(IsolationError) -> SlotWorker? {
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
        if let position = position(key, runtime: runtime) {
            let slot = idle.remove(at: position).slot
            if plan.isActive { plan.taken(runtime, idle: idle.count { $0.runtime == runtime }) }
            return slot
        }
        if idle.count + taken > room, !idle.isEmpty { idle.removeFirst().slot.close() }
        if plan.isActive { plan.taken(runtime, idle: 0) }
        do {
            return try await open(key)
        } catch {
            handOn()
            throw error
        }
    }

    /// The idle slot to take: one with the job's runtime, else a plain one. Where there is no room for another slot, the one
    /// whose runtime is needed least.
    private func position(_ key: Key, runtime: Runtime?) -> Int? {
        func first(_ runtime: Runtime?) -> Int? { idle.firstIndex { $0.slot.key == key && $0.runtime == runtime } }
        if let position = first(runtime) ?? first(nil) { return position }
        if idle.count + taken <= room { return nil }
        return idle.indices.filter { idle[$0].slot.key == key }.min {
            plan.urgency(of: idle[$0].runtime) < plan.urgency(of: idle[$1].runtime)
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

    /// - Parameters:
    ///   - slot: that was taken.
    ///   - isUsable: whether it can have another job.
    ///   - outcome: of the job that it had, if that ran.
    ///   - runtime: what may have been started ahead for that job.
    /// - Returns: why a runtime did not come up ahead, where one did not.
    @discardableResult
    func putBack(
        _ slot: SlotWorker, isUsable: Bool, after outcome: Outcome? = nil, of runtime: Runtime? = nil
    ) -> StepFailure? {
        let failure = outcome.flatMap { note($0, of: runtime) }
        if isUsable, !isClosed { idle.append(Idle(slot: slot)) } else { slot.close() }
        let isWaitedFor = !waiting.isEmpty
        handOn()
        // Whoever waits takes what is there; nothing is started that would only be in the way.
        if plan.isActive, !isWaitedFor { prepare() }
        return failure
    }

    private func note(_ outcome: Outcome, of runtime: Runtime?) -> StepFailure? {
        guard plan.isActive else { return nil }
        let isReady = outcome.start == (runtime == nil ? .slot : .prestarted) && outcome.setupTime < Self.noWait
        if !isReady { plan.missed(runtime) }
        if runtime != nil {
            if outcome.start == .prestarted { readyHits += 1 } else { readyMisses += 1 }
        }
        guard let result = outcome.ahead else { return nil }
        plan.learned(result)
        if case .failure(let failure) = result.yield { return failure }
        return nil
    }

    /// A job that took longer to be begun, in nanoseconds, waited for what should have been ready.
    private static let noWait: UInt64 = 1_000_000

    /// Has runtimes come up in idle slots: two at a time, for each takes a processor for a while that jobs need as well.
    private func prepare() {
        var started = 0
        for position in idle.indices.reversed() where idle[position].runtime == nil && started < 2 {
            var others = idle.map(\.runtime)
            others.remove(at: position)
            guard let runtime = plan.choice(for: idle[position].slot.key, beside: others) else { continue }
            idle[position].runtime = runtime
            idle[position].slot.prepare(runtime)
            started += 1
        }
        if review == nil, idle.contains(where: { $0.runtime != nil }) {
            let patience = plan.bounds.patience
            review = Task { [weak self] in
                while true {
                    // Ends with the pool.
                    do { try await Task.sleep(for: patience) } catch { return }
                    guard let self, await self.giveUpUnneeded() else { return }
                }
            }
        }
    }

    /// - Returns: whether anything is still held.
    private func giveUpUnneeded() -> Bool {
        plan.review()
        var kept: [Runtime: Int] = [:]
        for position in idle.indices {
            guard let runtime = idle[position].runtime else { continue }
            kept[runtime, default: 0] += 1
            if kept[runtime, default: 0] > plan.target(of: runtime) {
                idle[position].runtime = nil
                idle[position].slot.prepare(nil)
            }
        }
        // Of plain ones no more are kept than the jobs have needed, once there are more slots than jobs run at once.
        var plain = idle.count { $0.runtime == nil }
        while idle.count + taken > capacity, plain > plan.target(of: nil),
            let position = idle.firstIndex(where: { $0.runtime == nil })
        {
            idle.remove(at: position).slot.close()
            plain -= 1
        }
        if idle.contains(where: { $0.runtime != nil }) || taken > 0 { return true }
        review = nil
        return false
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

    var figures: SlotFigures {
        SlotFigures(
            idle: idle.count, taken: taken - opening, starting: opening,
            ready: idle.count { $0.runtime != nil }, waiting: waiting.count, readyHits: readyHits,
            readyMisses: readyMisses)
    }

    func close() {
        isClosed = true
        review?.cancel()
        for idle in idle { idle.slot.close() }
        idle = []
        for waiter in waiting { waiter.continuation.resume(returning: .closed) }
        waiting = []
    }

    private func open(_ key: Key) async throws(IsolationError) -> SlotWorker {
        opening += 1
        defer { opening -= 1 }
        return SlotWorker(
            key: key, slot: try await launcher.openSlot(image: key.image, policy: key.policy), launcher: launcher)
    }

    private func handOn() {
        if waiting.isEmpty { taken -= 1 } else { waiting.removeFirst().continuation.resume(returning: .admitted) }
    }
}
