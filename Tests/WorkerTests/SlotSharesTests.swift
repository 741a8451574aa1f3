import Synchronization
import Testing

@testable import Worker

@Suite("Slot shares", .timeLimit(.minutes(1)))
struct SlotSharesTests {
    /// Who came when.
    private final class Order: Sendable {
        let indexes = Mutex<[Int]>([])
    }

    @Test("borrowing leaves a slot for the next job")
    func leavesOne() async {
        let slots = SlotShares(slots: 4)
        await slots.holding { waited in
            #expect(waited == .zero)
            #expect(slots.borrow() && slots.borrow())
            #expect(!slots.borrow())
            // That one is at once another job's.
            await slots.holding { waited in #expect(waited == .zero) }
            slots.giveBack()
            #expect(slots.borrow())
            slots.giveBack()
            slots.giveBack()
        }
        #expect(slots.figures == (0, 0))
        let few = SlotShares(slots: 2)
        await few.holding { _ in #expect(!few.borrow()) }
    }

    @Test("jobs get what was borrowed back in the order in which they came, and nothing is borrowed while one waits")
    func order() async throws {
        let slots = SlotShares(slots: 3)
        let held = Gate()
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await slots.holding { _ in await held.pass() } }
            try await until { slots.figures.taken == 1 }
            #expect(slots.borrow())
            group.addTask { await slots.holding { _ in await held.pass() } }
            try await until { slots.figures.taken == 3 }
            for index in 0..<2 {
                group.addTask {
                    await slots.holding { waited in
                        #expect(waited > .zero)
                        order.indexes.withLock { $0.append(index) }
                    }
                }
                try await until { slots.figures.waiting == index + 1 }
            }
            #expect(!slots.borrow())
            slots.giveBack()
            try await until { order.indexes.withLock { $0.count } == 2 }
            held.open()
            try await group.waitForAll()
        }
        #expect(order.indexes.withLock { $0 } == [0, 1])
        #expect(slots.figures == (0, 0))
    }

    @Test("a cancelled task does not wait, and gives back nothing that it never had")
    func cancelled() async throws {
        let slots = SlotShares(slots: 1)
        let held = Gate()
        async let other: Void = slots.holding { _ in await held.pass() }
        try await until { slots.figures.taken == 1 }
        let task = Task { await slots.holding { _ in Task.isCancelled } }
        try await until { slots.figures.waiting == 1 }
        task.cancel()
        #expect(await task.value)
        #expect(slots.figures == (1, 0))
        held.open()
        await other
        #expect(slots.figures == (0, 0))
    }
}
