import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Linux
import Worker

/// `bulkhead run`: one program in one sandbox.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a program in a sandbox.",
        discussion: """
            bulkhead run hello.js                            the language from the file's ending
            bulkhead run --language python --memory 64M -    the source from standard input
            bulkhead run main.c one two                      with arguments
            bulkhead run --image default -- /bin/ls /        any command of an image

            The program reads this command's standard input and its output appears as it is written. Its exit code is
            passed on; 128 + n when signal n ended it, 127 when the image has no such command, 124 for a limit of time,
            125 for any other limit or a program that does not compile, 70 when the engine failed. --json prints the
            whole result instead, and exits 0 when the program ran.

            --collect GLOB writes files that the program left in its work folder below --collect-to: as the user who
            called sudo, else as the folder's owner. Files that are there already stay, and no link is followed. 73 when
            one could not be written and the program itself ended well. With --json they are in the result instead.
            """)

    @OptionGroup var engine: EngineOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The language, such as python or c++.", valueName: "name"))
    var language: String?

    @Option(help: ArgumentHelp("Run a command of this image rather than a source file.", valueName: "name"))
    var image: String?

    @Option(
        help: ArgumentHelp("With --image: the seccomp policy, a name from the folder of policies.", valueName: "name"))
    var policy = Language.standardPolicy

    @Option(help: ArgumentHelp("Wall time, such as 500ms or 2s (10s).", valueName: "time"))
    var time: Milliseconds?

    @Option(help: ArgumentHelp("CPU time of all processes together (5s).", valueName: "time"))
    var cpuTime: Milliseconds?

    @Option(help: ArgumentHelp("Memory, such as 64M (128M).", valueName: "size"))
    var memory: ByteCount?

    @Option(help: ArgumentHelp("Processes and threads (64).", valueName: "count"))
    var processes: Int?

    @Option(help: ArgumentHelp("stdout and stderr together (1M).", valueName: "size"))
    var output: ByteCount?

    @Option(help: ArgumentHelp("/box and /tmp together (64M).", valueName: "size"))
    var disk: ByteCount?

    @Option(help: ArgumentHelp("CPUs' worth of time (1).", valueName: "number"))
    var cpus: Double?

    @Option(name: .shortAndLong, help: ArgumentHelp("NAME=value for the program's environment.", valueName: "variable"))
    var env: [String] = []

    @Option(
        help: ArgumentHelp("Files to hand back, such as 'out/*.png' or '**/*.txt'; may be repeated.", valueName: "glob")
    )
    var collect: [String] = []

    @Option(help: ArgumentHelp("The folder for them (.).", valueName: "dir"))
    var collectTo: String?

    @Flag(help: "Replace files that are there already.")
    var force = false

    @Flag(help: "Print the result as JSON: status, output, times, evidence.")
    var json = false

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp(
            "A source file or -, then the program's arguments; with --image a command.", valueName: "what"))
    var arguments: [String] = []

    mutating func run() throws {
        var what = arguments
        if what.first == "--" { what.removeFirst() }
        guard let first = what.first else { throw ValidationError("name a source file, - or, with --image, a command") }
        // Everything from the first word on that is no option of ours is taken as it stands, so these arrive here too.
        if arguments.first == "--help" || arguments.first == "-h" { throw CleanExit.helpRequest(self) }
        if first.hasPrefix("-"), first != "-", arguments.first != "--" {
            throw ValidationError("unknown option \(first); see bulkhead run --help")
        }
        if collectTo != nil || force {
            guard !collect.isEmpty else { throw ValidationError("--collect-to and --force go with --collect") }
            guard !json else {
                throw ValidationError("--json has the files in the result: no --collect-to, no --force")
            }
        }
        let status: Int32
        if let image {
            guard language == nil else { throw ValidationError("--image and --language exclude each other") }
            guard first.hasPrefix("/") else {
                throw ValidationError("the command must be an absolute path within the image, such as /bin/ls")
            }
            status = try runCommand(what, image: image)
        } else {
            guard policy == Language.standardPolicy else {
                throw ValidationError("--policy goes with --image; a language's policy is its recipe's")
            }
            status = try runSource(first, arguments: Array(what.dropFirst()))
        }
        throw ExitCode(status)
    }

    func validate() throws {
        // JSON, which the request is made as, has no other numbers.
        if let cpus, !cpus.isFinite { throw ValidationError("--cpus must be a number") }
    }

    private var overrides: [String: Any] {
        var limits: [String: Any] = [:]
        limits["wallTimeMs"] = time?.count
        limits["cpuTimeMs"] = cpuTime?.count
        limits["memoryBytes"] = memory?.bytes
        limits["processes"] = processes
        limits["outputBytes"] = output?.bytes
        limits["diskBytes"] = disk?.bytes
        limits["cpus"] = cpus
        return limits
    }

    private func variables() throws -> [String: String] {
        try Dictionary(
            env.map { variable in
                let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("--env wants NAME=value") }
                return (String(parts[0]), String(parts[1]))
            }, uniquingKeysWith: { _, last in last })
    }

    // MARK: A source file

    private func runSource(_ path: String, arguments: [String]) throws -> Int32 {
        let name = try language ?? Self.language(ofFile: path)
        let source = try Self.source(path)
        let built = try engine.store.list().compactMap(\.manifest).flatMap(\.languages)
        guard let chosen = built.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
            throw ValidationError(
                built.isEmpty
                    ? "no image is built; build one: bulkhead rootfs build default"
                    : "no built image has \(name); there are \(Set(built.map(\.name)).sorted().joined(separator: ", ")) "
                        + "(bulkhead rootfs list shows what can be built)")
        }
        let request: [String: Any] = [
            "language": name, "entrypoint": chosen.fileName, "args": arguments, "env": try variables(),
            "limits": overrides, "collect": collect,
            "files": [["path": chosen.fileName, "content": source.base64EncodedString(), "encoding": "base64"]],
        ]
        let checked = try Self.check(
            JSONSerialization.data(withJSONObject: request), languages: built.filter { $0.image == chosen.image })
        let (running, folder) = try start(image: chosen.image)
        let runner = running.runner(named: Self.hostName)
        // The source used standard input up.
        let input: SandboxConfiguration.Input = path == "-" ? .bytes([]) : .descriptor(0)
        let observer: OutputObserver? = json ? nil : Self.passOn
        return try finish(running, folder) {
            await runner.run(checked, .init(id: JobID().description), input: input, onOutput: observer)
        }
    }

    private static func source(_ path: String) throws -> Data {
        if path == "-" { return try FileHandle.standardInput.readToEnd() ?? Data() }
        // Asked first, because Foundation's error says no more than that something went wrong.
        guard access(path, R_OK) == 0 else {
            throw ValidationError("cannot read \(path): \(SystemError.text(errno))")
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// Finds what is wrong before anything is started, and says it in the words of the command line.
    static func check(
        _ request: Data, languages: [Language],
        maxima: Limits = .maximum(cores: ProcessInfo.processInfo.activeProcessorCount)
    ) throws -> ExecutionRequest {
        do throws(RequestProblems) {
            return try ExecutionRequest(json: request, languages: languages, maxima: maxima)
        } catch {
            let words = error.problems.map { problem in
                let flag = flags.first { problem.pointer.hasPrefix($0.pointer) }?.flag ?? problem.pointer
                return "\(flag): \(problem.detail)"
            }
            throw ValidationError(words.joined(separator: "; "))
        }
    }

    /// What the fields of a request are called here.
    private static let flags = [
        (pointer: "#/limits/wallTimeMs", flag: "--time in ms"),
        (pointer: "#/limits/cpuTimeMs", flag: "--cpu-time in ms"),
        (pointer: "#/limits/memoryBytes", flag: "--memory in bytes"),
        (pointer: "#/limits/processes", flag: "--processes"),
        (pointer: "#/limits/outputBytes", flag: "--output in bytes"),
        (pointer: "#/limits/diskBytes", flag: "--disk in bytes"), (pointer: "#/limits/cpus", flag: "--cpus"),
        (pointer: "#/collect", flag: "--collect"), (pointer: "#/env", flag: "--env"),
        (pointer: "#/args", flag: "arguments"), (pointer: "#/files", flag: "source"),
    ]

    private static func language(ofFile path: String) throws -> String {
        let endings = [
            "js": "javascript", "mjs": "javascript", "cjs": "javascript", "py": "python", "c": "c", "cpp": "c++",
            "cc": "c++", "cxx": "c++", "sh": "bash", "java": "java", "go": "go", "rs": "rust", "hs": "haskell",
            "rb": "ruby",
            "php": "php", "pl": "perl", "lua": "lua", "ts": "typescript",
        ]
        guard let name = endings[URL(fileURLWithPath: path).pathExtension] else {
            throw ValidationError("say which language: bulkhead run --language python \(path)")
        }
        return name
    }

    // MARK: A command

    private func runCommand(_ command: [String], image: String) throws -> Int32 {
        var limits = Limits.standard
        if let time { limits.wallTimeMs = time.count }
        if let cpuTime { limits.cpuTimeMs = cpuTime.count }
        if let memory { limits.memoryBytes = memory.bytes }
        if let processes { limits.processes = processes }
        if let output { limits.outputBytes = output.bytes }
        if let disk { limits.diskBytes = disk.bytes }
        if let cpus { limits.cpus = cpus }
        let maxima = Limits.maximum(cores: ProcessInfo.processInfo.activeProcessorCount)
        guard limits.resources.isWithin(maxima.resources), (1...maxima.outputBytes).contains(limits.outputBytes) else {
            throw ValidationError("a limit is above its maximum: \(maxima.summary)")
        }
        guard collect.count <= CollectPattern.most else {
            throw ValidationError("--collect: at most \(CollectPattern.most) of them")
        }
        for pattern in collect {
            if let problem = CollectPattern.problem(with: pattern) { throw ValidationError("--collect: \(problem)") }
        }
        let variables = try variables()
        let collect = collect
        let effective = limits
        let observer: OutputObserver? = json ? nil : Self.passOn
        let (running, folder) = try start(image: image, policies: [policy])
        // Loaded a line above, or the start had failed.
        guard let index = running.languages.policyIndex(of: policy) else { throw ExitCode(70) }
        let runner = running.runner(named: Self.hostName)
        return try finish(running, folder) {
            await runner.run(
                command: command, image: 0, policy: index, environment: variables, limits: effective, collect: collect,
                input: .descriptor(0), .init(id: JobID().description), onOutput: observer)
        }
    }

    // MARK: Both

    private func start(image: String, policies: [String] = []) throws -> (RunningEngine, CollectedFolder?) {
        let target = collect.isEmpty || json ? nil : try CollectedFolder.open(collectTo ?? ".")
        var folder: CollectedFolder?
        let running = try RunningEngine.start(
            engine, images: [image], policies: policies, slots: 1,
            whileRoot: { if let target { folder = try CollectedFolder(folder: target, replace: force) } },
            onFailure: { note("\($0)") })
        return (running, folder)
    }

    private func finish(
        _ running: RunningEngine, _ folder: CollectedFolder?,
        _ body: @escaping @Sendable () async throws -> ExecutionResult
    ) throws -> Int32 {
        let asJSON = json
        let result = try runToEnd {
            do {
                // An interrupted command ends its program too.
                let result = try await withStopSignals { try await body() }
                await running.engine.shutDown()
                return result
            } catch {
                await running.engine.shutDown()
                throw error
            }
        }
        if asJSON {
            try FileHandle.standardOutput.write(contentsOf: result.json() + Data("\n".utf8))
            return result.status == .internalError ? 70 : 0
        }
        if let compile = result.compile {
            // As passOn: where nobody reads, the exit code is told all the same.
            try? FileHandle.standardError.write(contentsOf: Data((compile.stdout + compile.stderr).utf8))
        }
        if result.status != .ok, result.status != .nonzeroExit {
            note("\(result.status.rawValue)\(result.message.map { ": \($0)" } ?? "")")
        }
        for file in result.files {
            if let reason = file.skipped { note("not collected: \(file.path.printable): \(reason)") }
        }
        let areWritten = folder?.finish(result.files) ?? true
        if !areWritten, result.status == .ok { return EX_CANTCREAT }
        return result.commandExitCode
    }

    private static let passOn: OutputObserver = { stream, bytes in
        let handle = stream == .output ? FileHandle.standardOutput : FileHandle.standardError
        // Nobody reads any more: what the program still writes is of no use, and its exit code is told all the same.
        try? handle.write(contentsOf: Data(bytes))
    }

    static var hostName: String { ProcessInfo.processInfo.hostName }
}
