/// How a worker's slots are shared: each job has one of its own, and a job with cases may borrow others where they are free
/// at the moment.
///
/// A job that comes is never kept waiting by one with cases as long as one slot is left, which borrowing always leaves; where
/// more come at once, they get the borrowed slots back first come, first served, each as soon as the case in it has ended.
/// Nobody who holds a borrowed slot waits for anything but its program.
public final class SlotShares: Sendable {
    private let slots: FairSemaphore

    /// - Parameter slots: how many programs the engine runs at once; the worker takes as many jobs.
    public init(slots: Int) {
        self.slots = FairSemaphore(units: UInt64(max(0, slots)))
    }

    /// How many are taken now, and how many jobs wait for one.
    var figures: (taken: Int, waiting: Int) {
        let figures = slots.figures
        return (Int(figures.taken), figures.waiting)
    }

    /// Runs a job while it has a slot of its own.
    ///
    /// A cancelled task does not wait any longer: the engine starts nothing for it.
    /// - Parameter body: the job; it is told how long it had to wait.
    /// - Returns: what the job returns.
    func holding<Value>(_ body: (_ waited: Duration) async -> Value) async -> Value {
        if slots.takeNow(1) {
            defer { giveBack() }
            return await body(.zero)
        }
        let asked = ContinuousClock.now
        let isHeld = await slots.take(1)
        defer { if isHeld { giveBack() } }
        return await body(.now - asked)
    }

    /// Takes a slot for a case beside those that its job has, if one is free that nobody is likely to want.
    func borrow() -> Bool { slots.takeNow(1, leaving: 1) }

    /// Ends the use of a slot, own or borrowed.
    func giveBack() { slots.giveBack(1) }
}
