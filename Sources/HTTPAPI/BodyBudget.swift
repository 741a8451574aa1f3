import Synchronization

/// The bytes of all bodies that are being read at once. The cap for one body alone would let a few hundred connections
/// fill the memory.
///
/// What has arrived counts, not what was announced: else a handful of clients that announce much and send nothing would
/// keep everybody else out.
final class BodyBudget: Sendable {
    private let most: Int
    private let used = Mutex(0)

    init(most: Int) {
        self.most = most
    }

    /// Bytes in use, for tests.
    var bytes: Int { used.withLock { $0 } }

    /// What one body has taken; give it back with `end`.
    struct Share {
        private let budget: BodyBudget
        private var bytes = 0

        init(of budget: BodyBudget) {
            self.budget = budget
        }

        /// - Throws: `APIError.busy`, in which case nothing was taken.
        mutating func take(_ count: Int) throws(APIError) {
            let fits = budget.used.withLock { used in
                guard used + count <= budget.most else { return false }
                used += count
                return true
            }
            guard fits else { throw .busy }
            bytes += count
        }

        mutating func end() {
            budget.used.withLock { $0 -= bytes }
            bytes = 0
        }
    }
}
