import Synchronization

/// A row of numbers that many threads add to without a lock. The one place with storage of our own: `Atomic` cannot be an
/// array's element.
final class AtomicCells: Sendable {
    private nonisolated(unsafe) let cells: UnsafeMutableBufferPointer<Atomic<UInt64>>

    init(count: Int) {
        cells = .allocate(capacity: count)
        for index in 0..<count { cells.initializeElement(at: index, to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize()
        cells.deallocate()
    }

    var count: Int { cells.count }

    /// Relaxed: nothing else is read on the word of a count.
    func add(_ amount: UInt64, at index: Int) {
        cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    subscript(index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }
}
