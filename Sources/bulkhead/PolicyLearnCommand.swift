import ArgumentParser
import Foundation
import Isolation
import Jobs
import Seccomp
import Worker

extension PolicyCommand {
    /// `bulkhead policy learn`: the smallest policy under which a program does what it just did.
    struct Learn: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a program in a sandbox and print the smallest policy that lets it pass.",
            discussion: """
                bulkhead policy learn -- /usr/bin/python3 -c 'print(1)' > policies/tiny.json
                bulkhead policy learn --file ./server -- /box/server --self-test

                The program runs under a policy (default), every call that this allows is counted, and what was not used is left
                out; rules keep their conditions and comments. So nothing that the policy denies can be learned, and what was
                refused is told. The program's own output goes to standard error. Other input can take other ways
                through a program: let it do all that it is to do. Exit 1, and no policy, unless the program exits with 0.
                Needs root. Calls take longer while they are counted.
                """)

        @OptionGroup var engine: EngineOptions

        @Option(help: ArgumentHelp("The image that the program runs in.", valueName: "name"))
        var image = "default"

        @Option(help: ArgumentHelp("The policy to start from, a name from the folder of policies.", valueName: "name"))
        var policy = Language.standardPolicy

        @Option(help: ArgumentHelp("A file to put into /box, executable.", valueName: "path"))
        var file: [String] = []

        @Argument(
            parsing: .captureForPassthrough,
            help: ArgumentHelp("The program's absolute path in the image, and its arguments.", valueName: "command"))
        var command: [String] = []

        mutating func run() throws {
            if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(self) }
            let command = Array(self.command.first == "--" ? self.command.dropFirst() : self.command[...])
            guard let program = command.first, program.hasPrefix("/") else {
                throw ValidationError("name the program by its absolute path in the image, such as /usr/bin/python3")
            }
            let files = try file.map { path in
                SandboxConfiguration.File(
                    path: URL(fileURLWithPath: path).lastPathComponent,
                    contents: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), isExecutable: true)
            }
            let base = try PolicyFolder(path: try engine.policyFolder()).policy(policy)
            let running = try RunningEngine.start(
                engine, images: [image], policies: [policy], learning: policy, slots: 1
            ) { note("\($0)") }
            guard let index = running.languages.policyIndex(of: policy) else { throw ExitCode(70) }
            let limits = running.maxima
            let outcome = try runToEnd {
                do {
                    let outcome = try await withStopSignals {
                        try await running.engine.run(
                            SandboxConfiguration(
                                policy: index, arguments: command, environment: JobRunner.fixedEnvironment,
                                files: files, standardInput: .descriptor(0), limits: limits.resources,
                                outputLimit: limits.outputBytes)
                        ) { _, bytes in
                            // As in `run`: where nobody reads, the program is learned from all the same.
                            try? FileHandle.standardError.write(contentsOf: Data(bytes))
                        }
                    }
                    await running.engine.shutDown()
                    return outcome
                } catch {
                    await running.engine.shutDown()
                    throw error
                }
            }
            let refused = outcome.deniedCalls
            if !refused.isEmpty {
                let list = refused.map { "\($0.name) (\($0.count))" }.joined(separator: ", ")
                note("refused under \(policy), and so refused by the policy learned: \(list)")
            }
            guard outcome.ending == .exited(0) else {
                note("no policy: the program ended with \(outcome.ending)")
                throw ExitCode(1)
            }
            print(
                base.narrowed(
                    allowing: Set(outcome.watchedCalls.map(\.name)), refusing: Set(refused.map(\.name))
                ).json)
        }
    }
}
