import Foundation
import Images
import Isolation
import Jobs
import Linux
import Measurement
import Seccomp

/// What the sections of one bench share: the host, the engines, the programs.
final class BenchRun {
    let options: EngineOptions
    let plan: BenchPlan
    let host: BenchHost
    private var bareLanguages: [String: SpawnedProgram] = [:]

    /// For what is measured one at a time: each kind of sandbox has two slots in it, for it never has more at once.
    let engine: EngineProcess
    /// For what runs many at once.
    let busyEngine: EngineProcess
    private var prepared: Set<String> = []

    init(_ options: EngineOptions, plan: BenchPlan) throws {
        self.options = options
        self.plan = plan
        let store = try options.store
        // Those that are whole; the default one must be.
        let names = try store.list().filter { $0.manifest != nil && $0.problem == nil }.map(\.name)
        host = try BenchHost(options, images: ["default"] + names.filter { $0 != "default" })
        // Not before: its thread is to see the host's mounts.
        BenchCleanup.begin()
        let policy = try PolicyFolder(path: try options.policyFolder()).policy("default")
        try BenchHost.write(Data(try policy.compile().bytes), to: host.filterFile)
        engine = try EngineProcess(options, images: host.imageNames, slots: 32)
        busyEngine = try EngineProcess(options, images: host.imageNames, slots: 2 * plan.cores)
    }

    /// Ends the engines.
    /// - Returns: what they left on this host.
    func end() throws -> [String] { try engine.end() + busyEngine.end() }

    func progress(_ words: String) { note(words) }

    /// - Returns: what is in its /box.
    @discardableResult
    private func prepare(_ program: String) throws -> [EngineExchange.File] {
        let files = try engine.ask(.prepare(program: program)).files
        _ = try busyEngine.ask(.prepare(program: program))
        prepared.insert(program)
        return files
    }

    /// The static program, by posix_spawn and wait and nothing else.
    var bareSpawn: BenchSubject {
        .spawned("bare spawn") { [host] _ in SpawnedProgram([host.exitProgram]) }
    }

    private static var chroot: String { Installation.onPath("chroot") ?? "/usr/sbin/chroot" }

    /// Hello world by chroot(8) into the language's own image, and nothing else.
    func bare(_ language: BenchLanguage) throws -> SpawnedProgram {
        let name = language.language.name
        if let program = bareLanguages[name] { return program }
        let root = try host.chroot(for: language, files: try prepare(name))
        let program = SpawnedProgram(
            [Self.chroot, root] + language.command(in: "/box/"), environment: language.environment,
            // Go's println writes to the other stream; both are one here.
            expecting: BenchLanguage.greeting + "\n")
        bareLanguages[name] = program
        return program
    }

    /// A program in the engine: parked, the moment after, and for the sums.
    /// - Parameters:
    ///   - program: as the engine's process knows it.
    ///   - name: of the rows.
    ///   - pause: milliseconds that the slot has to set up the next sandbox.
    /// - Returns: what measures it.
    /// - Throws: `IsolationError` where the program does not compile.
    func sandboxed(_ program: String, name: String, pause: Int) throws -> BenchSubject {
        if !prepared.contains(program) { try prepare(program) }
        let (engine, busyEngine) = (engine, busyEngine)
        return BenchSubject(
            name: "\(name), many in a row",
            round: {
                let runs = try engine.ask(.runParkedThenCold(program: program, pauseMilliseconds: pause)).runs
                return runs.enumerated().compactMap { index, run in
                    // Each way counts only where it was asked for: a slot that was late with its next sandbox is neither.
                    guard (index == 0) == (run.start != Outcome.Start.cold.rawValue) else { return nil }
                    return .init(row: "\(name), \(Self.words(run.start))", microseconds: run.microseconds)
                }
            },
            repeated: { count in
                _ = try engine.ask(.run(program: program, times: count, pauseMilliseconds: 4))
            },
            cpuTime: { try engine.cpuTime },
            rate: { atOnce, milliseconds in
                let reply = try busyEngine.ask(.load(program: program, atOnce: atOnce, milliseconds: milliseconds))
                return reply.perSecond ?? 0
            })
    }

    /// A program of a runtime that came up before it.
    private func startedAhead(_ program: String, in engine: EngineProcess, pause: Int) throws -> BenchSubject {
        _ = try engine.ask(.prepare(program: program))
        func run() throws -> [EngineExchange.Run] {
            try engine.ask(.runThenWait(program: program, pauseMilliseconds: pause)).runs
        }
        return BenchSubject(
            name: "\(program), \(Self.words(Outcome.Start.prestarted.rawValue))",
            round: {
                // The first finds none.
                try run().filter { $0.start == Outcome.Start.prestarted.rawValue }.map {
                    .init(row: "\(program), \(Self.words($0.start))", microseconds: $0.microseconds)
                }
            },
            repeated: { count in for _ in 0..<count { _ = try run() } }, cpuTime: { try engine.cpuTime })
    }

    private static func words(_ start: String) -> String {
        switch start {
        case Outcome.Start.cold.rawValue: "cold"
        case Outcome.Start.slot.rawValue: "parked"
        case Outcome.Start.prestarted.rawValue: "started ahead"
        default: start
        }
    }
}

/// The cost of a sandbox, of a static program and of languages.
extension BenchRun {
    func sandboxes() throws -> BenchReport.Section {
        progress("sandboxes")
        return .init(
            title: "A static program", command: "sudo bulkhead bench", rounds: plan.rounds,
            baseline: "bare spawn",
            rows: try plan.measure(
                [bareSpawn, sandboxed(BenchLanguage.exit, name: "sandbox", pause: 8)], progress: progress),
            notes: [
                "The program is of one system call. bare spawn: posix_spawn and wait, no isolation.",
                "parked: the sandbox was set up before the job came. cold: both slots have just answered a job; the sandbox of "
                    + "one is taken down and the next set up while the job waits.",
                "Times of sandboxes are from the call of the engine in an unprivileged process to its verdict.",
                Self.aboutCPU,
            ])
    }

    /// What the columns mean.
    static let aboutCPU =
        "CPU: user and system time of one run, of the process that measures or has the engine, and of all that it started "
        + "(read to a clock tick for each process that lives, over hundreds of runs). kernel: time of all kernel threads meanwhile, whatever "
        + "they did it for."

    func languages() throws -> BenchReport.Section {
        progress("languages")
        var subjects = [
            bareSpawn,
            BenchSubject.spawned("static program, bare in chroot(8)") { [host] _ in
                SpawnedProgram([Self.chroot, host.exitImage, "/exit"])
            },
        ]
        // Of its own, so that nothing is started ahead that another row would have to make room for.
        let ahead = try EngineProcess(options, images: host.imageNames, slots: 16, aheadMemory: 2 << 30)
        for language in host.languages {
            let name = language.language.name
            let bare = try bare(language)
            subjects.append(.spawned("\(name), bare") { _ in bare })
            subjects.append(try sandboxed(name, name: name, pause: language.isCompiled ? 15 : 80))
            if language.language.ahead != nil { subjects.append(try startedAhead(name, in: ahead, pause: 200)) }
        }
        let plan = plan.slower(by: 10)
        let rows = try plan.measure(subjects, progress: progress)
        let left = try ahead.end()
        guard left.isEmpty else { throw IsolationError(.host, left.joined(separator: "; ")) }
        return .init(
            title: "Hello world in each language", command: "sudo bulkhead bench --languages", rounds: plan.rounds,
            rows: rows,
            notes: [
                "bare: the image's own interpreter, or the program that its compiler made, by chroot(8) and nothing else; "
                    + "what chroot itself takes shows with the static program.",
                "parked and cold as in the table of the static program; what is taken down for a cold one is the static program's "
                    + "sandbox. Compiled languages without the compile stage.",
                "started ahead: the interpreter had come up in the sandbox 200 ms before at the latest, and was held as it opened "
                    + "its main file. Its CPU time has the start of the next in it.",
                Self.aboutCPU,
            ])
    }
}
