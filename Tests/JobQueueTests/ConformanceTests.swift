import Foundation
import JobQueue
import Jobs
import ManualClock
import Testing

/// What every queue must do, whatever holds its jobs.
@Suite(.timeLimit(.minutes(1))) struct ConformanceTests {
    // MARK: The line

    @Test(arguments: QueueKind.all) func givesJobsOutInTheirOrder(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        // More than one chunk of the line's storage.
        let ids = (0..<100).map { "job-\($0)" }
        for id in ids { try await queue.add(id) }
        var taken: [String] = []
        for _ in ids { taken.append(try await queue.take().id) }
        #expect(taken == ids)
    }

    @Test(arguments: QueueKind.all) func wakesWaitingWorkersInTheirOrder(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        let first = Task { try await queue.take() }
        try await queue.settle { $0.takers == 1 }
        let second = Task { try await queue.take() }
        try await queue.settle { $0.takers == 2 }
        try await queue.add("a")
        try await queue.add("b")
        #expect(try await first.value.id == "a")
        #expect(try await second.value.id == "b")
    }

    @Test(arguments: QueueKind.all) func handsOutWhatWasAdded(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        let request = Data(#"{"language":"c","code":"\u00e9"}"#.utf8)
        let created = clock.date
        try await queue.add(NewJob(id: "a", request: request))
        clock.advance(by: .milliseconds(250))
        let lease = try await queue.take()
        #expect(lease.request == request)
        #expect(lease.attempt == 1)
        #expect(lease.createdAt == created)
        #expect(lease.queueTime == .milliseconds(250))
    }

    /// Whoever runs a job logs under the id of the request that made it, every time that it is run.
    @Test(arguments: QueueKind.all) func handsOutTheRequestsID(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        let id = try #require(RequestID("trace-1"))
        try await queue.add(NewJob(id: "a", request: Data("{}".utf8), requestID: id))
        let first = try await queue.take()
        #expect(first.requestID == id)
        try await queue.release(first.token)
        #expect(try await queue.take().requestID == id)
        try await queue.add("b")
        #expect(try await queue.take().requestID == nil)
    }

    @Test(arguments: QueueKind.all) func refusesMoreThanItsCapacity(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 2))
        try await queue.add("a")
        try await queue.add("b")
        await expectRefusal(.full) { try await queue.add("c") }
        _ = try await queue.take()
        try await queue.add("c")
        #expect(try await queue.counts() == QueueCounts(queued: 2, running: 1))
    }

    @Test(arguments: QueueKind.all) func takesCapacityAtomically(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 10))
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                group.addTask {
                    do {
                        try await queue.add("job-\(index)")
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 10)
    }

    @Test(arguments: QueueKind.all) func boundsTheBytesThatItHolds(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueuedBytes: 100))
        try await queue.add(NewJob(id: "a", request: Data(count: 60)))
        await expectRefusal(.full) { try await queue.add(NewJob(id: "b", request: Data(count: 41))) }
        // A running job still takes its bytes; a finished one gives them back.
        let lease = try await queue.take()
        await expectRefusal(.full) { try await queue.add(NewJob(id: "b", request: Data(count: 41))) }
        try await queue.complete(lease.token, with: .sample("a"))
        try await queue.add(NewJob(id: "b", request: Data(count: 100)))
    }

    @Test(arguments: QueueKind.all) func refusesAJobThatIsThere(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        await expectRefusal(.duplicateJob) { try await queue.add("a") }
        let lease = try await queue.take()
        await expectRefusal(.duplicateJob) { try await queue.add("a") }
        try await queue.complete(lease.token, with: .sample("a"))
        await expectRefusal(.duplicateJob) { try await queue.add("a") }
    }

    @Test(arguments: QueueKind.all) func stopsTakingWhenCancelled(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        let taking = Task { try await queue.take() }
        try await queue.settle { $0.takers == 1 }
        taking.cancel()
        await expectRefusal(.interrupted) { _ = try await taking.value }
        // The job goes to somebody who is there.
        try await queue.add("a")
        #expect(try await queue.take().id == "a")
    }

    @Test(arguments: QueueKind.all) func doesNotTakeForACancelledTask(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let taking = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await queue.take()
        }
        await expectRefusal(.interrupted) { _ = try await taking.value }
        #expect(try await queue.counts().queued == 1)
    }

    // MARK: Owners

    private func owned(_ id: String, _ owner: String, maxOpen: Int? = nil, maxQueued: Int? = nil) -> NewJob {
        NewJob(
            id: id, request: Data(#"{"language":"c","code":"\#(id)"}"#.utf8),
            owner: JobOwner(id: owner, name: "name-of-\(owner)", maxOpen: maxOpen, maxQueued: maxQueued))
    }

    /// Adds a job for each name, its first letter being whose it is.
    private func add(_ names: String, to queue: any JobQueue) async throws {
        for name in names.split(separator: " ") { try await queue.add(owned(String(name), String(name.prefix(1)))) }
    }

    private func take(_ count: Int, from queue: any JobQueue) async throws -> String {
        var names: [String] = []
        for _ in 0..<count { names.append(try await queue.take().id) }
        return names.joined(separator: " ")
    }

    @Test("owners take turns, and each keeps its own order", arguments: QueueKind.all)
    func takesTurns(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await add("a1 a2 a3 a4 a5 a6", to: queue)
        try await add("b1 b2", to: queue)
        try await add("c1", to: queue)
        #expect(try await take(4, from: queue) == "a1 b1 c1 a2")
        // Who comes again has no more turns than who stayed.
        try await add("c2 c3 b3 a7 d1", to: queue)
        #expect(try await take(10, from: queue) == "b2 a3 c2 d1 b3 a4 c3 a5 a6 a7")
    }

    @Test("a flood of one owner delays another's job by one job and no more", arguments: QueueKind.all)
    func isNotStarved(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        for index in 0..<200 { try await queue.add(owned("a\(index)", "a")) }
        var taken: [String] = []
        for round in 0..<20 {
            try await queue.add(owned("b\(round)", "b"))
            // The flood goes on.
            try await queue.add(owned("a\(200 + round)", "a"))
            let pair = try await take(2, from: queue)
            #expect(pair.contains("b\(round)"), "\(pair)")
            taken += pair.split(separator: " ").map(String.init)
        }
        #expect(taken.filter { $0.hasPrefix("a") } == (0..<20).map { "a\($0)" }, "nor is the flood starved")
    }

    @Test("a job that was given back is the next one, whosever turn it is", arguments: QueueKind.all)
    func givesBackBeforeTurns(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await add("a1 a2 b1", to: queue)
        let lease = try await queue.take()
        #expect(lease.id == "a1")
        try await queue.release(lease.token)
        #expect(try await take(3, from: queue) == "a1 b1 a2")
    }

    @Test("what is cancelled in the middle leaves the turns of the others", arguments: QueueKind.all)
    func cancelsWithinTurns(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await add("a1 a2 b1 b2 c1", to: queue)
        for id in ["b1", "c1"] { #expect(try await queue.cancel(id) == .cancelled) }
        try await add("c2", to: queue)
        let order = try await take(4, from: queue)
        #expect(order.split(separator: " ").filter { $0.hasPrefix("a") } == ["a1", "a2"])
        #expect(order.contains("b2") && order.contains("c2"))
    }

    @Test("of any number at once exactly as many get in as the owner may have", arguments: QueueKind.all)
    func boundsOwners(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        func addAtOnce(_ round: Int) async -> [QueueError.Code?: Int] {
            await withTaskGroup(of: QueueError.Code?.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        do throws(QueueError) {
                            try await queue.add(owned("a\(round)-\(index)", "a", maxOpen: 7, maxQueued: 4))
                            return nil
                        } catch {
                            #expect(error.retryAfter.map { $0 >= .seconds(1) } == true)
                            return error.code
                        }
                    }
                }
                var codes: [QueueError.Code?: Int] = [:]
                for await code in group { codes[code, default: 0] += 1 }
                return codes
            }
        }
        #expect(await addAtOnce(0) == [nil: 4, .ownerFull: 96])
        let first = try await queue.take()
        for _ in 0..<3 { _ = try await queue.take() }
        #expect(await addAtOnce(1) == [nil: 3, .ownerBusy: 97])
        // Others are not concerned.
        try await queue.add(owned("b", "b", maxOpen: 1))
        try await queue.complete(first.token, with: .sample(first.id))
        #expect(await addAtOnce(2) == [nil: 1, .ownerBusy: 99])
        // One that is given back waits again; one that is cancelled does neither.
        let second = try await queue.take()
        try await queue.release(second.token)
        #expect(try await queue.cancel(second.id) == .cancelled)
        #expect(await addAtOnce(3) == [nil: 1, .ownerBusy: 99])
    }

    /// Adds jobs of one owner until it is told to come again.
    private func fill(_ queue: any JobQueue, _ owner: String, bytes: Int = 0, maxQueued: Int? = nil) async throws -> Int
    {
        for count in 0..<100 {
            var job = owned("\(owner)-\(count)", owner, maxQueued: maxQueued)
            if bytes > 0 { job.request = Data(repeating: 0x20, count: bytes) }
            do throws(QueueError) {
                try await queue.add(job)
            } catch {
                #expect(error.code == .ownerFull)
                return count
            }
        }
        return 100
    }

    @Test("no owner fills the queue: there is always room for who comes new", arguments: QueueKind.all)
    func leavesRoom(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 24))
        #expect(try await fill(queue, "a") == 12)
        #expect(try await fill(queue, "b") == 6)
        #expect(try await fill(queue, "c") == 3)
        // Whoever runs it may give a share that is larger.
        #expect(try await fill(queue, "d", maxQueued: 2) == 2)
        // What is taken is there again, for those who have fewer than are free.
        for _ in 0..<12 { _ = try await queue.take() }
        try await queue.add(owned("c-again", "c"))
    }

    @Test(
        "what a free worker takes at once does not wait, and is refused for nothing that waits",
        arguments: QueueKind.all)
    func refusesNothingToFreeWorkers(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 2))
        let slots = 40
        try await queue.announce(slots: slots)
        let taking = (0..<slots).map { _ in Task { try await queue.take() } }
        try await queue.settle { $0.takers == slots }
        for index in 0..<slots { try await queue.add(owned("a-\(index)", "a", maxQueued: 1)) }
        for task in taking { _ = try await task.value }
        // Now nobody is free.
        try await queue.add(owned("a-waits", "a", maxQueued: 1))
        await expectRefusal(.ownerFull) { try await queue.add(owned("a-more", "a", maxQueued: 1)) }
        try await queue.add("b")
        await expectRefusal(.full) { try await queue.add("c") }
        #expect(try await queue.counts().running == slots)
    }

    @Test("nor does one fill it with large requests", arguments: QueueKind.all)
    func leavesBytes(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueuedBytes: 10_000))
        #expect(try await fill(queue, "a", bytes: 1_000) == 6)
        #expect(try await fill(queue, "b", bytes: 500) == 5)
        #expect(try await fill(queue, "c", bytes: 100) == 8)
    }

    @Test("whose a job is can be seen for as long as the job", arguments: QueueKind.all)
    func remembersOwners(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add(owned("a1", "a"))
        try await queue.add("n")
        #expect(try await queue.job("a1")?.owner == "a")
        let lease = try await queue.take()
        #expect(lease.ownerName == "name-of-a")
        #expect(try await queue.job("a1")?.owner == "a")
        try await queue.complete(lease.token, with: .sample("a1"))
        #expect(try await queue.job("a1")?.owner == "a")
        #expect(try await queue.job("n")?.owner == nil)
        #expect(try await queue.take().ownerName == nil)
    }

    @Test("a place comes back however a job ends", arguments: QueueKind.all)
    func freesPlaces(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(maxStalls: 0))
        func isFull() async throws -> Bool {
            do throws(QueueError) {
                try await queue.add(owned("probe-\(UUID().uuidString)", "a", maxOpen: 0))
                return false
            } catch {
                return error.code == .ownerBusy && error.detail.hasPrefix("0 ")
            }
        }
        // Expired.
        try await queue.add(
            NewJob(
                id: "a1", request: Data("{}".utf8), timeToLive: .seconds(1), owner: JobOwner(id: "a", name: "name-of-a")
            ))
        clock.advance(by: .seconds(2))
        // In Redis it is found by whoever looks after the queue, or takes from it.
        try await queue.settle { $0.queued == 0 }
        #expect(try await isFull())
        // Stalled too often.
        try await queue.add(owned("a2", "a"))
        _ = try await queue.take()
        clock.advance(by: .seconds(100))
        try await queue.recoverStalled()
        #expect(try await isFull())
        // Failed.
        try await queue.add(owned("a3", "a"))
        let lease = try await queue.take()
        _ = try await queue.fail(lease.token, reason: "x", result: .sample("a3", .internalError), mayRetry: false)
        #expect(try await isFull())
    }

    // MARK: Idempotency keys

    private func keyed(_ id: String, _ key: String, _ code: String = "1", scope: String = "") throws -> NewJob {
        let key: IdempotencyKey = try #require(IdempotencyKey(key, scope: scope))
        return NewJob(id: id, request: Data(#"{"language":"c","code":"\#(code)"}"#.utf8), idempotencyKey: key)
    }

    @Test(arguments: QueueKind.all) func addsOnceUnderOneKey(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 2))
        #expect(try await queue.add(keyed("a", "k")) == .added)
        #expect(try await queue.add(keyed("b", "k")) == .repeated("a"))
        // Another key, another scope: another job.
        #expect(try await queue.add(keyed("c", "k", scope: "other")) == .added)
        await expectRefusal(.full) { try await queue.add(keyed("d", "l")) }
        // A repetition takes no place.
        #expect(try await queue.add(keyed("e", "k")) == .repeated("a"))
        let lease = try await queue.take()
        #expect(lease.id == "a")
        #expect(try await queue.add(keyed("f", "k")) == .repeated("a"))
        try await queue.complete(lease.token, with: .sample("a"))
        #expect(try await queue.add(keyed("g", "k")) == .repeated("a"))
        #expect(try await queue.take().id == "c")
        #expect(try await queue.counts() == QueueCounts(running: 1, finished: 1))
        // A refused job has not taken its key.
        #expect(try await queue.add(keyed("h", "l")) == .added)
    }

    @Test(arguments: QueueKind.all) func refusesAKeyForAnotherRequest(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        // Alike for longer than some hash looks.
        let long = String(repeating: "x", count: 5_000)
        try await queue.add(keyed("a", "k", long + "1"))
        await expectRefusal(.keyReused) { try await queue.add(keyed("b", "k", long + "2")) }
        try await queue.runNext()
        await expectRefusal(.keyReused) { try await queue.add(keyed("b", "k", long + "2")) }
        #expect(try await queue.add(keyed("b", "k", long + "1")) == .repeated("a"))
        #expect(try await queue.job("b") == nil)
    }

    @Test(arguments: QueueKind.all) func forgetsAKeyWithItsJob(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(keepFinishedFor: .seconds(60), maxFinished: 2))
        try await queue.add(keyed("a", "k"))
        // However long it takes until it is finished.
        clock.advance(by: .seconds(600))
        try await queue.runNext()
        clock.advance(by: .seconds(59))
        #expect(try await queue.add(keyed("b", "k")) == .repeated("a"))
        clock.advance(by: .seconds(1))
        #expect(try await queue.job("a") == nil)
        #expect(try await queue.add(keyed("c", "k", "another")) == .added)
        // Dropped early as one of too many.
        for id in ["d", "e"] { try await queue.add(id) }
        for _ in 0..<3 { try await queue.runNext() }
        #expect(try await queue.job("c") == nil)
        #expect(try await queue.add(keyed("f", "k")) == .added)
    }

    @Test(arguments: QueueKind.all) func addsOnceWhateverTheRace(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        let outcomes = try await withThrowingTaskGroup(of: AddOutcome.self) { group in
            for index in 0..<100 {
                let job = try keyed("job-\(index)", "k")
                group.addTask { try await queue.add(job) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .added }.count == 1)
        let id = try await queue.take().id
        #expect(outcomes.filter { $0 == .repeated(id) }.count == 99)
        #expect(try await queue.counts() == QueueCounts(running: 1))
    }

    // MARK: A full line

    private func pause(_ queue: any JobQueue, _ id: String) async throws -> Duration? {
        do {
            try await queue.add(id)
            Issue.record("was not refused")
            return nil
        } catch let error as QueueError {
            #expect(error.code == .full)
            return error.retryAfter
        }
    }

    @Test(arguments: QueueKind.all) func saysWhenToComeAgain(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(maxQueued: 100))
        // Workers that wait for a job tell nothing of how fast they are.
        for index in 0..<50 {
            try await queue.add("early-\(index)")
            clock.advance(by: .seconds(10))
            try await queue.runNext()
        }
        for index in 0..<100 { try await queue.add("job-\(index)") }
        #expect(try await pause(queue, "x") == .seconds(1), "nothing is known yet")
        // One job in two seconds: a tenth of the line takes twenty.
        for index in 0..<20 {
            clock.advance(by: .seconds(2))
            try await queue.runNext()
            try await queue.add("more-\(index)")
        }
        #expect(try await pause(queue, "x") == .seconds(20))
        // Ten times as fast, for long enough that the past does not matter.
        for index in 0..<600 {
            clock.advance(by: .milliseconds(200))
            try await queue.runNext()
            try await queue.add("fast-\(index)")
        }
        let fast = try #require(try await pause(queue, "x"))
        #expect((Duration.seconds(2)...Duration.seconds(5)).contains(fast), "\(fast)")
        // Nobody takes any more.
        clock.advance(by: .seconds(100_000))
        #expect(try await pause(queue, "x") == .seconds(60))
    }

    // MARK: Expiry

    @Test(arguments: QueueKind.all) func expiresWhatWaitsTooLong(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        try await queue.add("a", timeToLive: .seconds(5))
        try await queue.add("b")
        let waiting = Task { try await queue.result(of: "a") }
        try await queue.settle { $0.waiters == 1 }
        clock.advance(by: .seconds(5))
        let result = try #require(try await waiting.value)
        #expect(result.status == .expired)
        #expect(result.language == "c")
        #expect(result.metadata == ["of": .string("a")])
        #expect(try await queue.take().id == "b")
    }

    @Test(arguments: QueueKind.all) func doesNotExpireWhatRuns(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        try await queue.add("a", timeToLive: .seconds(5))
        let lease = try await queue.take()
        clock.advance(by: .seconds(6))
        try await queue.complete(lease.token, with: .sample("a"))
        #expect(try await queue.result(of: "a")?.status == .ok)
    }

    // MARK: Leases

    @Test(arguments: QueueKind.all) func keepsARenewedLease(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(lockDuration: .seconds(30)))
        try await queue.add("a")
        let lease = try await queue.take()
        for _ in 0..<10 {
            clock.advance(by: .seconds(20))
            try await queue.renew(lease.token)
        }
        try await queue.complete(lease.token, with: .sample("a"))
    }

    @Test(arguments: QueueKind.all) func runsAStalledJobAgain(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(lockDuration: .seconds(30)))
        try await queue.add("a")
        try await queue.add("b")
        let lost = try await queue.take()
        clock.advance(by: .seconds(30))
        try await queue.recoverStalled()
        let again = try await queue.take()
        #expect(again.id == "a", "a stalled job goes first")
        #expect(again.attempt == 2)
        #expect(again.request == lost.request)
        // The first worker comes back too late.
        await expectRefusal(.staleLease) { try await queue.renew(lost.token) }
        await expectRefusal(.staleLease) { try await queue.complete(lost.token, with: .sample("a", .signaled)) }
        await expectRefusal(.staleLease) { try await queue.release(lost.token) }
        await expectRefusal(.staleLease) {
            _ = try await queue.fail(lost.token, reason: "x", result: .sample("a", .internalError), mayRetry: true)
        }
        try await queue.complete(again.token, with: .sample("a", attempt: 2))
        #expect(try await queue.result(of: "a")?.status == .ok)
        #expect(await lost.signals.reduce(into: []) { $0.append($1) } == [.lost])
    }

    @Test(arguments: QueueKind.all) func givesAStalledJobToAWaitingWorker(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(lockDuration: .seconds(30)))
        try await queue.add("a")
        _ = try await queue.take()
        let waiting = Task { try await queue.take() }
        try await queue.settle { $0.takers == 1 }
        clock.advance(by: .seconds(31))
        try await queue.recoverStalled()
        #expect(try await waiting.value.attempt == 2)
    }

    @Test(arguments: QueueKind.all) func failsAJobThatStallsTooOften(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(lockDuration: .seconds(30), maxStalls: 2))
        try await queue.add("a", attempts: 10)
        for attempt in 1...3 {
            #expect(try await queue.take().attempt == attempt)
            clock.advance(by: .seconds(30))
            #expect(try await queue.recoverStalled() <= 1)
        }
        let result = try #require(try await queue.result(of: "a"))
        #expect(result.status == .internalError)
        #expect(result.attempt == 3)
        #expect(try await queue.counts().queued == 0)
    }

    @Test(arguments: QueueKind.all) func refusesASecondFinish(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        try await queue.complete(lease.token, with: .sample("a"))
        await expectRefusal(.staleLease) { try await queue.complete(lease.token, with: .sample("a", .signaled)) }
        #expect(try await queue.result(of: "a")?.status == .ok)
    }

    @Test(arguments: QueueKind.all) func refusesAForgedToken(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        _ = try await queue.take()
        await expectRefusal(.staleLease) {
            try await queue.complete(LeaseToken(jobID: "a", secret: ""), with: .sample("a"))
        }
    }

    @Test(arguments: QueueKind.all) func triesAgainAsOftenAsTheJobAllows(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a", attempts: 2)
        let first = try await queue.take()
        let failure = ExecutionResult.sample("a", .internalError)
        #expect(try await queue.fail(first.token, reason: "x", result: failure, mayRetry: true) == .willRetry)
        let second = try await queue.take()
        #expect(second.attempt == 2)
        #expect(try await queue.fail(second.token, reason: "x", result: failure, mayRetry: true) == .finished)
        #expect(try await queue.result(of: "a") == failure)
    }

    @Test(arguments: QueueKind.all) func neverRetriesWhatCannotGoBetter(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a", attempts: 5)
        let lease = try await queue.take()
        let failure = ExecutionResult.sample("a", .internalError)
        #expect(try await queue.fail(lease.token, reason: "invalid", result: failure, mayRetry: false) == .finished)
    }

    @Test(arguments: QueueKind.all) func takesAJobBackUncounted(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        try await queue.add("b")
        try await queue.release(try await queue.take().token)
        #expect(try await queue.job("a")?.state == .queued)
        let lease = try await queue.take()
        #expect(lease.id == "a")
        #expect(lease.attempt == 1)
    }

    @Test(arguments: QueueKind.all) func passesAJobOnBehindTheOthers(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        try await queue.add("a", timeToLive: .seconds(60))
        try await queue.add("b")
        let first = try await queue.take()
        #expect(first.id == "a")
        try await queue.passOn(first.token)
        await expectRefusal(.staleLease) { try await queue.complete(first.token, with: .sample("a")) }
        #expect(try await queue.job("a")?.state == .queued)
        #expect(try await queue.job("a")?.attempt == 0)
        let other = try await queue.take()
        #expect(other.id == "b")
        try await queue.complete(other.token, with: .sample("b"))
        clock.advance(by: passOnPause)
        let again = try await queue.take()
        #expect(again.id == "a")
        #expect(again.attempt == 1)
        // It can be cancelled and expires as before: it was never begun.
        try await queue.passOn(again.token)
        clock.advance(by: .seconds(60))
        #expect(try await queue.result(of: "a")?.status == .expired)
        try await queue.add("c")
        let last = try await queue.take()
        #expect(last.id == "c")
        try await queue.passOn(last.token)
        #expect(try await queue.cancel("c") == .cancelled)
        #expect(try await queue.result(of: "c")?.status == .cancelled)
    }

    // MARK: Ends without a worker's word

    /// Of jobs that ended in the queue, id, status and attempt of each as it was told.
    private actor Told {
        private(set) var ends: [String] = []
        private(set) var jobs: [UnrunJob] = []

        func note(_ job: UnrunJob) {
            ends.append("\(job.result.id) \(job.result.status.rawValue) \(job.result.attempt)")
            jobs.append(job)
        }

        /// Returns once so many were told.
        func reach(_ count: Int) async {
            while jobs.count < count { await Task.yield() }
        }
    }

    @Test("each job that ends in the queue is told of once, with what a record of it needs", arguments: QueueKind.all)
    func tellsOfEachEnd(kind: QueueKind) async throws {
        let told = Told()
        let options = QueueOptions(lockDuration: .seconds(30), maxStalls: 0)
        let (queue, clock) = try await kind.start(options) { await told.note($0) }
        let request = Data(#"{"language":"c","code":"1"}"#.utf8)
        try await queue.add(
            NewJob(
                id: "cancelled", request: request, owner: JobOwner(id: "0", name: "somebody"),
                requestID: RequestID("trace-1")))
        #expect(try await queue.cancel("cancelled") == .cancelled)
        #expect(try await queue.cancel("cancelled") == .alreadyFinished)
        await told.reach(1)
        let first = try #require(await told.jobs.first)
        #expect(first.request == request && first.ownerName == "somebody" && first.requestID == RequestID("trace-1"))
        #expect(try await queue.result(of: "cancelled") == first.result)

        try await queue.add("expired", timeToLive: .seconds(5))
        clock.advance(by: .seconds(5))
        #expect(try await queue.result(of: "expired")?.status == .expired)
        await told.reach(2)

        // One whose worker was heard of no more; and one that was to be cancelled by then.
        try await queue.add("stalls")
        try await queue.add("left")
        _ = try await queue.take()
        _ = try await queue.take()
        #expect(try await queue.cancel("left") == .requested)
        clock.advance(by: .seconds(31))
        try await queue.recoverStalled()
        #expect(try await queue.result(of: "stalls")?.status == .internalError)
        #expect(try await queue.result(of: "left")?.status == .cancelled)
        await told.reach(4)

        // One that was given back, and was to be cancelled meanwhile.
        try await queue.add("returned")
        let lease = try await queue.take()
        #expect(try await queue.cancel("returned") == .requested)
        try await queue.release(lease.token)
        await told.reach(5)

        // What a worker ends, it tells itself.
        try await queue.add("fails")
        let failed = try await queue.take()
        _ = try await queue.fail(failed.token, reason: "x", result: .sample("fails", .internalError), mayRetry: false)
        try await queue.add("done")
        try await queue.runNext()
        await queue.close()
        #expect(
            await told.ends.sorted() == [
                "cancelled cancelled 0", "expired expired 0", "left cancelled 1", "returned cancelled 1",
                "stalls internal_error 1",
            ])
    }

    @Test("who is told holds up the queue, so that no more is untold than may wait", arguments: QueueKind.all)
    func boundsWhatIsUntold(kind: QueueKind) async throws {
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let told = Told()
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 2)) { job in
            for await _ in gate { break }
            await told.note(job)
        }
        let cancelling = Task {
            for round in 0..<10 {
                do {
                    try await queue.add("job-\(round)")
                } catch {
                    return round
                }
                _ = try await queue.cancel("job-\(round)")
            }
            return 10
        }
        // The embedded queue refuses what comes then; with Redis, whoever cancels waits.
        if kind.testDescription == "embedded" { #expect(try await cancelling.value == 2) }
        opener.finish()
        _ = try await cancelling.value
        await queue.close()
        let ends = await told.ends
        #expect(Set(ends).count == ends.count && ends.count >= 2)
    }

    // MARK: Results

    @Test(arguments: QueueKind.all) func answersWhoCameBeforeAndAfterTheFinish(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let early = Task { try await queue.result(of: "a") }
        let other = Task { try await queue.result(of: "a") }
        try await queue.settle { $0.waiters == 2 }
        try await queue.runNext()
        #expect(try await early.value?.status == .ok)
        #expect(try await other.value?.status == .ok)
        #expect(try await queue.result(of: "a")?.status == .ok)
        #expect(try await queue.counts().waiters == 0)
    }

    /// Finish and wait race; no order of the two may lose the result.
    @Test(arguments: QueueKind.all) func losesNoResultInARace(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxFinished: 1_000))
        for round in 0..<300 {
            let id = "job-\(round)"
            try await queue.add(id)
            async let finished: Void = {
                for _ in 0..<(round % 7) { await Task.yield() }
                try await queue.runNext()
            }()
            for _ in 0..<(round % 5) { await Task.yield() }
            #expect(try await queue.result(of: id)?.id == id)
            try await finished
        }
    }

    @Test(arguments: QueueKind.all) func answersAThousandWaiters(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<1_000 { group.addTask { try await queue.result(of: "a")?.status == .ok } }
            try await queue.settle { $0.waiters == 1_000 }
            try await queue.runNext()
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answers == 1_000)
    }

    @Test(arguments: QueueKind.all) func boundsTheNumberOfWaiters(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxWaiters: 1))
        try await queue.add("a")
        let waiting = Task { try await queue.result(of: "a") }
        try await queue.settle { $0.waiters == 1 }
        await expectRefusal(.tooManyWaiters) { _ = try await queue.result(of: "a") }
        try await queue.runNext()
        #expect(try await waiting.value != nil)
        let taking = Task { try await queue.take() }
        try await queue.settle { $0.takers == 1 }
        await expectRefusal(.tooManyWaiters) { _ = try await queue.take() }
        taking.cancel()
        await expectRefusal(.interrupted) { _ = try await taking.value }
    }

    @Test(arguments: QueueKind.all) func waitsNoLongerThanAsked(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        try await queue.add("a")
        let short = Task { try await queue.result(of: "a", waitingAtMost: .seconds(2)) }
        let long = Task { try await queue.result(of: "a", waitingAtMost: .seconds(60)) }
        try await queue.settle { $0.waiters == 2 }
        clock.advance(by: .seconds(2))
        #expect(try await short.value == nil)
        try await queue.runNext()
        #expect(try await long.value?.status == .ok)
        try await queue.add("b")
        #expect(try await queue.result(of: "b", waitingAtMost: .zero) == nil)
    }

    @Test(arguments: QueueKind.all) func stopsWaitingWhenCancelled(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let waiting = Task { try await queue.result(of: "a") }
        try await queue.settle { $0.waiters == 1 }
        waiting.cancel()
        await expectRefusal(.interrupted) { _ = try await waiting.value }
        #expect(try await queue.counts() == QueueCounts(queued: 1))
    }

    @Test(arguments: QueueKind.all) func knowsNothingOfStrangers(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        await expectRefusal(.unknownJob) { _ = try await queue.result(of: "a") }
        #expect(try await queue.job("a") == nil)
        #expect(try await queue.cancel("a") == .unknownJob)
    }

    // MARK: Cancelling

    @Test(arguments: QueueKind.all) func cancelsWhatWaits(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxQueued: 2))
        try await queue.add("a")
        try await queue.add("b")
        #expect(try await queue.cancel("a") == .cancelled)
        #expect(try await queue.result(of: "a")?.status == .cancelled)
        #expect(try await queue.cancel("a") == .alreadyFinished)
        try await queue.add("c")
        #expect(try await queue.take().id == "b")
        #expect(try await queue.take().id == "c")
    }

    @Test(arguments: QueueKind.all) func tellsTheWorkerOfACancellation(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a", attempts: 3)
        let lease = try await queue.take()
        #expect(try await queue.cancel("a") == .requested)
        var signals = lease.signals.makeAsyncIterator()
        #expect(await signals.next() == .cancelRequested)
        let cancelled = ExecutionResult.sample("a", .cancelled)
        // Even where the worker would try again.
        #expect(
            try await queue.fail(lease.token, reason: "cancelled", result: cancelled, mayRetry: true) == .finished)
        #expect(await signals.next() == nil)
        #expect(try await queue.result(of: "a") == cancelled)
    }

    @Test(arguments: QueueKind.all) func keepsAVerdictThatCameBeforeTheCancellation(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        #expect(try await queue.cancel("a") == .requested)
        try await queue.complete(lease.token, with: .sample("a"))
        #expect(try await queue.result(of: "a")?.status == .ok)
        #expect(try await queue.cancel("a") == .alreadyFinished)
    }

    @Test(arguments: QueueKind.all) func doesNotRunACancelledJobAgain(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(lockDuration: .seconds(30)))
        for id in ["a", "given back"] {
            try await queue.add(id)
            let lease = try await queue.take()
            #expect(try await queue.cancel(id) == .requested)
            if id == "given back" {
                try await queue.release(lease.token)
            } else {
                clock.advance(by: .seconds(30))
                try await queue.recoverStalled()
            }
            #expect(try await queue.result(of: id)?.status == .cancelled)
            #expect(try await queue.counts().queued == 0)
        }
    }

    // MARK: Looking

    @Test(arguments: QueueKind.all) func showsAJobOnItsWay(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        let created = clock.date
        try await queue.add("a")
        #expect(try await queue.job("a") == JobSnapshot(id: "a", state: .queued, createdAt: created))
        clock.advance(by: .seconds(1))
        let started = clock.date
        let lease = try await queue.take()
        #expect(
            try await queue.job("a")
                == JobSnapshot(id: "a", state: .running, createdAt: created, startedAt: started, attempt: 1))
        clock.advance(by: .seconds(1))
        try await queue.complete(lease.token, with: .sample("a"))
        #expect(
            try await queue.job("a")
                == JobSnapshot(
                    id: "a", state: .finished, createdAt: created, startedAt: started, finishedAt: clock.date,
                    attempt: 1,
                    result: .sample("a")))
    }

    @Test(arguments: QueueKind.all) func forgetsTheOldestFinishedJobs(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start(QueueOptions(keepFinishedFor: .seconds(60), maxFinished: 2))
        for id in ["a", "b", "c"] {
            try await queue.add(id)
            try await queue.runNext()
            clock.advance(by: .seconds(10))
        }
        #expect(try await queue.job("a") == nil)
        #expect(try await queue.job("b") != nil)
        clock.advance(by: .seconds(40))
        #expect(try await queue.job("b") == nil)
        #expect(try await queue.job("c") != nil)
        clock.advance(by: .seconds(10))
        #expect(try await queue.counts() == QueueCounts())
        // A forgotten id is free again.
        try await queue.add("a")
    }

    @Test(arguments: QueueKind.all) func boundsTheBytesOfResults(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxFinishedBytes: 250_000))
        for id in ["a", "b", "c"] {
            try await queue.add(id)
            let lease = try await queue.take()
            try await queue.complete(lease.token, with: .sample(id, stdout: String(repeating: "x", count: 100_000)))
        }
        #expect(try await queue.counts().finished == 2)
        #expect(try await queue.job("a") == nil)
    }

    // MARK: The end

    @Test(arguments: QueueKind.all) func drainsBeforeItCloses(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("running")
        let lease = try await queue.take()
        let taking = Task { try await queue.take() }
        try await queue.settle { $0.takers == 1 }
        let answered = Task { try await queue.result(of: "running") }
        try await queue.settle { $0.waiters == 1 }
        await queue.drain()
        await expectRefusal(.closed) { _ = try await taking.value }
        await expectRefusal(.closed) { try await queue.add("b") }
        await expectRefusal(.closed) { _ = try await queue.take() }
        try await queue.complete(lease.token, with: .sample("running"))
        #expect(try await answered.value?.status == .ok)
    }

    @Test(arguments: QueueKind.all) func tellsWhoWaitsForAJobThatWillNotRun(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("released")
        let lease = try await queue.take()
        try await queue.add("waiting")
        let waiting = Task { try await queue.result(of: "waiting") }
        let released = Task { try await queue.result(of: "released") }
        try await queue.settle { $0.waiters == 2 }
        await queue.drain()
        await expectRefusal(.closed) { _ = try await waiting.value }
        await expectRefusal(.closed) { _ = try await queue.result(of: "waiting") }
        try await queue.release(lease.token)
        await expectRefusal(.closed) { _ = try await released.value }
    }

    @Test(arguments: QueueKind.all) func endsEveryWaitWhenItCloses(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        let taking = Task { try await queue.take() }
        let waiting = Task { try await queue.result(of: "a") }
        try await queue.settle { $0.takers == 1 && $0.waiters == 1 }
        await queue.close()
        await expectRefusal(.closed) { _ = try await taking.value }
        await expectRefusal(.closed) { _ = try await waiting.value }
        // The worker may still put down what it has.
        try await queue.complete(lease.token, with: .sample("a"))
    }
}
