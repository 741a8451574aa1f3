import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Logging
import Seccomp
import Telemetry
import Worker

/// An engine with its images, started as root and left as an ordinary user.
struct RunningEngine {
    let engine: Engine
    let languages: ServedLanguages
    let maxima: Limits
    /// What images and policies are, by the engine's indexes.
    let contents: EngineContents
    /// What jobs may take of the host's memory together; nil where one runs at a time.
    let shares: MemorySettings.Shares?
    /// Held so that no build removes a tree that jobs run in.
    let images: [Image]

    /// Starts the launcher and gives up root. Must be called while this process has one thread that matters: before any
    /// server or task.
    /// - Parameters:
    ///   - options: where things are.
    ///   - names: the images to open; nil for every one that is built.
    ///   - others: policies to load besides those that the images' languages name.
    ///   - learning: the policy that is to count all that it allows, however often; nil where programs are served.
    ///   - slots: how many programs run at once.
    ///   - memory: what the operator says of the memory of all of them together; nil where that needs no bound.
    ///   - aheadMemory: bytes for what is started ahead, where `memory` does not say.
    ///   - terminal: whether programs get a terminal in place of pipes.
    ///   - longest: the most wall and CPU time that this engine grants, in milliseconds, where that is more than any job may have.
    ///   - whileRoot: what else must be done as root.
    ///   - onFailure: called when the launcher ends unasked.
    ///   - onAheadFailure: called when a runtime does not come up ahead of its job.
    ///   - onTrouble: called when slots cannot be set up any more, and with nil when they can again.
    /// - Returns: the engine, in a process that is no longer root.
    /// - Throws: what is missing on this host or in this installation.
    static func start(
        _ options: EngineOptions, images names: [String]?, policies others: [String] = [], learning: String? = nil,
        slots: Int, memory: MemorySettings? = nil, aheadMemory: Int = 0, terminal: Bool = false, longest: Int? = nil,
        whileRoot: () throws -> Void = {},
        onFailure: @escaping @Sendable (IsolationError) -> Void,
        onAheadFailure: (@Sendable (IsolationError) -> Void)? = nil,
        onTrouble: (@Sendable (IsolationError?) -> Void)? = nil
    ) throws -> RunningEngine {
        guard geteuid() == 0 else {
            throw IsolationError(.host, "must be started as root (it gives root up once its launcher runs): try sudo")
        }
        try DelegatedScope.ensure(arguments: CommandLine.arguments)
        let store = try options.store
        let wanted = try names ?? usableImages(of: store)
        // The default image first: slots are warmed up for it.
        let ordered = wanted.filter { $0 == "default" } + wanted.filter { $0 != "default" }
        let images = try ordered.map { try store.open($0) }
        guard !images.isEmpty else {
            note("no image is built; build one: bulkhead rootfs build default")
            // The same again at every start: a service manager need not try.
            throw ExitCode(EX_CONFIG)
        }
        var maxima = Limits.maximum(cores: ProcessInfo.processInfo.activeProcessorCount)
        let shares = try memory?.shares(of: MemorySettings.memory(), for: images.flatMap(\.manifest.languages))
        // A program that could never be let in is refused when it is asked for, in the words for a maximum.
        if let shares { maxima.memoryBytes = min(maxima.memoryBytes, shares.budget) }
        let folder = PolicyFolder(path: try options.policyFolder())
        var selection = try folder.select(for: images.map(\.manifest), others: others)
        if let learning, let index = selection.names.firstIndex(of: learning) {
            selection.policies[index] = selection.policies[index].counting()
        }
        let ahead = UInt64(shares?.ahead ?? aheadMemory)
        var largest = maxima.largest(.compile)
        if let longest {
            largest.wallTimeMs = max(largest.wallTimeMs, longest)
            largest.cpuTimeMs = max(largest.cpuTimeMs, longest)
        }
        let configuration = EngineConfiguration(
            launcher: try options.launcherPath(), images: images.map(\.rootfs),
            initPolicy: try folder.policy("init"), policies: selection.policies, slots: slots,
            // As many again, so that what is started ahead for one language does not make room for another's every time.
            spareSlots: ahead > 0 ? slots : 0, maximum: largest.resources,
            standard: Limits.standard.resources,
            mostWatchedCalls: learning == nil ? EngineConfiguration.usualWatchedCalls : .max, terminal: terminal)
        let launcher = try Starter.start(configuration)
        do {
            try whileRoot()
            try Starter.giveUpRoot(for: launcher)
        } catch {
            launcher.shutDown()
            throw error
        }
        return RunningEngine(
            engine: Engine(
                launcher: launcher, aheadMemory: ahead, onFailure: onFailure,
                onAheadFailure: onAheadFailure, onTrouble: onTrouble),
            languages: ServedLanguages(
                images: images.map { ($0.manifest.name, $0.manifest.languages) }, policies: selection.names),
            maxima: maxima,
            contents: EngineContents(
                images: images.map { "\($0.rootfs) \($0.manifest.recipeHash) \($0.manifest.builtAt)" },
                policies: selection.digests), shares: shares, images: images)
    }

    /// Starts the engine of a service that runs until it is told to stop.
    /// - Parameters:
    ///   - options: where things are; every image that is built is served.
    ///   - slots: how many programs run at once.
    ///   - memory: what the operator says of the memory of all of them together.
    ///   - logger: hears of what fails later.
    /// - Returns: the engine, in a process that is no longer root.
    /// - Throws: what is missing on this host or in this installation.
    static func serving(
        _ options: EngineOptions, slots: Int, memory: MemorySettings, logger: Logger
    ) throws -> RunningEngine {
        try start(
            options, images: nil, slots: slots, memory: memory,
            onFailure: { error in
                // Without a launcher no job can run, and this process is no longer root to start another: whoever
                // supervises it does.
                logger.critical("\(error); ending")
                Foundation.exit(1)
            }, onAheadFailure: { logger.warning("not started ahead", metadata: ["reason": "\($0)"]) },
            onTrouble: { failure in
                if let failure {
                    logger.error("no slot can be set up; trying again", metadata: ["reason": "\(failure)"])
                } else {
                    logger.notice("slots can be set up again")
                }
            })
    }

    /// Opens the slots of a service and waits until they are up.
    /// - Throws: `ExitCode(EX_CONFIG)`, said why, where this host or installation lets none be set up; a service that could
    ///   run nothing must not say that it is ready.
    func warmUp(slots: Int) async throws {
        do {
            try await engine.warmUp(slots: slots)
        } catch let error as IsolationError where error.code == .notSetUp && !error.isPassing {
            note("no slot can be set up: \(error); bulkhead check says what this host lacks")
            // The same again at every start: a service manager need not try.
            throw ExitCode(EX_CONFIG)
        }
    }

    /// Who wants to hear how this process is. Not before the engine has started: on the way it may start again in a scope of
    /// its own, and must find the name once more.
    /// - Throws: where that somebody cannot be reached; then the engine has been shut down.
    func serviceManager(logger: Logger) throws -> ServiceManager? {
        do {
            return try ServiceManager.take(logger: logger)
        } catch {
            let engine = engine
            try runToEnd { await engine.shutDown() }
            throw error
        }
    }

    /// What runs jobs in it.
    /// - Parameters:
    ///   - name: this host's, as results show it.
    ///   - slots: how many programs run at once; nil where it is given one job at a time.
    ///   - caseTime: how long the cases of a job may take together.
    /// - Returns: one runner; each has a cache and a budget of its own.
    func runner(named name: String, slots: Int? = nil, caseTime: CaseTime = CaseTime()) -> JobRunner {
        let cache = shares?.compileCache ?? 0
        return JobRunner(
            engine: engine, languages: languages, maxima: maxima, worker: name,
            compileCache: cache > 0 ? CompileCache(mostBytes: cache, contents: contents) : nil,
            memory: shares.map { MemoryBudget(bytes: UInt64($0.budget)) }, slots: slots.map(SlotShares.init(slots:)),
            caseTime: caseTime)
    }

    /// What is told of it, and of the jobs that run in it.
    func figures(of runner: JobRunner, jobs: JobMetrics, audit: AuditLog?) -> [MetricsPage.Source] {
        let parts: [MetricsPage.Source] = [
            jobs.families, Figures.slots(of: engine), Figures.resources(of: runner, shares: shares),
        ]
        return parts + (audit.map { [$0.families] } ?? [])
    }

    /// The images that are built. One that is broken is said to be left out, and why: its languages will be missing.
    private static func usableImages(of store: ImageStore) throws -> [String] {
        try store.list().compactMap { image in
            if let problem = image.problem { note("image \(image.name) is left out: \(problem)") }
            return image.manifest != nil && image.problem == nil ? image.name : nil
        }
    }
}

extension IsolationError {
    /// Whether the host lacked what it may have again in a moment: room, not a right or a feature.
    fileprivate var isPassing: Bool {
        failure.map { [EAGAIN, ENOMEM, ENOSPC, EMFILE, ENFILE, EBUSY, EINTR, ETIMEDOUT, EDQUOT].contains($0.errno) }
            ?? false
    }
}

extension Limits {
    /// For error messages: the limits that a command line can set, in its own units.
    var summary: String {
        "time \(wallTimeMs)ms, cpu-time \(cpuTimeMs)ms, memory \(memoryBytes >> 20)M, processes \(processes), "
            + "output \(outputBytes >> 10)K, disk \(diskBytes >> 20)M, cpus \(cpus)"
    }
}

/// Runs asynchronous work to its end on behalf of a command's own thread, which does what must be done as root and
/// before there are other threads.
func runToEnd<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let done = DispatchSemaphore(value: 0)
    let box = ResultBox<Value>()
    Task {
        do { box.result = .success(try await body()) } catch { box.result = .failure(error) }
        done.signal()
    }
    done.wait()
    guard let result = box.result else { throw CancellationError() }
    return try result.get()
}

/// Written once before the semaphore is signalled and read once after.
private final class ResultBox<Value: Sendable>: @unchecked Sendable {
    var result: Result<Value, any Error>?
}

/// A line to standard error. Where that is gone nobody could be told.
func note(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("bulkhead: \(text)\n".utf8))
}
