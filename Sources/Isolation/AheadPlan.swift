/// Which runtimes idle slots should hold: as many of each as its jobs have needed at once, within a bound of memory.
///
/// A runtime whose job found none of it ready gets one more; one of which some were left over all the time gets fewer, and one
/// that nobody asked for is given up. Jobs for which nothing can be started ahead count as a kind of their own, so that a
/// plain sandbox is left for them.
struct AheadPlan {
    /// What decides how much is started ahead.
    struct Bounds: Sendable {
        /// Bytes that all that is held may take together; 0 starts nothing ahead.
        var memory: UInt64
        /// After how long what is not needed is given up.
        var patience: Duration
    }

    private struct Demand {
        /// How many idle slots should have it.
        var target: Int
        /// Counts the jobs: the higher, the more recent.
        var lastUse: UInt64
        /// The fewest that were left over since the last review; nil before the first job since then.
        var fewestIdle: Int?
        /// The most bytes it was seen to take; nil before it has come up once.
        var memory: UInt64?
        /// How often in a row it did not come up.
        var failures = 0
        /// It is not tried again before so many jobs have been.
        var restsUntil: UInt64 = 0
    }

    let bounds: Bounds
    /// The number of slots.
    let capacity: Int
    /// nil is what cannot be started ahead.
    private var demands: [Runtime?: Demand] = [:]
    private var jobs: UInt64 = 0

    /// More kinds of programs than recipes have; what is beyond them is forgotten, the least recent first.
    private static let mostKinds = 64

    init(bounds: Bounds, capacity: Int) {
        self.bounds = bounds
        self.capacity = capacity
    }

    var isActive: Bool { bounds.memory > 0 }

    /// Takes note of a job that has been given a slot.
    /// - Parameters:
    ///   - runtime: what may be started ahead for it.
    ///   - idle: how many idle slots have it then, the job's own no longer.
    mutating func taken(_ runtime: Runtime?, idle: Int) {
        jobs += 1
        if demands[runtime] == nil, demands.count >= Self.mostKinds,
            let oldest = demands.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            demands[oldest.key] = nil
        }
        var demand = demands[runtime] ?? Demand(target: 1, lastUse: jobs)
        demand.lastUse = jobs
        demand.fewestIdle = min(demand.fewestIdle ?? idle, idle)
        demands[runtime] = demand
    }

    /// Takes note of a job that found nothing ready.
    mutating func missed(_ runtime: Runtime?) {
        demands[runtime]?.target += 1
        if let target = demands[runtime]?.target, target > capacity { demands[runtime]?.target = capacity }
        demands[runtime]?.fewestIdle = 0
    }

    /// Takes note of what came of a start.
    mutating func learned(_ result: AheadResult) {
        guard var demand = demands[result.runtime] else { return }
        switch result.yield {
        case .success(let memory):
            demand.memory = max(demand.memory ?? 0, memory)
            demand.failures = 0
        case .failure:
            // Ever longer, for what cannot be held will most likely never be.
            demand.failures = min(demand.failures + 1, 10)
            demand.restsUntil = jobs + 8 << UInt64(demand.failures)
        }
        demands[result.runtime] = demand
    }

    /// - Parameters:
    ///   - key: what the slot is bound to.
    ///   - held: what the other idle slots have.
    /// - Returns: what an idle slot should have.
    func choice(for key: SlotPool.Key, beside held: [Runtime?]) -> Runtime? {
        guard isActive else { return nil }
        var counts: [Runtime?: Int] = [:]
        for runtime in held { counts[runtime, default: 0] += 1 }
        let taken = held.reduce(UInt64(0)) { $0 + ($1.map(memory) ?? 0) }
        let wanted = demands.filter { runtime, demand in
            guard counts[runtime, default: 0] < demand.target else { return false }
            guard let runtime else { return true }
            return runtime.key == key && demand.restsUntil <= jobs
                && memory(runtime) <= bounds.memory - min(taken, bounds.memory)
        }
        return wanted.max { $0.value.lastUse < $1.value.lastUse }?.key
    }

    /// Looks at what was not needed since the last time.
    mutating func review() {
        for (runtime, var demand) in demands {
            // One beyond what was needed is kept.
            let spare = max(0, (demand.fewestIdle ?? demand.target) - 1)
            demand.target = demand.fewestIdle == nil ? 0 : max(1, demand.target - spare)
            demand.fewestIdle = nil
            demands[runtime] = demand.target == 0 && demand.failures == 0 ? nil : demand
        }
    }

    /// How many idle slots should have it.
    func target(of runtime: Runtime?) -> Int { demands[runtime]?.target ?? 0 }

    /// The higher, the more it is needed.
    func urgency(of runtime: Runtime?) -> UInt64 { demands[runtime]?.lastUse ?? 0 }

    /// Bytes that a runtime takes, as far as is known.
    private func memory(_ runtime: Runtime) -> UInt64 {
        demands[runtime]?.memory ?? min(runtime.limits.memory, Self.usualMemory)
    }

    /// What one is taken for until it has come up once: its limit alone would leave small hosts without any.
    private static let usualMemory: UInt64 = 64 << 20
}
