import Foundation
import Images
import Isolation
import Jobs
import Worker

/// Hello world in one language of an image: what it is started with, in a sandbox and without.
struct BenchLanguage {
    let language: Language
    let source: String

    static let greeting = "Hello from sandbox"

    /// Nil for a language that no program is known for here.
    init?(_ language: Language) {
        guard let source = Self.sources[language.name] else { return nil }
        self.language = language
        self.source = source
    }

    /// A language of our own for the HTTP path: its programs are of one system call (`BenchHost`).
    static let exit = "exit"

    static let sources = [
        "javascript": "console.log('\(greeting)')\n",
        "python": "print('\(greeting)')\n",
        "bash": "echo '\(greeting)'\n",
        "c": "#include <stdio.h>\nint main(void) { puts(\"\(greeting)\"); return 0; }\n",
        "c++": "#include <iostream>\nint main() { std::cout << \"\(greeting)\\n\"; }\n",
        "go": "package main\nfunc main() { println(\"\(greeting)\") }\n",
        "java": "public class Main { public static void main(String[] a) { System.out.println(\"\(greeting)\"); } }\n",
    ]

    var isCompiled: Bool { language.compile != nil }

    var environment: [String: String] {
        JobRunner.fixedEnvironment.merging(language.environment) { _, own in own }
    }

    /// As `StagePlan` gives them to a request that sets none.
    var limits: Limits {
        var limits = Limits.standard
        if let memory = language.memoryBytes { limits.memoryBytes = max(limits.memoryBytes, memory) }
        return limits
    }

    private var compileLimits: Limits {
        var limits = Limits.compile
        if let memory = language.compileMemoryBytes { limits.memoryBytes = max(limits.memoryBytes, memory) }
        return limits
    }

    /// The program and its arguments, with a folder put before the main file's name.
    func command(in folder: String = "") -> [String] { expanded(language.run, folder, memory: limits.memoryBytes) }

    private func expanded(_ command: [String], _ folder: String, memory: Int) -> [String] {
        let heap = max(1, (memory / 10 * 6) >> 20)
        return command.map { element in
            element == "{file}"
                ? folder + language.fileName : element.replacingOccurrences(of: "{heapMiB}", with: "\(heap)")
        }
    }

    /// What has to be in /box: the source, or what is made of it.
    /// - Throws: `IsolationError` with the compiler's words.
    func files(in engine: RunningEngine) async throws -> [SandboxConfiguration.File] {
        let source = SandboxConfiguration.File(path: language.fileName, contents: Array(source.utf8))
        guard let compile = language.compile else { return [source] }
        let outcome = try await engine.engine.run(
            SandboxConfiguration(
                image: try image(in: engine), policy: try policy(language.compilePolicy, in: engine),
                arguments: expanded(compile, "", memory: compileLimits.memoryBytes), environment: environment,
                files: [source], limits: compileLimits.resources, outputLimit: 65_536, endsAtOutputLimit: false,
                collect: language.products, collectLimit: 64 << 20))
        guard !outcome.files.isEmpty else {
            throw IsolationError(
                .host,
                "\(language.name) does not compile: \(String(decoding: outcome.standardError.bytes, as: UTF8.self))")
        }
        return outcome.files
    }

    func configuration(
        _ files: [SandboxConfiguration.File], in engine: RunningEngine
    ) throws -> SandboxConfiguration {
        SandboxConfiguration(
            image: try image(in: engine), policy: try policy(language.policy, in: engine), arguments: command(),
            environment: environment, files: files, limits: limits.resources, outputLimit: limits.outputBytes,
            // As `StagePlan` has it; an engine without memory for it does nothing about it.
            ahead: language.ahead.map {
                .init(opens: $0.opened(mainFile: language.fileName), limits: limits.resources)
            })
    }

    private func image(in engine: RunningEngine) throws -> Int {
        guard let index = engine.images.firstIndex(where: { $0.manifest.name == language.image }) else {
            throw IsolationError(.host, "the engine does not have the image \(language.image)")
        }
        return index
    }

    private func policy(_ name: String?, in engine: RunningEngine) throws -> Int {
        guard let index = engine.languages.policyIndex(of: name ?? Language.standardPolicy) else {
            throw IsolationError(.host, "the engine does not have the policy \(name ?? Language.standardPolicy)")
        }
        return index
    }
}
