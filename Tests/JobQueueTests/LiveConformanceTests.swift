import Foundation
import JobQueue
import Jobs
import ManualClock
import Synchronization
import Testing

/// What every queue must do for those who follow a job and those who send to it.
@Suite(.timeLimit(.minutes(1))) struct LiveConformanceTests {
    /// What a program wrote so far.
    private final class Written: LiveOutput {
        private let state = Mutex<(bytes: [LiveStream: [UInt8]], onMore: (@Sendable () -> Void)?)>(([:], nil))

        func write(_ text: String, to stream: LiveStream = .stdout) { write(Array(text.utf8), to: stream) }

        func write(_ bytes: [UInt8], to stream: LiveStream = .stdout) {
            state.withLock { state in
                state.bytes[stream, default: []] += bytes
                return state.onMore
            }?()
        }

        func bytes(of stream: LiveStream, from offset: Int, atMost most: Int) -> [UInt8] {
            state.withLock { Array(($0.bytes[stream] ?? []).dropFirst(offset).prefix(most)) }
        }

        func whenMore(_ action: (@Sendable () -> Void)?) {
            state.withLock { $0.onMore = action }
            action?()
        }
    }

    /// A program that takes its standard input when it is told to.
    private final class Reader: JobInputSink {
        private let state = Mutex<(bytes: [UInt8], isClosed: Bool)>(([], false))

        func write(_ bytes: [UInt8]) { state.withLock { $0.bytes += bytes } }
        func close() { state.withLock { $0.isClosed = true } }
        var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
        var count: Int { state.withLock { $0.bytes.count } }
        var isClosed: Bool { state.withLock { $0.isClosed } }
    }

    /// Reads until `isLast`, or the result.
    private func read(_ feed: LiveFeed, until isLast: (LiveEvent) -> Bool = { _ in false }) async throws -> [LiveEvent]
    {
        var events: [LiveEvent] = []
        while true {
            events += try await feed.next(waitingAtMost: .seconds(30))
            if events.contains(where: { isLast($0) || $0.position.isResult }) { return events }
        }
    }

    private func names(_ events: [LiveEvent]) -> [String] {
        events.map { event in
            switch event.kind {
            case .queued: "queued"
            case .started(let worker): "started \(event.position.attempt) \(worker)"
            case .stage(let stage): stage.rawValue
            case .output(let stream, let bytes): "\(stream): \(String(decoding: bytes, as: UTF8.self))"
            case .result(let job): "result \(job.result?.status.rawValue ?? "none")"
            }
        }
    }

    private func text(_ events: [LiveEvent], _ wanted: LiveStream = .stdout) -> [UInt8] {
        events.flatMap { event in
            if case .output(wanted, let bytes) = event.kind { return bytes }
            return [UInt8]()
        }
    }

    private func isOutput(_ event: LiveEvent) -> Bool {
        if case .output = event.kind { return true }
        return false
    }

    private func result(
        _ id: String, stdout: String, attempt: Int = 1, status: Status = .ok
    ) -> ExecutionResult {
        var result = ExecutionResult.sample(id, status, attempt: attempt, stdout: stdout)
        result.stdoutBytes = stdout.utf8.count
        result.wallTimeMs = 5
        return result
    }

    @Test(arguments: QueueKind.all) func tellsWhatHappensAsItHappens(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let feed = try await queue.follow("a", after: .start)
        #expect(names(try await feed.next(waitingAtMost: .seconds(30))) == ["queued"])
        let lease = try await queue.take()
        lease.live.enter(.compile)
        #expect(names(try await read(feed) { $0.kind == .stage(.compile) }) == ["started 1 test", "compile"])
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        _ = try await read(feed) { $0.kind == .stage(.run) }
        for line in ["one\n", "two\n"] {
            written.write(line)
            #expect(names(try await read(feed, until: isOutput)) == ["stdout: \(line)"])
        }
        written.write("oh", to: .stderr)
        #expect(names(try await read(feed, until: isOutput)) == ["stderr: oh"])
        try await queue.complete(lease.token, with: result("a", stdout: "one\ntwo\n"))
        let last = try await read(feed)
        #expect(names(last) == ["result ok"])
        guard case .result(let job)? = last.last?.kind else { return }
        #expect(job == (try await queue.job("a")))
    }

    @Test(arguments: QueueKind.all) func whoComesLateMissesNothing(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        written.write("before ")
        let feed = try await queue.follow("a", after: .start)
        var events = try await read(feed, until: isOutput)
        #expect(names(events) == ["queued", "started 1 test", "run", "stdout: before "])
        written.write("after")
        events += try await read(feed, until: isOutput)
        try await queue.complete(lease.token, with: result("a", stdout: "before after"))
        events += try await read(feed)
        #expect(text(events) == Array("before after".utf8))
        let positions = events.map(\.position)
        #expect(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
    }

    /// While the job runs, and after it.
    @Test(arguments: QueueKind.all) func goesOnFromEveryPosition(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        let feed = try await queue.follow("a", after: .start)
        // Bytes that are no characters are in no text of the result.
        let lines: [[UInt8]] = [Array("é1\n".utf8), [0xFF, 0x0A], Array("3\n".utf8)]
        var events: [LiveEvent] = []
        for line in lines {
            written.write(line)
            events += try await read(feed, until: isOutput)
        }
        var end = result("a", stdout: "é1\n\u{FFFD}\n3\n")
        end.stdoutBytes = 8
        end.stdoutLossy = true
        func check() async throws {
            for (index, event) in events.enumerated() {
                let again = try await queue.follow("a", after: event.position)
                let rest = events.dropFirst(index + 1)
                let told =
                    rest.isEmpty ? [] : try await read(again) { $0.position == events.last?.position }
                #expect(text(told) == text(Array(rest)))
                #expect(told.allSatisfy { $0.position > event.position })
            }
        }
        try await check()
        try await queue.complete(lease.token, with: end)
        events += try await read(feed)
        try await check()
    }

    @Test(arguments: QueueKind.all) func tellsOfAFinishedJobOutOfItsResult(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        try await queue.complete(lease.token, with: result("a", stdout: "all"))
        let events = try await read(try await queue.follow("a", after: .start))
        #expect(names(events) == ["queued", "started 1 test", "run", "stdout: all", "result ok"])
        // As if the first two bytes had been heard live.
        let rest = try await read(try await queue.follow("a", after: .output(2, 0, of: 1)))
        #expect(names(rest) == ["stdout: l", "result ok"])
    }

    @Test(arguments: QueueKind.all) func tellsOfAnotherAttempt(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a", attempts: 2)
        let feed = try await queue.follow("a", after: .start)
        var lease = try await queue.take()
        var written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        written.write("void")
        var events = try await read(feed, until: isOutput)
        let failure = ExecutionResult.sample("a", .internalError)
        #expect(try await queue.fail(lease.token, reason: "broke", result: failure, mayRetry: true) == .willRetry)
        lease = try await queue.take()
        written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        written.write("sound")
        events += try await read(feed) { $0.position.attempt == 2 && isOutput($0) }
        try await queue.complete(lease.token, with: result("a", stdout: "sound", attempt: 2))
        events += try await read(feed)
        #expect(
            names(events) == [
                "queued", "started 1 test", "run", "stdout: void", "started 2 test", "run", "stdout: sound",
                "result ok",
            ])
    }

    /// Given back before it began, its number is another's.
    @Test(arguments: QueueKind.all) func tellsNothingOfWhatWasGivenBack(kind: QueueKind) async throws {
        let (queue, clock) = try await kind.start()
        try await queue.add("a")
        let feed = try await queue.follow("a", after: .queued)
        try await queue.release(try await queue.take(by: "first").token)
        clock.advance(by: .seconds(1))
        let lease = try await queue.take(by: "second")
        lease.live.enter(.run)
        #expect(names(try await read(feed) { $0.kind == .stage(.run) }) == ["started 1 second", "run"])
    }

    @Test(arguments: QueueKind.all) func holdsTheBeginningOfACharacterBack(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let lease = try await queue.take()
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        let feed = try await queue.follow("a", after: .start)
        let euro = Array("€".utf8)
        written.write(Array("1".utf8) + euro.prefix(2))
        var events = try await read(feed, until: isOutput)
        #expect(text(events) == Array("1".utf8))
        written.write(Array(euro.dropFirst(2)) + euro.prefix(1))
        events = try await read(feed, until: isOutput)
        #expect(text(events) == euro)
        try await queue.complete(lease.token, with: result("a", stdout: "1€"))
        // What is left at the end of the stream is told.
        #expect(text(try await read(feed)) == Array(euro.prefix(1)))
    }

    /// The output of a job is as large as its limit and in pieces that fit into memory, for one who reads late as well.
    @Test(arguments: QueueKind.all) func holdsNeitherTheJobNorMemory(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let idle = try await queue.follow("a", after: .start)
        let lease = try await queue.take()
        let written = Written()
        lease.live.enter(.run)
        lease.live.collect(from: written)
        let bytes = (0..<1_000_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        for start in stride(from: 0, to: bytes.count, by: 10_000) {
            written.write(Array(bytes[start..<start + 10_000]))
        }
        try await queue.complete(
            lease.token, with: result("a", stdout: String(decoding: bytes, as: UTF8.self)))
        var events: [LiveEvent] = []
        while events.last?.position.isResult != true {
            let next = try await idle.next(waitingAtMost: .seconds(30))
            for event in next {
                if case .output(_, let piece) = event.kind { #expect(piece.count <= LiveEvent.mostBytes) }
            }
            events += next
        }
        #expect(text(events) == bytes)
    }

    @Test(arguments: QueueKind.all) func boundsThoseWhoFollow(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start(QueueOptions(maxFollowers: 2))
        try await queue.add("a")
        await expectRefusal(.unknownJob) { _ = try await queue.follow("b", after: .start) }
        let first = try await queue.follow("a", after: .start)
        func followAndLeave() async throws {
            let second = try await queue.follow("a", after: .start)
            await expectRefusal(.tooManyWaiters) { _ = try await queue.follow("a", after: .start) }
            withExtendedLifetime(second) {}
        }
        try await followAndLeave()
        // Its place is free again.
        while true {
            do {
                _ = try await queue.follow("a", after: .start)
                break
            } catch {
                guard error.code == .tooManyWaiters else { throw error }
                await Task.yield()
            }
        }
        withExtendedLifetime(first) {}
    }

    @Test(arguments: QueueKind.all) func tellsTheResultOfWhatIsCancelledInTheLine(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let feed = try await queue.follow("a", after: .start)
        #expect(names(try await feed.next(waitingAtMost: .seconds(30))) == ["queued"])
        let waiting = Task { try await feed.next(waitingAtMost: .seconds(30)) }
        #expect(try await queue.cancel("a") == .cancelled)
        #expect(names(try await waiting.value) == ["result cancelled"])
    }

    @Test(arguments: QueueKind.all) func endsWithTheQueue(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let feed = try await queue.follow("a", after: .queued)
        let waiting = Task { try await feed.next(waitingAtMost: .seconds(30)) }
        await queue.drain()
        await expectRefusal(.closed) { _ = try await waiting.value }
        await queue.close()
    }

    @Test(arguments: QueueKind.all) func stopsWaitingWhenEnded(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        let feed = try await queue.follow("a", after: .queued)
        let waiting = Task { try await feed.next(waitingAtMost: .seconds(30)) }
        feed.end()
        await expectRefusal(.interrupted) { _ = try await waiting.value }
        let cancelled = try await queue.follow("a", after: .queued)
        let other = Task { try await cancelled.next(waitingAtMost: .seconds(30)) }
        other.cancel()
        await expectRefusal(.interrupted) { _ = try await other.value }
        #expect(try await cancelled.next(waitingAtMost: .zero) == [])
    }

    // MARK: Input

    private func addInteractive(_ queue: any JobQueue, _ id: String) async throws {
        let request = Data(#"{"language":"c","code":"1","interactive":true}"#.utf8)
        try await queue.add(NewJob(id: id, request: request, isInteractive: true))
    }

    /// Returns once it holds.
    private func eventually(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { await Task.yield() }
    }

    @Test(arguments: QueueKind.all) func bringsInputToTheProgramInItsOrder(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await addInteractive(queue, "a")
        #expect(try await queue.send(Array("1 ".utf8), isEnd: false, toInputOf: "a") == .taken)
        let lease = try await queue.take()
        #expect(try await queue.send(Array("2 ".utf8), isEnd: false, toInputOf: "a") == .taken)
        let reader = Reader()
        let input = try #require(lease.input)
        input.attach(reader)
        for word in ["3 ", "4 "] {
            #expect(try await queue.send(Array(word.utf8), isEnd: false, toInputOf: "a") == .taken)
        }
        try await eventually { reader.text == "1 2 3 4 " }
        input.took(3)
        #expect(!reader.isClosed)
        #expect(try await queue.send(Array("5".utf8), isEnd: true, toInputOf: "a") == .taken)
        try await eventually { reader.isClosed }
        #expect(reader.text == "1 2 3 4 5")
        #expect(try await queue.send([], isEnd: false, toInputOf: "a") == .closed)
        try await queue.complete(lease.token, with: .sample("a"))
        #expect(try await queue.send([1], isEnd: false, toInputOf: "a") == .finished)
    }

    @Test(arguments: QueueKind.all) func boundsWhatIsUnread(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await addInteractive(queue, "a")
        let half = [UInt8](repeating: 7, count: JobInput.mostUnread / 2)
        func send(_ bytes: [UInt8]) async throws -> InputOutcome {
            try await queue.send(bytes, isEnd: false, toInputOf: "a")
        }
        #expect(try await send(half) == .taken)
        #expect(try await send(half + [1]) == .full)
        #expect(try await send(half) == .taken)
        #expect(try await send([1]) == .full)
        let lease = try await queue.take()
        let reader = Reader()
        lease.input?.attach(reader)
        try await eventually { reader.count == JobInput.mostUnread }
        // At the program, and not read by it.
        #expect(try await send([1]) == .full)
        lease.input?.took(10)
        try await eventually { try await send([1]) == .taken }
        #expect(try await send([UInt8](repeating: 1, count: 10)) == .full)
        #expect(try await send([UInt8](repeating: 1, count: 9)) == .taken)
        try await eventually { reader.count == JobInput.mostUnread + 10 }
    }

    @Test(arguments: QueueKind.all) func knowsThatAProgramHasClosedItsInput(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await addInteractive(queue, "a")
        let lease = try await queue.take()
        lease.input?.attach(Reader())
        lease.input?.broke()
        try await eventually { try await queue.send([1], isEnd: false, toInputOf: "a") == .closed }
    }

    @Test(arguments: QueueKind.all) func refusesInputThatNobodyAskedFor(kind: QueueKind) async throws {
        let (queue, _) = try await kind.start()
        try await queue.add("a")
        #expect(try await queue.send([1], isEnd: false, toInputOf: "a") == .notInteractive)
        #expect(try await queue.take().input == nil)
        #expect(try await queue.send([1], isEnd: false, toInputOf: "b") == .unknownJob)
    }

    @Test func positionsAreReadAsTheyAreWritten() {
        for position in [
            LivePosition.start, .queued, .started(1), .stage(.run, of: 2), .output(5, 7, of: 1), .result(of: 3),
        ] {
            #expect(LivePosition(position.description) == position)
        }
        #expect(LivePosition.output(5, 7, of: 1).told == (5, 7))
        for text in ["", "1", "1-", "-1-1", "01-1", "1-+1", "1-9223372036854775808", "a-1", "1-1-1"] {
            #expect(LivePosition(text) == nil, "\(text)")
        }
    }
}
