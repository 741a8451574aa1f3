import Jobs
import LaunchProtocol
import Synchronization
import Testing

@testable import Isolation
@testable import Worker

@Suite("Job runner")
struct JobRunnerTests {
    private func run(_ json: String, _ engine: TableEngine) async throws -> ExecutionResult {
        await Samples.runner(engine).run(
            try Samples.request(json), .init(id: "j-1", queueTimeMs: 0.25, attempt: 2))
    }

    // MARK: One stage

    @Test("a program's result has all that the engine reported")
    func result() async throws {
        let engine = TableEngine(.outcome(Samples.outcome(output: "Hello\n", error: "warning")))
        let result = try await run(#"{"language":"py","code":"print()","stdin":"in","metadata":{"a":1}}"#, engine)
        #expect(result.id == "j-1")
        #expect(result.status == .ok)
        #expect(result.language == "python")
        #expect(result.version == "3.11.2")
        #expect(result.stdout == "Hello\n")
        #expect(result.stderr == "warning")
        #expect(result.stdoutBytes == 6)
        #expect(result.stderrBytes == 7)
        #expect(result.exitCode == 0)
        #expect(result.signal == nil)
        #expect(result.message == nil)
        #expect(result.wallTimeMs == 4.2)
        #expect(result.cpuTimeMs == 3.1)
        #expect(result.memoryBytes == 9 << 20)
        #expect(result.queueTimeMs == 0.25)
        #expect(result.setupTimeMs == 0.4)
        #expect(result.attempt == 2)
        #expect(result.worker == "here")
        #expect(result.compile == nil)
        #expect(result.metadata == ["a": .integer(1)])
        #expect(result.evidence.limits == .standard)
        let seen = try #require(engine.seen.first)
        #expect(engine.seen.count == 1)
        #expect(seen.image == 0)
        #expect(seen.files == [.init(path: "main.py", contents: Array("print()".utf8))])
        guard case .bytes(let input) = seen.standardInput else {
            Issue.record("standard input is not the request's")
            return
        }
        #expect(input == Array("in".utf8))
        #expect(seen.limits == Limits.standard.resources)
        #expect(seen.outputLimit == Limits.standard.outputBytes)
        #expect(seen.endsAtOutputLimit)
        #expect(seen.collect.isEmpty)
    }

    @Test("output that is not UTF-8 is called lossy, what was cut truncated; counts are of the bytes")
    func output() async throws {
        var outcome = Samples.outcome()
        outcome.standardOutput = .init(bytes: [0x61, 0xFF, 0x62], isTruncated: false)
        // A character that the limit cut in two was whole when it was written.
        outcome.standardError = .init(bytes: [0x61, 0xE2, 0x82], isTruncated: true)
        let result = try await run(#"{"language":"python","code":"x"}"#, TableEngine(.outcome(outcome)))
        #expect(result.stdout == "a\u{FFFD}b")
        #expect(result.stdoutLossy)
        #expect(!result.stdoutTruncated)
        #expect(result.stdoutBytes == 3)
        #expect(result.stderr == "a")
        #expect(!result.stderrLossy)
        #expect(result.stderrTruncated)
        #expect(result.stderrBytes == 3)
    }

    @Test("files come back whatever the program came to, the ones that were left out with the reason")
    func files() async throws {
        var outcome = Samples.outcome(
            Samples.report(of: .wallTimeLimit),
            files: [.init(path: "out/é.txt", contents: Array("é".utf8)), .init(path: "b", contents: [0xFF])],
            skipped: [.init(path: "%FF", reason: .nameNotUTF8), .init(path: "c", reason: .tooLarge, bytes: 9 << 20)])
        outcome.unlistedFiles = 7
        let engine = TableEngine(.outcome(outcome))
        let result = try await run(
            #"{"language":"python","code":"x","collect":["out/*","**"],"outputEncoding":"base64"}"#, engine)
        #expect(result.status == .wallTimeLimit)
        #expect(
            result.files == [
                CollectedFile(path: "out/é.txt", content: "é", encoding: .utf8, bytes: 2),
                CollectedFile(path: "b", content: "/w==", encoding: .base64, bytes: 1),
                CollectedFile(
                    path: "%FF", content: nil, bytes: 0, skipped: "the name is not UTF-8; shown percent-encoded"),
                CollectedFile(path: "c", content: nil, bytes: 9 << 20, skipped: "too large"),
                CollectedFile(path: ".", content: nil, bytes: 0, skipped: "7 more are left out as well"),
            ])
        let seen = try #require(engine.seen.first)
        #expect(seen.collect == ["out/*", "**"])
        #expect(seen.collectsAlways)
        #expect(seen.collectLimit == 8 << 20)
        #expect(seen.collectCount == 64)
    }

    @Test("what a request may name to be collected, the engine takes", arguments: CollectSamples.all)
    func patterns(pattern: String) {
        let sound = CollectPattern.problem(with: pattern) == nil
        #expect(sound == ((try? PathPattern(pattern)) != nil))
    }

    @Test("base64 keeps every byte")
    func base64() async throws {
        var outcome = Samples.outcome()
        outcome.standardOutput = .init(bytes: [0xFF, 0x00])
        let result = try await run(
            #"{"language":"python","code":"x","outputEncoding":"base64"}"#, TableEngine(.outcome(outcome)))
        #expect(result.stdout == "/wA=")
        #expect(!result.stdoutLossy)
        #expect(result.stdoutBytes == 2)
    }

    @Test("an engine that could not run the job makes it internal_error with the step's name")
    func internalError() async throws {
        let engine = TableEngine(.failure(IsolationError(.step, "mount /proc: Operation not permitted")))
        let result = try await run(#"{"language":"python","code":"x"}"#, engine)
        #expect(result.status == .internalError)
        #expect(result.message == "mount /proc: Operation not permitted")
        #expect(result.exitCode == nil)
        #expect(result.evidence == Evidence())
    }

    @Test("a language whose image this engine does not have is an internal_error, and nothing runs")
    func imageMissing() async throws {
        let engine = TableEngine()
        var elsewhere = Samples.python
        elsewhere.image = "elsewhere"
        let runner = JobRunner(
            engine: engine, languages: ServedLanguages(images: [("default", [elsewhere])], policies: ["default"]),
            maxima: Samples.maxima, worker: "here")
        let result = await runner.run(try Samples.request(#"{"language":"python","code":"x"}"#), .init(id: "j-1"))
        #expect(result.status == .internalError)
        #expect(result.message == "no image and policies of this worker are for python")
        #expect(engine.seen.isEmpty)
    }

    @Test("each stage runs under the policy that the recipe names for it, and under default where it names none")
    func policies() async throws {
        let engine = TableEngine(
            .outcome(Samples.outcome(files: [Samples.product])), .outcome(Samples.outcome()),
            .outcome(Samples.outcome()))
        _ = try await run(#"{"language":"c","code":"x"}"#, engine)
        _ = try await run(#"{"language":"python","code":"x"}"#, engine)
        #expect(engine.seen.map(\.policy) == [2, 1, 0])
    }

    @Test("a policy that this engine does not have is an internal_error: none takes its place")
    func policyMissing() async throws {
        for missing in ["compiled", "compiler", "default"] {
            let engine = TableEngine()
            let policies = ["default", "compiled", "compiler"].filter { $0 != missing }
            let languages = ServedLanguages(images: [("default", [Samples.python, Samples.c])], policies: policies)
            let runner = JobRunner(engine: engine, languages: languages, maxima: Samples.maxima, worker: "here")
            let language = missing == "default" ? "python" : "c"
            let result = await runner.run(
                try Samples.request(#"{"language":"\#(language)","code":"x"}"#), .init(id: "j-1"))
            #expect(result.status == .internalError)
            #expect(engine.seen.isEmpty, "\(missing)")
        }
    }

    @Test("the second image has the index 1")
    func secondImage() async throws {
        let engine = TableEngine(
            .outcome(Samples.outcome(files: [.init(path: "Main.class", contents: [1])])), .outcome(Samples.outcome()))
        _ = try await run(#"{"language":"java","code":"x"}"#, engine)
        #expect(engine.seen.map(\.image) == [1, 1])
        #expect(engine.seen.map(\.limits.memory) == [512 << 20, 256 << 20])
    }

    @Test("output is seen as it is written, the compiler's is not")
    func observer() async throws {
        let engine = TableEngine(
            .outcome(Samples.outcome(error: "note", files: [Samples.product])),
            .outcome(Samples.outcome(output: "out", error: "err")))
        let seen = Mutex<[String]>([])
        _ = await Samples.runner(engine).run(
            try Samples.request(#"{"language":"c","code":"x"}"#), .init(id: "j-1")
        ) { stream, bytes in
            seen.withLock { $0.append("\(stream) \(String(decoding: bytes, as: UTF8.self))") }
        }
        #expect(seen.withLock { $0 } == ["output out", "error err"])
    }

    @Test("a command of an image runs in no language, in the fixed environment and the caller's")
    func command() async throws {
        let engine = TableEngine(.outcome(Samples.outcome(.exited(2))))
        let result = await Samples.runner(engine).run(
            command: ["/bin/ls", "/"], image: 1, environment: ["A": "1"], limits: .standard, input: .bytes([]),
            .init(id: "j-1"))
        #expect(result.status == .nonzeroExit)
        #expect(result.exitCode == 2)
        #expect(result.language.isEmpty)
        let seen = try #require(engine.seen.first)
        #expect(seen.arguments == ["/bin/ls", "/"])
        #expect(seen.image == 1)
        #expect(seen.files.isEmpty)
        #expect(seen.environment == StagePlan.fixedEnvironment.merging(["A": "1"]) { $1 })
    }

    // MARK: Two stages

    @Test("the program's sandbox gets the products and the request's other files, not the source")
    func products() async throws {
        let engine = TableEngine(
            .outcome(Samples.outcome(error: "note", files: [Samples.product])),
            .outcome(Samples.outcome(output: "ran")))
        let result = try await run(
            #"""
            {"language":"c","code":"int main;","files":[{"path":"data.txt","content":"d"},{"path":"main","content":"old"}],
             "stdin":"in"}
            """#, engine)
        #expect(result.status == .ok)
        #expect(result.stdout == "ran")
        #expect(result.stderr.isEmpty)
        let compile = try #require(result.compile)
        #expect(compile.status == .ok)
        #expect(compile.exitCode == 0)
        #expect(compile.stderr == "note")
        #expect(!compile.cached)
        #expect(compile.memoryBytes == 9 << 20)
        try #require(engine.seen.count == 2)
        let (first, second) = (engine.seen[0], engine.seen[1])
        #expect(first.files.map(\.path) == ["main.c", "data.txt", "main"])
        #expect(first.collect == ["main"])
        #expect(first.collectLimit == 64 << 20)
        #expect(!first.collectsAlways)
        #expect(second.collect.isEmpty)
        #expect(!first.endsAtOutputLimit)
        #expect(first.limits == Limits.compile.resources)
        #expect(first.outputLimit == Limits.compile.outputBytes)
        guard case .bytes([]) = first.standardInput else {
            Issue.record("the compiler reads the program's standard input")
            return
        }
        #expect(second.files.map(\.path) == ["data.txt", "main"])
        #expect(second.files.last == Samples.product)
        #expect(second.limits == Limits.standard.resources)
    }

    /// A way in which a compilation yields no program.
    struct Failure: Sendable, CustomTestStringConvertible {
        var name: String
        var outcome: Outcome
        var status: Status
        var exitCode: Int?
        var signal: String?
        var message: String
        var testDescription: String { name }
    }

    static let failures: [Failure] = [
        Failure(
            name: "nonzero", outcome: Samples.outcome(.exited(1)), status: .nonzeroExit, exitCode: 1,
            message: "the program does not compile"),
        Failure(
            name: "signal", outcome: Samples.outcome(.signaled(11)), status: .signaled, signal: "SIGSEGV",
            message: "compilation: ended by SIGSEGV"),
        Failure(
            name: "wall time", outcome: Samples.outcome(.wallTimeLimit), status: .wallTimeLimit,
            message: "compilation: ended: its 20000 ms of wall time were over"),
        Failure(
            name: "memory", outcome: Samples.outcome(.memoryLimit), status: .memoryLimit, signal: nil,
            message: "compilation: ended: needed more than 536870912 bytes of memory"),
        Failure(
            name: "missing product", outcome: Samples.outcome(), status: .ok, exitCode: 0,
            message: "the compiler made none of main"),
        Failure(
            name: "skipped product",
            outcome: Samples.outcome(
                files: [Samples.product], skipped: [.init(path: "main", reason: .symbolicLink)]), status: .ok,
            exitCode: 0, message: "the compiler's product cannot be used: main: symbolic link"),
        Failure(
            name: "product not made", outcome: Samples.outcome(skipped: [.init(path: "main", reason: .noSuchFile)]),
            status: .ok, exitCode: 0, message: "the compiler made none of main"),
    ]

    @Test("compile_error", arguments: failures)
    func compileError(failure: Failure) async throws {
        var outcome = failure.outcome
        outcome.standardOutput.bytes = Array("out".utf8)
        outcome.standardError.bytes = Array("main.c:1: error".utf8)
        let engine = TableEngine(.outcome(outcome))
        let result = try await run(#"{"language":"c","code":"x"}"#, engine)
        #expect(result.status == .compileError)
        #expect(result.message == failure.message)
        #expect(result.stdout.isEmpty)
        #expect(result.stderr.isEmpty)
        #expect(result.exitCode == nil)
        #expect(result.signal == nil)
        #expect(result.compile?.status == failure.status)
        #expect(result.compile?.exitCode == failure.exitCode)
        #expect(result.compile?.signal == failure.signal)
        #expect(result.compile?.stdout == "out")
        #expect(result.compile?.stderr == "main.c:1: error")
        #expect(result.evidence.limits == .compile)
        #expect(engine.seen.count == 1)
    }

    @Test("cancelled while it was compiled: cancelled, and the program does not run")
    func cancelledDuringCompile() async throws {
        let engine = TableEngine(.untilCancelled)
        let task = Task { try await run(#"{"language":"c","code":"x"}"#, engine) }
        await engine.waitForRun()
        task.cancel()
        let result = try await task.value
        #expect(result.status == .cancelled)
        #expect(result.message == "cancelled while it was compiled")
        #expect(result.compile?.status == .cancelled)
        #expect(engine.seen.count == 1)
        #expect(engine.cancellations == 1)
    }

    @Test("an engine that fails in the compile stage is an internal_error, no compile_error")
    func engineFailsCompiling() async throws {
        let engine = TableEngine(.failure(IsolationError(.slotDied, "the slot has ended")))
        let result = try await run(#"{"language":"c","code":"x"}"#, engine)
        #expect(result.status == .internalError)
        #expect(result.message == "the slot has ended")
        #expect(result.compile == nil)
    }

    @Test("an engine that fails in the run stage still tells what the compiler said")
    func engineFailsRunning() async throws {
        let engine = TableEngine(
            .outcome(Samples.outcome(error: "note", files: [Samples.product])),
            .failure(IsolationError(.step, "execve: Exec format error")))
        let result = try await run(#"{"language":"c","code":"x"}"#, engine)
        #expect(result.status == .internalError)
        #expect(result.message == "execve: Exec format error")
        #expect(result.compile?.stderr == "note")
    }

    // MARK: Requests from elsewhere

    @Test("a request that is not valid never reaches the engine")
    func invalid() async throws {
        let engine = TableEngine()
        for json in ["{", #"{"language":"cobol","code":"x"}"#, #"{"language":"c","code":"x","limits":{"cpus":900}}"#] {
            await #expect(throws: RequestProblems.self) {
                try await Samples.runner(engine).run(json: .init(json.utf8), .init(id: "j-1"))
            }
        }
        #expect(engine.seen.isEmpty)
    }
}

/// Sound and unsound patterns: two modules decide on them, and must decide alike.
enum CollectSamples {
    static let all =
        [
            "", "/", "a/", "a//b", ".", "..", "a/../b", "a\u{0}", "a**", "**b", "***", "a", "*", "**", "a/**/b", "-rf",
            "...", "\u{7F}\n",
        ]
        + [31, 32].map { String(repeating: "a/", count: $0) + "a" }
        + [255, 256].map { String(repeating: "a", count: $0) }
        + [823, 824].map { String(repeating: String(repeating: "a", count: 99) + "/", count: 2) + "x/" + filler($0) }

    private static func filler(_ bytes: Int) -> String {
        String(repeating: String(repeating: "b", count: 99) + "/", count: bytes / 100)
            + String(repeating: "c", count: bytes % 100 - 2)
    }
}
