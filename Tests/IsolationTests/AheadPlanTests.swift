import LaunchProtocol
import Testing

@testable import Isolation

/// How many of which runtime idle slots are to hold.
@Suite("Plan of what is started ahead")
struct AheadPlanTests {
    private static let key = SlotPool.Key(image: 0, policy: 0)

    private static func runtime(_ name: String, key: SlotPool.Key = key, memory: UInt64 = 100) -> Runtime {
        var limits = TestEngine.standard
        limits.memory = memory
        return Runtime(key: key, arguments: ["/bin/\(name)"], environment: [:], opens: "main", limits: limits)
    }

    private let node = runtime("node")
    private let python = runtime("python")

    private func plan(memory: UInt64 = 1_000, capacity: Int = 4) -> AheadPlan {
        AheadPlan(bounds: .init(memory: memory, patience: .seconds(1)), capacity: capacity)
    }

    @Test("nothing is started before the first job, and nothing at all without memory")
    func nothing() {
        var active = plan()
        #expect(active.choice(for: Self.key, beside: []) == nil)
        active.taken(node, idle: 0)
        #expect(active.choice(for: Self.key, beside: []) == node)
        var idle = plan(memory: 0)
        idle.taken(node, idle: 0)
        #expect(!idle.isActive)
        #expect(idle.choice(for: Self.key, beside: []) == nil)
    }

    @Test("a job that finds nothing ready asks for one more, up to the number of slots")
    func misses() {
        var plan = plan(capacity: 3)
        plan.taken(node, idle: 0)
        #expect(plan.choice(for: Self.key, beside: [node]) == nil)
        for _ in 0..<9 { plan.missed(node) }
        #expect(plan.target(of: node) == 3)
        #expect(plan.choice(for: Self.key, beside: [node, node]) == node)
        #expect(plan.choice(for: Self.key, beside: [node, node, node]) == nil)
    }

    @Test("the runtime of the latest job comes first, and plain sandboxes are a kind of their own")
    func latest() {
        var plan = plan()
        plan.taken(node, idle: 0)
        plan.taken(python, idle: 0)
        #expect(plan.choice(for: Self.key, beside: []) == python)
        #expect(plan.choice(for: Self.key, beside: [python]) == node)
        plan.taken(nil, idle: 0)
        #expect(plan.choice(for: Self.key, beside: [python]) == nil)
        #expect(plan.choice(for: Self.key, beside: [python, nil]) == node)
        #expect(plan.urgency(of: nil) > plan.urgency(of: python))
        #expect(plan.urgency(of: python) > plan.urgency(of: node))
    }

    @Test("a slot of another image or policy is left alone")
    func keys() {
        var plan = plan()
        plan.taken(Self.runtime("node", key: .init(image: 1, policy: 0)), idle: 0)
        #expect(plan.choice(for: Self.key, beside: []) == nil)
    }

    @Test("what is held stays within the memory: the limit counts until it is known what a runtime takes")
    func memory() {
        var plan = plan(memory: 250)
        plan.taken(node, idle: 0)
        for _ in 0..<4 { plan.missed(node) }
        #expect(plan.choice(for: Self.key, beside: [node]) == node)
        #expect(plan.choice(for: Self.key, beside: [node, node]) == nil)
        plan.learned(AheadResult(runtime: node, yield: .success(60)))
        #expect(plan.choice(for: Self.key, beside: [node, node, node]) == node)
        plan.learned(AheadResult(runtime: node, yield: .success(251)))
        #expect(plan.choice(for: Self.key, beside: []) == nil)
    }

    @Test("what does not come up rests, longer each time, and is then tried again")
    func failures() {
        var plan = plan()
        func rest() -> Int {
            plan.learned(AheadResult(runtime: node, yield: .failure(StepFailure(.startRuntime, errno: 1))))
            var jobs = 0
            while plan.choice(for: Self.key, beside: []) == nil, jobs < 1_000 {
                plan.taken(node, idle: 0)
                jobs += 1
            }
            return jobs
        }
        plan.taken(node, idle: 0)
        #expect(rest() == 16)
        #expect(rest() == 32)
        plan.learned(AheadResult(runtime: node, yield: .success(1)))
        #expect(rest() == 16)
    }

    @Test("a review gives up what nobody asked for, and what was left over but one")
    func reviews() {
        var plan = plan(capacity: 8)
        plan.taken(node, idle: 0)
        plan.taken(python, idle: 0)
        for _ in 0..<5 { plan.missed(node) }
        plan.review()
        #expect(plan.target(of: node) == 6)
        for idle in [5, 3, 4] { plan.taken(node, idle: idle) }
        plan.review()
        #expect(plan.target(of: node) == 4)
        #expect(plan.target(of: python) == 0)
        plan.review()
        #expect(plan.target(of: node) == 0)
        #expect(plan.choice(for: Self.key, beside: []) == nil)
    }

    @Test("it remembers no end of kinds")
    func bounded() {
        var plan = plan()
        for index in 0..<200 { plan.taken(Self.runtime("\(index)"), idle: 0) }
        #expect(plan.target(of: Self.runtime("0")) == 0)
        #expect(plan.target(of: Self.runtime("199")) == 1)
    }
}
