import ArgumentParser

/// The command.
@main
struct Bulkhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "Runs untrusted code safely and fast, in containers that it builds itself.",
        discussion: """
            First steps:
              bulkhead rootfs build default    make the image that programs run in (about half a minute, once)
              bulkhead check                   see whether this host has all that is needed
              bulkhead run hello.js            run a program in a sandbox
              bulkhead serve                   take programs over HTTP: POST /api/execute

            Everything that starts sandboxes must be started as root; it gives root up as soon as its launcher runs.
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, APICommand.self, WorkerCommand.self, RunCommand.self, CheckCommand.self,
            ShellCommand.self, MCPCommand.self, RootfsCommand.self, PolicyCommand.self, ConfigCommand.self,
            KeysCommand.self, QueueCommand.self,
            SelftestCommand.self,
            BenchCommand.self,
            BenchEngineCommand.self, WriteFilesCommand.self,
        ])
}
