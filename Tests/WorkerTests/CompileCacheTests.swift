import Jobs
import Testing

@testable import Isolation
@testable import Worker

@Suite("Compile cache", .timeLimit(.minutes(1)))
struct CompileCacheTests {
    private static let source = #"{"language":"c","code":"int main;"}"#
    private static let made = Samples.outcome(
        output: "note\n", error: "main.c:1: warning\n", files: [Samples.product])
    private static let ran = Samples.outcome(output: "ran")

    private let cache = CompileCache(mostBytes: 1 << 20, contents: Samples.contents)

    private func run(
        _ engine: TableEngine, _ json: String = source, id: String = "j-1"
    ) async throws -> ExecutionResult {
        await Samples.runner(engine, compileCache: cache).run(try Samples.request(json), .init(id: id))
    }

    /// A job in a task of its own, begun as soon as the engine or the cache has it.
    private func start(_ engine: TableEngine) async throws -> Task<ExecutionResult, any Error> {
        let (runs, waiting) = (engine.seen.count, cache.figures.waiting)
        let task = Task { try await run(engine) }
        try await until { engine.seen.count > runs || cache.figures.waiting > waiting }
        return task
    }

    // MARK: One after the other

    @Test("the same source again skips the compiler, and is told what the compiler said")
    func again() async throws {
        let engine = TableEngine(.outcome(Self.made), .outcome(Self.ran), .outcome(Self.ran))
        let first = try await run(engine)
        let second = try await run(engine)
        #expect(first.status == .ok)
        #expect(second.status == .ok)
        #expect(second.stdout == "ran")
        var compile = try #require(first.compile)
        #expect(!compile.cached)
        #expect(compile.stderr == "main.c:1: warning\n")
        compile.cached = true
        #expect(second.compile == compile)
        try #require(engine.seen.count == 3)
        // The program's sandbox gets the product either way, and not the source.
        #expect(engine.seen[1].files == [Samples.product])
        #expect(engine.seen[2].files == [Samples.product])
        #expect(engine.seen[2].arguments == ["/box/main"])
        let figures = cache.figures
        #expect(figures.hits == 1)
        #expect(figures.misses == 1)
        #expect(figures.entries == 1)
        #expect(figures.bytes > 0)
        #expect(figures.evictions == 0)
    }

    @Test("without a cache each is compiled")
    func off() async throws {
        let engine = TableEngine(
            .outcome(Self.made), .outcome(Self.ran), .outcome(Self.made), .outcome(Self.ran))
        for _ in 0..<2 {
            let result = await Samples.runner(engine).run(try Samples.request(Self.source), .init(id: "j-1"))
            #expect(result.compile?.cached == false)
        }
        #expect(engine.seen.count == 4)
    }

    @Test("what only the program sees is not asked for; what the compiler could read is")
    func whatCounts() async throws {
        let again = [
            #""stdin":"x""#, #""args":["x"]"#, #""env":{"X":"x"}"#, #""limits":{"memoryBytes":67108864}"#,
            #""collect":["*"]"#, #""metadata":{"x":1}"#,
        ]
        let anew = [
            #""files":[{"path":"a.h","content":"1"}]"#, #""files":[{"path":"a.h","content":"2"}]"#,
            #""files":[{"path":"b.h","content":"1"}]"#,
        ]
        let engine = TableEngine(
            [.outcome(Self.made), .outcome(Self.ran)] + again.map { _ in .outcome(Self.ran) }
                + anew.flatMap { _ in [.outcome(Self.made), .outcome(Self.ran)] })
        _ = try await run(engine)
        for field in again {
            let result = try await run(engine, #"{"language":"c","code":"int main;",\#(field)}"#)
            #expect(result.compile?.cached == true, "\(field)")
        }
        for field in anew {
            let result = try await run(engine, #"{"language":"c","code":"int main;",\#(field)}"#)
            #expect(result.compile?.cached == false, "\(field)")
        }
        #expect(cache.figures.misses == 1 + anew.count)
    }

    @Test("a compilation that failed is never kept", arguments: JobRunnerTests.failures)
    func failures(failure: JobRunnerTests.Failure) async throws {
        let engine = TableEngine(.outcome(failure.outcome), .outcome(failure.outcome))
        for _ in 0..<2 {
            let result = try await run(engine)
            #expect(result.status == .compileError)
            #expect(result.compile?.cached == false)
        }
        #expect(engine.seen.count == 2)
        #expect(cache.figures.entries == 0)
    }

    // MARK: Two at once

    @Test("of two at once one is compiled, and the other waits for it")
    func atOnce() async throws {
        let gate = Gate()
        let engine = TableEngine(.held(gate, .outcome(Self.made)), .outcome(Self.ran), .outcome(Self.ran))
        let first = try await start(engine)
        let second = try await start(engine)
        #expect(cache.figures.waiting == 1)
        #expect(engine.seen.count == 1)
        gate.open()
        try await until { engine.seen.count == 3 }
        #expect(try await first.value.compile?.cached == false)
        let waited = try await second.value
        #expect(waited.compile?.cached == true)
        #expect(waited.compile?.stderr == "main.c:1: warning\n")
        #expect(waited.stdout == "ran")
        #expect(engine.seen.count == 3)
        #expect(cache.figures.hits == 1)
        #expect(cache.figures.misses == 1)
        #expect(cache.figures.waiting == 0)
    }

    @Test("where the engine fails under the one that compiles, those who waited compile for themselves, all at once")
    func engineFails() async throws {
        let (failing, slow) = (Gate(), Gate())
        let engine = TableEngine(
            .held(failing, .failure(IsolationError(.slotDied, "the slot has ended"))),
            .held(slow, .outcome(Self.made)), .held(slow, .outcome(Self.made)), .outcome(Self.ran), .outcome(Self.ran))
        let first = try await start(engine)
        let others = [try await start(engine), try await start(engine)]
        #expect(cache.figures.waiting == 2)
        failing.open()
        #expect(try await first.value.status == .internalError)
        // Neither waits for the other: a source that nothing comes of must not make a line.
        try await until { engine.seen.count == 3 }
        slow.open()
        for other in others {
            let result = try await other.value
            #expect(result.status == .ok)
            #expect(result.compile?.cached == false)
        }
        #expect(cache.figures.misses == 3)
        #expect(cache.figures.entries == 1)
    }

    @Test("where the job that compiles is cancelled, the one that waited compiles for itself")
    func leaderCancelled() async throws {
        let engine = TableEngine(.untilCancelled, .outcome(Self.made), .outcome(Self.ran))
        let first = try await start(engine)
        let second = try await start(engine)
        first.cancel()
        #expect(try await first.value.status == .cancelled)
        try await until { engine.seen.count >= 2 }
        let result = try await second.value
        #expect(result.status == .ok)
        #expect(result.compile?.cached == false)
    }

    @Test("where it does not compile, the one that waited gets a verdict and evidence of its own")
    func leaderDoesNotCompile() async throws {
        let gate = Gate()
        let refused = Samples.outcome(.exited(1))
        let engine = TableEngine(.held(gate, .outcome(refused)), .outcome(refused))
        let first = try await start(engine)
        let second = try await start(engine)
        gate.open()
        try await until { engine.seen.count == 2 }
        for task in [first, second] {
            let result = try await task.value
            #expect(result.status == .compileError)
            #expect(result.compile?.cached == false)
        }
        #expect(engine.seen.count == 2)
    }

    @Test("a cancelled job waits no longer; the one that compiles goes on")
    func waiterCancelled() async throws {
        let gate = Gate()
        let engine = TableEngine(.held(gate, .outcome(Self.made)), .untilCancelled, .outcome(Self.ran))
        let first = try await start(engine)
        let second = try await start(engine)
        second.cancel()
        try await until { cache.figures.waiting == 0 }
        #expect(try await second.value.status == .cancelled)
        gate.open()
        #expect(try await first.value.status == .ok)
        #expect(cache.figures.waiting == 0)
        #expect(cache.figures.misses == 1)
    }

    // MARK: Bounds

    /// Asks a cache for a compilation of `name` with a product of `bytes`.
    /// - Returns: whether it was there.
    private func ask(_ cache: CompileCache, _ name: String, bytes: Int = 10_000) async throws -> Bool {
        var outcome = Self.made
        outcome.files = [.init(path: "main", contents: [UInt8](repeating: 7, count: bytes))]
        let compilation = try await cache.compilation(
            of: SandboxConfiguration(arguments: [name], limits: Limits.compile.resources, outputLimit: 1)
        ) { () async throws(IsolationError) in Compilation(outcome, limits: .compile, products: ["main"]) }
        return compilation.result.cached
    }

    @Test("what was used the longest time ago makes room")
    func leastRecentlyUsed() async throws {
        // Three of 10,000 bytes with what each costs besides, and not four.
        for cache in [
            CompileCache(mostBytes: 40_000, contents: Samples.contents),
            CompileCache(mostBytes: 1 << 30, mostEntries: 3, contents: Samples.contents),
        ] {
            for name in ["a", "b", "c"] { #expect(try await !ask(cache, name)) }
            #expect(try await ask(cache, "a"))
            #expect(try await !ask(cache, "d"))
            #expect(cache.figures.evictions == 1)
            #expect(cache.figures.entries == 3)
            #expect(cache.figures.bytes < 40_000)
            for name in ["a", "c", "d"] { #expect(try await ask(cache, name), "\(name)") }
            #expect(try await !ask(cache, "b"))
        }
    }

    @Test("one that is larger than the whole is not kept, and pushes nothing out")
    func tooLarge() async throws {
        let cache = CompileCache(mostBytes: 40_000, contents: Samples.contents)
        #expect(try await !ask(cache, "a"))
        #expect(try await !ask(cache, "large", bytes: 40_000))
        #expect(try await !ask(cache, "large", bytes: 40_000))
        #expect(try await ask(cache, "a"))
        #expect(cache.figures.evictions == 0)
    }

    @Test("as many bytes as are needed make room")
    func severalMakeRoom() async throws {
        let cache = CompileCache(mostBytes: 40_000, contents: Samples.contents)
        for name in ["a", "b", "c"] { _ = try await ask(cache, name) }
        _ = try await ask(cache, "d", bytes: 20_000)
        #expect(cache.figures.evictions == 2)
        #expect(try await ask(cache, "c"))
        #expect(cache.figures.bytes <= 40_000)
    }
}
