import LaunchProtocol
import Synchronization

/// Hands out slots, at most `capacity` at once, first come first served. A slot is bound to an image and a policy; where
/// none of the wanted kind is idle and there is no room for another, one of another kind makes room.
///
/// Where slots of a kind cannot be set up, after some were, its jobs wait for those that are there or for the pool to
/// succeed (`SlotTroubles`).
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
    private var troubles = SlotTroubles()
    /// Whether any slot has been set up yet: before that a failure is told at once.
    private var hasWorked = false
    /// What `isUsable` says.
    private nonisolated let usable = Atomic<Bool>(true)
    /// Hears of a kind of slot that can no longer be set up, and, by nil, that all can again.
    private let onTrouble: (@Sendable (IsolationError?) -> Void)?
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

    init(
        launcher: LauncherConnection, capacity: Int, spares: Int, ahead: AheadPlan.Bounds,
        onTrouble: (@Sendable (IsolationError?) -> Void)? = nil
    ) {
        self.onTrouble = onTrouble
        self.launcher = launcher
        self.capacity = capacity
        plan = AheadPlan(bounds: ahead, capacity: capacity)
        room = capacity + (plan.isActive ? spares : 0)
    }

    /// Whether a job could be given a slot: not where none is set up and none could be the last time.
    nonisolated var isUsable: Bool { usable.load(ordering: .acquiring) }

    /// - Parameters:
    ///   - key: what the slot is bound to.
    ///   - runtime: what may have been started ahead for the job.
    /// - Returns: nil when the task was cancelled while it waited.
    /// - Throws: `IsolationError` when there is no slot to be had.
    func take(_ key: Key, runtime: Runtime? = nil) async throws(IsolationError) -> SlotWorker? {
        while true {
            guard let slot = try await place(key, runtime: runtime) else { return nil }
            switch slot {
            case .slot(let slot): return slot
            case .trouble(let failure, let deadline):
                guard ContinuousClock.now < deadline else { throw failure }
                await waitForRecovery(of: key, until: deadline)
                if Task.isCancelled { return nil }
            }
        }
    }

    private enum Place {
        case slot(SlotWorker)
        /// None is there, and none could be set up the last time; the job has given its place up.
        case trouble(IsolationError, ContinuousClock.Instant)
    }

    /// - Returns: nil when the task was cancelled while it waited.
    private func place(_ key: Key, runtime: Runtime?) async throws(IsolationError) -> Place? {
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
            return .slot(slot)
        }
        if let failure = troubles.failure(of: key), let deadline = troubles.deadline(of: key) {
            handOn()
            return .trouble(failure, deadline)
        }
        if idle.count + taken > room, !idle.isEmpty { idle.removeFirst().slot.close() }
        if plan.isActive { plan.taken(runtime, idle: 0) }
        do {
            return .slot(try await open(key))
        } catch {
            handOn()
            guard error.code == .notSetUp, isWorthTrying(after: error, of: key) else { throw error }
            return .trouble(error, troubles.deadline(of: key) ?? .now)
        }
    }

    /// Takes note of a slot that could not be set up.
    /// - Returns: whether its job should look for another: before any slot has worked there is nothing to wait for.
    private func isWorthTrying(after failure: IsolationError, of key: Key) -> Bool {
        guard hasWorked, !isClosed else { return false }
        if troubles.add(failure, of: key) {
            onTrouble?(failure)
            // Ends with the pool.
            Task { [weak self] in while await self?.recover(key) ?? false {} }
        }
        noteUsability()
        return true
    }

    /// Tries once, after a pause, to set a slot of a kind up that could not be.
    /// - Returns: whether to try again.
    private func recover(_ key: Key) async -> Bool {
        guard let pause = troubles.pause(of: key) else { return false }
        do { try await Task.sleep(for: pause) } catch { return false }
        if isClosed { return false }
        // Where jobs have all places, slots that work are put back soon.
        guard taken < capacity else { return true }
        taken += 1
        opening += 1
        let attempt: Result<SlotWorker, IsolationError>
        do {
            let slot = try await launcherSlot(key)
            do {
                try await slot.waitUntilSetUp()
                attempt = .success(slot)
            } catch {
                slot.close()
                attempt = .failure(error)
            }
        } catch {
            attempt = .failure(error)
        }
        opening -= 1
        switch attempt {
        case .success(let slot):
            troubles.end(key)
            if troubles.isEmpty { onTrouble?(nil) }
            // The attempt made no other kind give way; what works may.
            if idle.count + taken > room, !idle.isEmpty { idle.removeFirst().slot.close() }
            putBack(slot, isUsable: true)
            return false
        case .failure(let failure):
            handOn()
            // A launcher that has ended sets nothing up any more.
            guard !launcher.hasEnded else { return false }
            _ = troubles.add(failure, of: key)
            noteUsability()
            return true
        }
    }

    /// Waits until a slot of a kind can be had again, or may be; the caller looks whether it can.
    private func waitForRecovery(of key: Key, until deadline: ContinuousClock.Instant) async {
        let ticket = nextTicket
        nextTicket += 1
        let end = Task { [weak self] in
            // Ends early where the wait does.
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            await self?.giveUpRecovery(ticket, of: key)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The handler below may have run already, before there was anything to cancel.
                if Task.isCancelled { return continuation.resume() }
                troubles.wait(for: key, ticket: ticket, continuation)
            }
        } onCancel: {
            Task { await self.giveUpRecovery(ticket, of: key) }
        }
        end.cancel()
    }

    private func giveUpRecovery(_ ticket: UInt64, of key: Key) { troubles.giveUp(ticket, of: key) }

    private func noteUsability() {
        usable.store(troubles.isEmpty || !idle.isEmpty || taken > opening, ordering: .releasing)
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
        if isUsable, !isClosed {
            hasWorked = true
            idle.append(Idle(slot: slot))
            if !troubles.isEmpty { troubles.offer(slot.key) }
        } else {
            slot.close()
        }
        let isWaitedFor = !waiting.isEmpty
        handOn()
        if !troubles.isEmpty || !self.isUsable { noteUsability() }
        // Whoever waits takes what is there; nothing is started that would only be in the way.
        if plan.isActive, !isWaitedFor { prepare() }
        return failure
    }

    /// Puts back a slot that could not be set up for the job that had taken it.
    /// - Returns: whether that should take another.
    func putBack(_ slot: SlotWorker, after failure: IsolationError) -> Bool {
        putBack(slot, isUsable: false)
        return isWorthTrying(after: failure, of: slot.key)
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

    /// Opens slots until there are so many, and waits until each is set up and has a sandbox.
    /// - Throws: what kept one of them from that; the others are left as they are.
    func fill(_ key: Key, count: Int) async throws(IsolationError) {
        var opened: [SlotWorker] = []
        var failure: IsolationError?
        while failure == nil, idle.count + taken < min(count, capacity) {
            // Reserved while it is being opened.
            taken += 1
            do {
                opened.append(try await open(key))
            } catch {
                handOn()
                failure = error
            }
        }
        // All of them set themselves up at once.
        for slot in opened {
            do {
                try await slot.waitUntilSetUp()
                putBack(slot, isUsable: true)
            } catch {
                putBack(slot, isUsable: false)
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    var figures: SlotFigures {
        SlotFigures(
            idle: idle.count, taken: taken - opening, starting: opening,
            ready: idle.count { $0.runtime != nil }, waiting: waiting.count + troubles.waiting, readyHits: readyHits,
            readyMisses: readyMisses, setUpFailures: troubles.failures)
    }

    func close() {
        isClosed = true
        review?.cancel()
        for idle in idle { idle.slot.close() }
        idle = []
        for waiter in waiting { waiter.continuation.resume(returning: .closed) }
        waiting = []
        troubles.close()
    }

    private func open(_ key: Key) async throws(IsolationError) -> SlotWorker {
        opening += 1
        defer { opening -= 1 }
        return try await launcherSlot(key)
    }

    private func launcherSlot(_ key: Key) async throws(IsolationError) -> SlotWorker {
        SlotWorker(
            key: key, slot: try await launcher.openSlot(image: key.image, policy: key.policy), launcher: launcher)
    }

    private func handOn() {
        if waiting.isEmpty { taken -= 1 } else { waiting.removeFirst().continuation.resume(returning: .admitted) }
    }
}
