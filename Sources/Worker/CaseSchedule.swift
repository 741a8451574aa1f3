/// Which case is next, and which are wanted: the order of a job's cases, without running any.
///
/// Where a failure stops the others, what comes out is what running them one after the other would have given, however many
/// ran at once: everything up to the first failure, and nothing behind it.
struct CaseSchedule {
    private let count: Int
    private let stopsOnFailure: Bool
    /// The first that has not been started.
    private(set) var next = 0
    /// The first failure so far, where it stops what is behind it.
    private var stop: Int?

    init(count: Int, stopsOnFailure: Bool) {
        self.count = count
        self.stopsOnFailure = stopsOnFailure
    }

    /// Whether there is a case to start.
    var hasNext: Bool { next < count && isWanted(next) }

    /// The next case, which counts as started.
    mutating func start() -> Int? {
        guard hasNext else { return nil }
        defer { next += 1 }
        return next
    }

    /// Takes note of a case that was not accepted.
    mutating func failed(_ index: Int) {
        if stopsOnFailure { stop = min(stop ?? index, index) }
    }

    /// Whether the case is not behind the first failure.
    func isWanted(_ index: Int) -> Bool { stop.map { index <= $0 } ?? true }
}
