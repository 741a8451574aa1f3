import ArgumentParser
import Dispatch
import Foundation
import Isolation
import Jobs
import MCP
import ServiceClient
import Worker

/// `bulkhead mcp`: programs for language models, over standard input and output.
struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Run programs for a language model: a Model Context Protocol server on standard input and output.",
        discussion: """
            bulkhead mcp --url http://127.0.0.1:3000    through a running service; any user
            sudo bulkhead mcp                           with an engine of its own

            A client starts it and talks to it: docs/mcp.md has the configuration. It ends, and its programs with it, when
            standard input ends.
            """)

    @Option(
        help: ArgumentHelp("A running service, such as http://127.0.0.1:3000 (BULKHEAD_URL).", valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "With --url: a file whose first line is the API key (or BULKHEAD_API_KEY).", valueName: "path"))
    var keyFile: String?

    @Flag(help: "With --url: send the API key to another host although http does not hide it.")
    var sendKeyInClear = false

    @OptionGroup var engine: EngineOptions

    @Option(help: "Without --url: how many programs run at once (2).")
    var slots = 2

    @OptionGroup var memory: MemoryOptions
    @OptionGroup var logging: LogOptions

    mutating func run() throws {
        // From here on what anybody prints goes to standard error: what is not a message would end the conversation.
        let output = dup(1)
        guard output >= 0, fcntl(output, F_SETFD, FD_CLOEXEC) == 0, dup2(2, 1) == 1 else {
            throw ValidationError("standard input, output and error must be open")
        }
        signal(SIGPIPE, SIG_IGN)
        let address = url ?? Self.variable("BULKHEAD_URL")
        if !address.isEmpty {
            let client = try serviceClient(address)
            Self.serve(MCPServer(executor: ServiceExecutor(client: client), version: version, output: output))
            return
        }
        guard keyFile == nil, !sendKeyInClear else {
            throw ValidationError("--key-file and --send-key-in-clear go with --url")
        }
        guard (1...64).contains(slots) else { throw ValidationError("--slots must be from 1 to 64") }
        guard geteuid() == 0 else {
            throw ValidationError(
                "an engine of its own must be started as root; or name a running service with --url "
                    + "http://127.0.0.1:3000 (bulkhead serve)")
        }
        let logger = try logging.logger()
        let running = try RunningEngine.serving(engine, slots: slots, memory: memory.settings(), logger: logger)
        let slots = slots
        do {
            try runToEnd { try await running.warmUp(slots: slots) }
            let executor = EngineExecutor(
                runner: running.runner(named: RunCommand.hostName, slots: slots),
                offer: Offer([WorkerOffer(languages: running.languages.all, maxima: running.maxima)]))
            Self.serve(MCPServer(executor: executor, version: version, output: output))
        } catch {
            try runToEnd { await running.engine.shutDown() }
            throw error
        }
        try runToEnd { await running.engine.shutDown() }
    }

    /// A setting of the client's own, which no configuration file of the service has; empty where there is none.
    private static func variable(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }

    private var version: String { Bulkhead.configuration.version }

    /// Serves until standard input ends or a signal says so.
    private static func serve(_ server: MCPServer) {
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            server.run()
            isOver.signal()
        }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The default action would end the process before the sources see anything.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                server.stop()
                isOver.signal()
            }
            source.resume()
            return source
        }
        isOver.wait()
        for source in sources { source.cancel() }
    }

    private func serviceClient(_ text: String) throws -> ServiceClient {
        guard let address = ServiceAddress(text) else {
            throw ValidationError(
                text.hasPrefix("https:")
                    ? "--url must begin with http:// (there is no TLS here; forward a local port to the service, say by ssh -L)"
                    : "--url must be such as http://127.0.0.1:3000")
        }
        let key = try apiKey()
        guard key == nil || address.isLoopback || sendKeyInClear else {
            throw ValidationError(
                "the API key would cross the network in clear; forward a local port to the service (say by ssh -L), "
                    + "or pass --send-key-in-clear")
        }
        return ServiceClient(address, key: key)
    }

    private func apiKey() throws -> String? {
        var key = Self.variable("BULKHEAD_API_KEY")
        if let keyFile {
            guard let text = try? String(contentsOfFile: keyFile, encoding: .utf8) else {
                throw ValidationError("cannot read \(keyFile)")
            }
            key =
                text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
            key = key.trimmingCharacters(in: .whitespaces)
            guard !key.isEmpty else { throw ValidationError("\(keyFile) begins with an empty line, and no API key") }
        }
        // A line's end in it would begin another field.
        guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError("the API key has characters that no key has")
        }
        return key.isEmpty ? nil : key
    }
}
