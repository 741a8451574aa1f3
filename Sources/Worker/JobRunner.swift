import Foundation
import Isolation
import Jobs

/// Turns a request into a result: plans its stages, runs them in the engine, and says what came of it in the words of
/// the contract.
public struct JobRunner: Sendable {
    private let engine: any SandboxEngine
    private let languages: ServedLanguages
    private let maxima: Limits
    private let standard: Limits
    private let compileLimits: Limits
    private let worker: String
    private let compileCache: CompileCache?
    private let memory: MemoryBudget?
    private let slots: SlotShares?
    private let caseTime: CaseTime
    private let compilers = CompilerCount()

    /// The most bytes that a compilation may hand to the program's sandbox.
    private static let productBytes = 64 << 20

    /// Whether the engine has ended: then a failure says nothing of the job.
    var engineHasEnded: Bool { engine.hasEnded }

    /// Whether a job would be given a slot now.
    var engineIsUsable: Bool { engine.isUsable }

    /// What every program finds in its environment.
    public static var fixedEnvironment: [String: String] { StagePlan.fixedEnvironment }

    /// - Parameters:
    ///   - engine: runs programs.
    ///   - languages: what can be run, and where.
    ///   - maxima: the most that a request may ask for.
    ///   - standard: the limits of a request that says nothing.
    ///   - compileLimits: the limits of every compilation.
    ///   - worker: this host's name, as results show it.
    ///   - compileCache: where compilations are kept for the next job with the same source; nil to compile each time.
    ///   - memory: what the limits of all programs that run may add up to; nil where the number of slots is bound enough.
    ///   - slots: what jobs and their cases have of the engine's slots; nil where one job runs at a time.
    ///   - caseTime: how long the cases of a job may take together.
    public init(
        engine: any SandboxEngine, languages: ServedLanguages, maxima: Limits, standard: Limits = .standard,
        compileLimits: Limits = .compile, worker: String, compileCache: CompileCache? = nil,
        memory: MemoryBudget? = nil, slots: SlotShares? = nil, caseTime: CaseTime = CaseTime()
    ) {
        self.engine = engine
        self.languages = languages
        self.maxima = maxima
        self.standard = standard
        self.compileLimits = compileLimits
        self.worker = worker
        self.compileCache = compileCache
        self.memory = memory
        self.slots = slots
        self.caseTime = caseTime
    }

    /// What it counted so far; nil for what it does without.
    public var figures: (compilers: Int, compileCache: CompileCache.Figures?, memory: MemoryBudget.Figures?) {
        (compilers.figure, compileCache?.figures, memory?.figures)
    }

    /// What is known of a job besides its request.
    public struct Circumstances: Sendable {
        public var id: String
        /// Milliseconds that it waited.
        public var queueTimeMs: Double
        /// Counts from 1.
        public var attempt: Int

        public init(id: String, queueTimeMs: Double = 0, attempt: Int = 1) {
            self.id = id
            self.queueTimeMs = queueTimeMs
            self.attempt = attempt
        }
    }

    /// Checks a request once more and runs it: whoever wrote it into the queue may have bypassed the API.
    /// - Throws: `RequestProblems` for a request that is not valid.
    public func run(
        json: Data, _ circumstances: Circumstances, input: SandboxConfiguration.Input? = nil,
        live: LiveJob? = nil, onOutput: OutputObserver? = nil
    ) async throws(RequestProblems) -> ExecutionResult {
        try await runInSlot(read(json), circumstances, input: input, live: live, onOutput: onOutput)
    }

    /// Runs a request, as one that was read here, in a slot of its own.
    /// - Throws: `RequestProblems` for an interactive one that nobody could send to.
    func runInSlot(
        _ request: ExecutionRequest, _ circumstances: Circumstances, input: SandboxConfiguration.Input? = nil,
        live: LiveJob? = nil, onOutput: OutputObserver? = nil
    ) async throws(RequestProblems) -> ExecutionResult {
        if request.isInteractive { try live?.checkInteractive() }
        guard let slots else {
            return await run(request, circumstances, input: input, live: live, onOutput: onOutput)
        }
        return await slots.holding { waited in
            var circumstances = circumstances
            circumstances.queueTimeMs += waited.milliseconds
            return await run(request, circumstances, input: input, live: live, onOutput: onOutput)
        }
    }

    /// Reads a request by what this worker serves.
    /// - Throws: `RequestProblems` for a request that is not valid.
    func read(_ json: Data) throws(RequestProblems) -> ExecutionRequest {
        try ExecutionRequest(json: json, languages: languages.all, maxima: maxima, standard: standard)
    }

    /// Runs a request. Whatever happens is in the result; a cancelled task's job has the status `cancelled`.
    /// - Parameters:
    ///   - request: what to run.
    ///   - circumstances: what the result says beside it.
    ///   - input: standard input in place of the request's.
    ///   - live: where others follow the job and send to it; nil where nobody can.
    ///   - onOutput: sees the program's output as it is written; not that of cases, of which several may run at once.
    /// - Returns: the result.
    public func run(
        _ request: ExecutionRequest, _ circumstances: Circumstances, input: SandboxConfiguration.Input? = nil,
        live: LiveJob? = nil, onOutput: OutputObserver? = nil
    ) async -> ExecutionResult {
        var result = ExecutionResult(
            id: circumstances.id, status: .internalError, language: request.language, version: "",
            queueTimeMs: circumstances.queueTimeMs, attempt: circumstances.attempt, worker: worker,
            metadata: request.metadata, evidence: Evidence(), cases: request.cases.map(CaseResults.init(skipped:)))
        guard let language = request.select(from: languages.all), let placement = languages.placement(of: language)
        else {
            result.message = "no image and policies of this worker are for \(request.language)"
            return result
        }
        result.version = language.version
        let plan = StagePlan(
            request: request, language: language, placement: placement, standard: standard,
            compileLimits: compileLimits)
        do throws(IsolationError) {
            var files = request.files.map { SandboxConfiguration.File(path: $0.path, contents: $0.contents) }
            if let compile = plan.compile {
                live?.enterCompile()
                guard let products = try await self.compile(files, compile, plan: plan, into: &result) else {
                    return result
                }
                // The source stays behind; whatever else the request brought is the program's to read.
                let made = Set(products.map(\.path))
                files = files.filter { $0.path != request.mainFile && !made.contains($0.path) } + products
            }
            let liveInput = try request.isInteractive ? live?.standardInput(after: request.stdin) : nil
            var configuration = SandboxConfiguration(
                image: plan.image, policy: plan.run.policy, arguments: plan.run.arguments,
                environment: plan.run.environment, files: files,
                standardInput: input ?? liveInput ?? .bytes(request.stdin), limits: plan.run.limits.resources,
                outputLimit: plan.run.limits.outputBytes, collect: request.collect,
                collectLimit: CollectedFile.mostBytes, collectCount: CollectedFile.most, collectsAlways: true,
                // What was sent into a runtime that then turned out to be lost would be lost with it.
                ahead: liveInput == nil ? plan.run.ahead : nil)
            let tap = live?.enterRun()
            if let cases = request.cases {
                let runner = CaseRunner(
                    engine: engine, memory: memory, slots: slots, cases: cases, program: configuration,
                    limits: plan.run.limits, encoding: request.outputEncoding, time: caseTime)
                try await runner.run(into: &result)
                return result
            }
            configuration.tap = tap
            try await runProgram(
                configuration, limits: plan.run.limits, encoding: request.outputEncoding, into: &result,
                onOutput: onOutput)
        } catch {
            result.status = .internalError
            result.message = error.message
        }
        return result
    }

    /// Runs a command of an image, in no language.
    /// - Parameters:
    ///   - command: the program's absolute path in the image, then its arguments.
    ///   - image: the image, by the engine's index.
    ///   - policy: the policy, by the engine's index.
    ///   - environment: variables on top of the fixed ones.
    ///   - limits: within the engine's maximum.
    ///   - files: what it finds in /box.
    ///   - collect: globs for the files to hand back, within the rules of `CollectPattern`.
    ///   - ahead: what lets the command be started before this job, and jobs after it of the same command.
    ///   - input: standard input.
    ///   - terminal: what the command runs on in place of pipes, in an engine that was started for it.
    ///   - circumstances: what the result says beside it.
    ///   - onOutput: sees the program's output as it is written.
    /// - Returns: the result, with an empty language.
    public func run(
        command: [String], image: Int, policy: Int = 0, environment: [String: String], limits: Limits,
        files: [SandboxConfiguration.File] = [], collect: [String] = [], ahead: SandboxConfiguration.Ahead? = nil,
        input: SandboxConfiguration.Input, terminal: Terminal? = nil, _ circumstances: Circumstances,
        onOutput: OutputObserver? = nil
    ) async -> ExecutionResult {
        var result = ExecutionResult(
            id: circumstances.id, status: .internalError, language: "", version: "",
            queueTimeMs: circumstances.queueTimeMs, attempt: circumstances.attempt, worker: worker,
            evidence: Evidence())
        do throws(IsolationError) {
            let configuration = SandboxConfiguration(
                image: image, policy: policy, arguments: command,
                environment: StagePlan.fixedEnvironment.merging(environment) { _, own in own }, files: files,
                standardInput: input, limits: limits.resources, outputLimit: limits.outputBytes, collect: collect,
                collectLimit: CollectedFile.mostBytes, collectCount: CollectedFile.most, collectsAlways: true,
                ahead: ahead, terminal: terminal)
            try await runProgram(configuration, limits: limits, encoding: .utf8, into: &result, onOutput: onOutput)
        } catch {
            result.status = .internalError
            result.message = error.message
        }
        return result
    }

    /// - Returns: what the compiler made, or nil when the job ends here.
    private func compile(
        _ files: [SandboxConfiguration.File], _ stage: StagePlan.Stage, plan: StagePlan,
        into result: inout ExecutionResult
    ) async throws(IsolationError) -> [SandboxConfiguration.File]? {
        let configuration = SandboxConfiguration(
            image: plan.image, policy: stage.policy, arguments: stage.arguments, environment: stage.environment,
            files: files, limits: stage.limits.resources, outputLimit: stage.limits.outputBytes,
            endsAtOutputLimit: false, collect: plan.language.products, collectLimit: Self.productBytes)
        func compileNow() async throws(IsolationError) -> Compilation {
            compilers.add()
            let outcome = try await runInTurn(configuration, into: &result, onOutput: nil)
            return Compilation(outcome, limits: stage.limits, products: plan.language.products)
        }
        let compilation: Compilation
        if let compileCache {
            compilation = try await compileCache.compilation(of: configuration, compile: compileNow)
        } else {
            compilation = try await compileNow()
        }
        result.compile = compilation.result
        switch compilation.yield {
        case .products(let files): return files
        case .failure(let failure):
            result.status = failure.status
            result.message = failure.message
            result.evidence = failure.evidence
            return nil
        }
    }

    /// Runs one stage when its memory fits beside that of all others that run. The wait counts as time in the queue: no
    /// clock of the program runs yet.
    private func runInTurn(
        _ configuration: SandboxConfiguration, into result: inout ExecutionResult, onOutput: OutputObserver?
    ) async throws(IsolationError) -> Outcome {
        guard let memory else { return try await engine.run(configuration, onOutput: onOutput) }
        let asked = ContinuousClock.now
        var admitted: ContinuousClock.Instant?
        defer {
            let waited = (admitted ?? .now) - asked
            result.queueTimeMs = ((result.queueTimeMs + waited.milliseconds) * 1_000).rounded() / 1_000
        }
        let outcome = try await memory.holding(configuration.limits.memory) { () async throws(IsolationError) in
            admitted = .now
            return try await engine.run(configuration, onOutput: onOutput)
        }
        return outcome ?? .cancelledBeforeStart
    }

    private func runProgram(
        _ configuration: SandboxConfiguration, limits: Limits, encoding: OutputEncoding,
        into result: inout ExecutionResult, onOutput: OutputObserver?
    ) async throws(IsolationError) {
        let outcome = try await runInTurn(configuration, into: &result, onOutput: onOutput)
        let verdict = Verdict(outcome, limits: limits)
        result.status = verdict.status
        result.program = ProgramRecord(outcome, verdict)
        result.program.show(
            output: outcome.standardOutput.bytes, error: outcome.standardError.bytes, encoding)
        result.evidence = verdict.evidence
        result.setupTimeMs = outcome.setupTime.milliseconds
        result.files = Self.files(of: outcome)
    }

    /// The files that came back, then those that did not.
    private static func files(of outcome: Outcome) -> [CollectedFile] {
        var files = outcome.files.map { CollectedFile(path: $0.path, contents: $0.contents) }
        files += outcome.skippedFiles.map {
            CollectedFile(path: $0.path, content: nil, bytes: $0.bytes, skipped: $0.reason.words)
        }
        if outcome.unlistedFiles > 0 {
            files.append(
                CollectedFile(
                    path: ".", content: nil, bytes: 0, skipped: "\(outcome.unlistedFiles) more are left out as well"))
        }
        return files
    }
}

/// What the worker needs of the engine; the real one, and in unit tests one that answers from a table.
public protocol SandboxEngine: Sendable {
    /// Whether it can run nothing any more, and whatever ran in it ended with it.
    var hasEnded: Bool { get }
    /// Whether it could run a job now: not while it lacks what it may have again.
    var isUsable: Bool { get }

    func run(
        _ configuration: SandboxConfiguration, onOutput: OutputObserver?
    ) async throws(IsolationError) -> Outcome
}

extension Engine: SandboxEngine {}

extension UInt64 {
    /// Nanoseconds as milliseconds, to the microsecond: more digits would be noise.
    var milliseconds: Double { (Double(self) / 1_000).rounded() / 1_000 }
}

extension Duration {
    /// As milliseconds, to the microsecond.
    var milliseconds: Double { (self / .milliseconds(1) * 1_000).rounded() / 1_000 }
}
