import Foundation
import Glibc
import LaunchProtocol
import Linux
import Synchronization
import Testing

@testable import Isolation

/// When slots cannot be set up, and why: what is tried again, how often, and how it is told.
@Suite("Slot troubles")
struct SlotTroublesTests {
    private let key = SlotPool.Key(image: 0, policy: 0)
    private let failure = IsolationError(StepFailure(.slotTmpfs, errno: ENOENT), code: .notSetUp)

    @Test("attempts have pauses that grow up to one bound, and are counted")
    func pauses() {
        var troubles = SlotTroubles()
        let none = troubles.pause(of: key)
        let areFirst = [troubles.add(failure, of: key), troubles.add(failure, of: key)]
        #expect(none == nil && areFirst == [true, false])
        let pauses = (0..<8).map { _ in troubles.pause(of: key) }
        #expect(pauses == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) })
        #expect(troubles.failures == 2)
        troubles.end(key)
        #expect(troubles.isEmpty)
        // From the beginning.
        let isFirst = troubles.add(failure, of: key)
        let pause = troubles.pause(of: key)
        #expect(isFirst && pause == .milliseconds(100))
    }

    @Test("patience counts from the first failure, and the last one is told")
    func patience() {
        var troubles = SlotTroubles()
        let start = ContinuousClock.now
        _ = troubles.add(failure, of: key, at: start)
        let later = IsolationError(StepFailure(.forkSlot, errno: EAGAIN), code: .notSetUp)
        _ = troubles.add(later, of: key, at: start + .seconds(9))
        #expect(troubles.deadline(of: key) == start + SlotTroubles.patience)
        #expect(troubles.failure(of: key) == later)
        #expect(troubles.failure(of: .init(image: 1, policy: 0)) == nil)
    }
}

extension EngineTests {
    @Suite("Slots that cannot be set up")
    struct SlotFailures {
        /// What keeps slots of one instance from being set up, for as long as it is there.
        enum Cause: CaseIterable, Sendable {
            /// The folder that a slot's root is mounted on is away.
            case folder
            /// The launcher, and what it forks, may have few descriptors.
            case descriptors

            var failure: StepFailure {
                switch self {
                case .folder: StepFailure(.slotTmpfs, errno: ENOENT)
                case .descriptors: StepFailure(.forkSlot, errno: EINVAL)
                }
            }

            func begin(in test: TestEngine) throws {
                switch self {
                case .folder: try attempt("rmdir") { rmdir(Self.folder(of: test)) == 0 ? 0 : -errno }
                case .descriptors: try SlotFailures.limitDescriptors(of: test.connection.pid, to: 64)
                }
            }

            func end(in test: TestEngine) throws {
                switch self {
                case .folder: try attempt("mkdir") { mkdir(Self.folder(of: test), 0o700) == 0 ? 0 : -errno }
                case .descriptors: try SlotFailures.limitDescriptors(of: test.connection.pid, to: 1_024)
                }
            }

            private static func folder(of test: TestEngine) -> String {
                "/run/bulkhead/instances/\(test.connection.instance)"
            }
        }

        private static func limitDescriptors(of pid: Int32, to count: Int) throws {
            let command = try Process.run(
                URL(fileURLWithPath: "/usr/bin/prlimit"), arguments: ["--pid", "\(pid)", "--nofile=\(count):4096"])
            command.waitUntilExit()
            #expect(command.terminationStatus == 0)
        }

        private func killSlots(of test: TestEngine) async throws {
            for slot in HostProcess.children(of: test.connection.pid) { kill(slot.pid, SIGKILL) }
            #expect(try await TestHost.eventually { HostProcess.children(of: test.connection.pid).isEmpty })
        }

        @Test("the first ones: the step is told at once, by the start and by a job", arguments: Cause.allCases)
        func first(cause: Cause) async throws {
            let test = try TestEngine.start(slots: 2)
            try cause.begin(in: test)
            let expected = IsolationError(cause.failure, code: .notSetUp)
            await #expect(throws: expected) { try await test.engine.warmUp(image: 1, slots: 2) }
            await #expect(throws: expected) { try await test.probe("exit", "3") }
            // Nothing goes on trying where nothing has ever worked.
            let tries = await test.engine.slotFigures.setUpFailures
            #expect(tries == 0 && test.engine.isUsable)
            try cause.end(in: test)
            try await test.engine.warmUp(image: 1, slots: 2)
            // They are up, with a sandbox each, when that comes back.
            let slots = HostProcess.children(of: test.connection.pid)
            #expect(slots.count == 2)
            for slot in slots { #expect(!HostProcess.children(of: slot.pid).isEmpty) }
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            await test.engine.shutDown()
        }

        @Test("later ones: jobs wait, few are tried, it is told, and passes by itself", arguments: Cause.allCases)
        func later(cause: Cause) async throws {
            let told = Mutex<[IsolationError?]>([])
            let test = try TestEngine.start(slots: 2, onTrouble: { error in told.withLock { $0.append(error) } })
            try await test.engine.warmUp(image: 1, slots: 2)
            #expect(try await test.probe("exit", "2").ending == .exited(2))
            try cause.begin(in: test)
            try await killSlots(of: test)
            let jobs = (3...6).map { code in Task { try await test.probe("exit", "\(code)").ending } }
            #expect(try await TestHost.eventually { !test.engine.isUsable })
            var figures = await test.engine.slotFigures
            let begun = MonotonicClock.now
            while figures.setUpFailures < 4, MonotonicClock.now - begun < TestHost.milliseconds(20_000) {
                try await Task.sleep(for: .milliseconds(20))
                figures = await test.engine.slotFigures
            }
            // Four jobs wait, and one slot at a time is tried: two may have failed at once, then after 0.1 and 0.2 s.
            #expect(figures.setUpFailures == 4 || figures.setUpFailures == 5)
            #expect(figures.waiting == 4 && figures.taken == 0)
            try cause.end(in: test)
            for (job, code) in zip(jobs, Int32(3)...) { #expect(try await job.value == .exited(code)) }
            #expect(test.engine.isUsable)
            let heard = told.withLock { $0 }
            #expect(heard == [IsolationError(cause.failure, code: .notSetUp), nil])
            await test.engine.shutDown()
        }

        @Test(
            "one that stays: its jobs are told after some seconds, later ones at once; nobody need ask for it to pass")
        func stays() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            try Cause.folder.begin(in: test)
            try await killSlots(of: test)
            let expected = IsolationError(Cause.folder.failure, code: .notSetUp)
            let begun = ContinuousClock.now
            await #expect(throws: expected) { try await test.probe("exit", "3") }
            #expect(ContinuousClock.now - begun >= SlotTroubles.patience)
            let again = ContinuousClock.now
            await #expect(throws: expected) { try await test.probe("exit", "3") }
            #expect(ContinuousClock.now - again < .seconds(2))
            #expect(!test.engine.isUsable)
            try Cause.folder.end(in: test)
            #expect(try await TestHost.eventually { test.engine.isUsable })
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            await test.engine.shutDown()
        }

        @Test("a job that waits for it ends when it is cancelled, and when the engine is shut down")
        func cancelled() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            try Cause.folder.begin(in: test)
            try await killSlots(of: test)
            let jobs = (0..<2).map { _ in Task { try await test.probe("exit", "3").ending } }
            #expect(
                try await TestHost.eventually {
                    !test.engine.isUsable
                })
            jobs[0].cancel()
            #expect(try await jobs[0].value == .cancelled)
            await test.engine.shutDown()
            await #expect { _ = try await jobs[1].value } throws: { ($0 as? IsolationError)?.code == .shutDown }
        }

        @Test("a slot that can set up no further sandbox is replaced, and costs no job")
        func noSandbox() async throws {
            let test = try TestEngine.start(slots: 1)
            try await test.engine.warmUp(image: 1, slots: 1)
            let slot = try #require(HostProcess.children(of: test.connection.pid).first)
            // It has more, so that it gets no further one; poll(2) wants as many as it looks at.
            try Self.limitDescriptors(of: slot.pid, to: 8)
            for code in 3...5 {
                #expect(try await test.probe("exit", "\(code)").ending == .exited(Int32(code)))
            }
            #expect(await test.engine.slotFigures.setUpFailures == 1)
            await test.engine.shutDown()
        }
    }
}
