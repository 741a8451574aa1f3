import Synchronization

/// How many times a compiler was started, cache or no cache.
final class CompilerCount: Sendable {
    private let count = Atomic(0)

    var figure: Int { count.load(ordering: .relaxed) }

    func add() { count.add(1, ordering: .relaxed) }
}
