import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Linux
import Seccomp
import Worker

/// `bulkhead shell`: a terminal in the sandbox that a language's jobs get.
struct ShellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "Open a shell in the very sandbox that a language's programs get.",
        discussion: """
            bulkhead shell python                      what does my program find in there?
            bulkhead shell python --file main.py       with a file in /box
            bulkhead shell c --compiler                what the compiler gets

            Image, policy, uid, limits and namespaces are those of a job; the time for it is longer (--timeout), and so is the CPU
            time, of which all that is run in the shell takes. Output is not limited. At the end it says what a job's
            result would: the peaks, the refused system calls, the limit that ended it. The shell's exit code is passed on; 124
            and 125 as with bulkhead run.

            The shell's terminal is one of its own: nothing in the sandbox has this one open. What programs print reaches this
            terminal as it is, control sequences included, as with any program that you run on it.
            """)

    @OptionGroup var engine: EngineOptions

    @Argument(help: ArgumentHelp("The language, such as python or c++.", valueName: "language"))
    var language: String

    @Flag(help: "The sandbox of the compile stage, with its policy and limits.")
    var compiler = false

    @Option(
        help: ArgumentHelp(
            "A file to put into /box, under its own name or as NAME=PATH; may be repeated.", valueName: "path"))
    var file: [String] = []

    @Option(help: ArgumentHelp("How long the shell may last, such as 90s (600s; at most 86400s).", valueName: "time"))
    var timeout: Milliseconds?

    @Option(help: ArgumentHelp("CPU time of all that runs in it (60s; at most 86400s).", valueName: "time"))
    var cpuTime: Milliseconds?

    @Option(help: ArgumentHelp("Memory, such as 64M (what a job gets).", valueName: "size"))
    var memory: ByteCount?

    @Option(help: ArgumentHelp("Processes and threads (what a job gets).", valueName: "count"))
    var processes: Int?

    @Option(help: ArgumentHelp("/box and /tmp together (what a job gets).", valueName: "size"))
    var disk: ByteCount?

    /// Milliseconds that a shell may last at most.
    private static let longest = 24 * 3_600_000

    mutating func run() throws {
        guard let outer = OuterTerminal(0) else {
            throw ValidationError("standard input must be a terminal; without one there is bulkhead run")
        }
        let built = try engine.store.list().compactMap(\.manifest).flatMap(\.languages)
        guard let chosen = built.first(where: { $0.name == language || $0.aliases.contains(language) }) else {
            throw ValidationError(
                built.isEmpty
                    ? "no image is built; build one: bulkhead rootfs build default"
                    : "no built image has \(language); there are "
                        + Set(built.map(\.name)).sorted().joined(separator: ", "))
        }
        guard !compiler || chosen.compile != nil else {
            throw ValidationError("\(chosen.name) is not compiled: leave out --compiler")
        }
        // As root, who may read what the process that is left may not.
        let files = try filesForBox()
        let request = try checkedRequest(for: chosen, files: files)
        let limits = request.limits.applied(
            to: compiler ? Limits.compile.adapted(toCompile: chosen) : Limits.standard.adapted(to: chosen))
        let policy = (compiler ? chosen.compilePolicy : chosen.policy) ?? Language.standardPolicy

        let canEdit = try Shell.canEdit(under: PolicyFolder(path: try engine.policyFolder()).policy(policy))

        let running = try RunningEngine.start(
            engine, images: [chosen.image], slots: 1, terminal: true, longest: Self.longest,
            onFailure: { error in
                note("\(error)")
                // Nothing can run any more; this puts the terminal back.
                Foundation.exit(70)
            })
        // Loaded for the language, or the start had failed.
        guard let index = running.languages.policyIndex(of: policy), let root = running.images.first?.rootfs else {
            throw ExitCode(70)
        }
        let shell = Shell.found(in: root, canEdit: canEdit)
        note(
            "\(chosen.name) \(chosen.version) in the image \(chosen.image), policy \(policy), "
                + "for at most \(limits.wallTimeMs / 1_000) s; a job runs: "
                + ((compiler ? chosen.compile : chosen.run) ?? []).joined(separator: " ")
                .replacing("{file}", with: chosen.fileName))
        if !canEdit {
            note(
                "the policy \(policy) lets no program set a terminal: no line editing, no history, no job control; the keys of "
                    + "the terminal work (Ctrl-C, Ctrl-D, Ctrl-U, backspace)")
        }
        let environment = chosen.environment.merging(shell.environment(for: chosen.name)) { _, own in own }
        let runner = running.runner(named: RunCommand.hostName)
        let result = try runToEnd {
            do {
                let terminal = try Terminal(size: outer.size)
                let result = try await Self.onTerminal(outer, terminal) {
                    await runner.run(
                        command: shell.command, image: 0, policy: index, environment: environment, limits: limits,
                        files: files, input: .descriptor(0), terminal: terminal, .init(id: JobID().description),
                        onOutput: Self.show)
                }
                await running.engine.shutDown()
                return result
            } catch {
                await running.engine.shutDown()
                throw error
            }
        }
        for line in ShellReport.lines(of: result) { note(line) }
        throw ExitCode(result.commandExitCode)
    }

    // MARK: What it starts with

    private func filesForBox() throws -> [SandboxConfiguration.File] {
        try file.map { text in
            let equals = text.firstIndex(of: "=")
            let path = equals.map { String(text[text.index(after: $0)...]) } ?? text
            let name = equals.map { String(text[..<$0]) } ?? URL(fileURLWithPath: path).lastPathComponent
            return SandboxConfiguration.File(
                path: name, contents: Array(try Self.read(path)), isExecutable: access(path, X_OK) == 0)
        }
    }

    private static func read(_ path: String) throws -> Data {
        // Asked first, because Foundation's error says no more than that something went wrong.
        guard access(path, R_OK) == 0 else {
            throw ValidationError("cannot read \(path): \(SystemError.text(errno))")
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// What a job with these files and limits would ask for, through the same checks; only time may be longer.
    private func checkedRequest(
        for language: Language, files: [SandboxConfiguration.File]
    ) throws -> ExecutionRequest {
        var limits: [String: Any] = [
            "wallTimeMs": timeout?.count ?? 600_000, "cpuTimeMs": cpuTime?.count ?? 60_000,
        ]
        limits["memoryBytes"] = memory?.bytes
        limits["processes"] = processes
        limits["diskBytes"] = disk?.bytes
        var request: [String: Any] = [
            "language": language.name, "limits": limits,
            "files": files.map { file in
                ["path": file.path, "content": Data(file.contents).base64EncodedString(), "encoding": "base64"]
            },
        ]
        // A request runs one file; a shell needs none.
        if let first = files.first { request["entrypoint"] = first.path } else { request["code"] = " " }
        var maxima = Limits.maximum(cores: ProcessInfo.processInfo.activeProcessorCount).largest(.compile)
        maxima.wallTimeMs = Self.longest
        maxima.cpuTimeMs = Self.longest
        return try RunCommand.check(
            JSONSerialization.data(withJSONObject: request), languages: [language], maxima: maxima)
    }

    // MARK: The terminal

    /// Runs with the outer terminal raw and its size passed on; a signal that would end this process ends the shell.
    private static func onTerminal<Value: Sendable>(
        _ outer: OuterTerminal, _ terminal: Terminal, _ body: @escaping @Sendable () async -> Value
    ) async throws -> Value {
        try outer.makeRaw()
        defer { outer.restore() }
        let work = Task { await body() }
        func watch(_ number: Int32, _ action: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
            // The default action would come before the source sees anything.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler(handler: action)
            source.resume()
            return source
        }
        let sources =
            [SIGINT, SIGTERM, SIGHUP, SIGQUIT].map { number in watch(number) { work.cancel() } }
            + [watch(SIGWINCH) { terminal.resize(to: outer.size) }]
        defer { for source in sources { source.cancel() } }
        // It may have been resized before anybody watched.
        terminal.resize(to: outer.size)
        return await work.value
    }

    private static let show: OutputObserver = { _, bytes in
        // A terminal that is gone sends SIGHUP, which ends the shell.
        try? FileHandle.standardOutput.write(contentsOf: Data(bytes))
    }
}

/// The shell of an image.
struct Shell {
    /// Its path within the image, and its arguments.
    var command: [String]
    private var isBash: Bool
    /// Whether it may set the terminal. One that may not and does not know puts each program into a process group that the
    /// terminal never hears of: what reads is stopped, and Ctrl-C ends nothing.
    private var canEdit: Bool

    /// Bash without files of its own, for the image's could say anything; else what every system has.
    /// - Parameters:
    ///   - root: the image's file system.
    ///   - canEdit: whether it may set the terminal.
    /// - Returns: the shell.
    static func found(in root: String, canEdit: Bool) -> Shell {
        for path in ["/usr/bin/bash", "/bin/bash"] where FileManager.default.isExecutableFile(atPath: root + path) {
            return Shell(
                command: [path, "--norc", "--noprofile"] + (canEdit ? ["-i"] : ["--noediting", "-i"]), isBash: true,
                canEdit: canEdit)
        }
        return Shell(command: ["/bin/sh", "-i"] + (canEdit ? [] : ["+m"]), isBash: false, canEdit: canEdit)
    }

    /// Whether a policy lets a program set its terminal and say who is in front: line editing needs the one, job control both.
    static func canEdit(under policy: SeccompPolicy) throws -> Bool {
        try [TCSETSW, TIOCSPGRP].allSatisfy { request in
            if case .rule(let rule) = try policy.decision("ioctl", [0, UInt64(request)]) {
                rule.action == .allow
            } else {
                false
            }
        }
    }

    private static let TCSETSW = 0x5403
    private static let TIOCSPGRP = 0x5410

    func environment(for language: String) -> [String: String] {
        // Of this process's own environment a job gets nothing else; the name of a terminal is short and plain.
        let term = ProcessInfo.processInfo.environment["TERM"] ?? ""
        let isPlain = (1...32).contains(term.utf8.count) && term.wholeMatch(of: /[A-Za-z0-9+._-]+/) != nil
        var variables = [
            "TERM": isPlain ? term : "dumb",
            "PS1": isBash ? "[\(language) sandbox] \\w\\$ " : "[\(language) sandbox] $ ",
        ]
        // An interactive bash takes +m from no command line, and has no file of its own that could say it.
        if isBash, !canEdit { variables["PROMPT_COMMAND"] = "set +m; unset PROMPT_COMMAND" }
        return variables
    }
}

/// What is said of a shell at its end: what the result of a job says.
enum ShellReport {
    static func lines(of result: ExecutionResult) -> [String] {
        let evidence = result.evidence
        var verdict = "\(result.status.rawValue)"
        if let message = result.message { verdict += ": \(message)" }
        if let code = result.exitCode { verdict += "; exit code \(code)" }
        guard let limits = evidence.limits else { return [verdict] }
        func mebibytes(_ bytes: Int?) -> String {
            bytes.map { "\((Double($0) / 1_048_576 * 10).rounded() / 10)" } ?? "?"
        }
        let peak = evidence.peak
        var used = [
            "wall \((result.wallTimeMs / 100).rounded() / 10) of \(limits.wallTimeMs / 1_000) s",
            "CPU \((result.cpuTimeMs / 100).rounded() / 10) of \(limits.cpuTimeMs / 1_000) s",
            "memory \(mebibytes(peak.memoryBytes)) of \(mebibytes(limits.memoryBytes)) MiB",
            "disk \(mebibytes(peak.diskBytes)) of \(mebibytes(limits.diskBytes)) MiB at the end",
        ]
        if let processes = peak.processes { used.append("processes \(processes) of \(limits.processes)") }
        var lines = [verdict, "peaks: \(used.joined(separator: ", "))"]
        let events = evidence.events
        if events.oomKill > 0 { lines.append("out of memory: \(events.oomKill) processes were ended") }
        if events.pidsMax > 0 {
            lines.append("process limit: \(events.pidsMax) forks failed at \(limits.processes) processes and threads")
        }
        let denied = evidence.deniedSyscalls.map { "\($0.name) \($0.count)×" }
        lines.append("refused system calls: \(denied.isEmpty ? "none" : denied.joined(separator: ", "))")
        lines.append("limit that ended it: \(evidence.firedLimit ?? "none")")
        return lines
    }
}
