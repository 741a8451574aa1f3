import Foundation
import Testing

extension EndToEnd {
    /// `bulkhead mcp`, as the protocol's official SDK for Python sees it, started by the configurations of docs/mcp.md.
    @Suite("bulkhead mcp")
    struct MCPCommandTests {
        private static let python = PyPI.program("python3", of: "mcp")

        /// The configuration of docs/mcp.md that has this word, with the paths of here.
        private static func configuration(with word: String, port: Int = 3_000) throws -> String {
            let document = try String(
                contentsOf: URL(fileURLWithPath: "\(Installation.sources)/docs/mcp.md"), encoding: .utf8)
            let blocks = document.components(separatedBy: "```json\n").dropFirst().compactMap {
                $0.components(separatedBy: "```").first
            }
            let block = try #require(blocks.first { $0.contains(word) })
            return block.replacingOccurrences(of: "127.0.0.1:3000", with: "127.0.0.1:\(port)")
                .replacingOccurrences(of: "/usr/bin/bulkhead", with: Installation.bulkhead)
        }

        private static func run(_ configuration: String, _ mode: String? = nil, holding count: Int = 50) throws {
            guard let python else { return }
            let folder = try TemporaryFolder()
            let file = folder.url("configuration.json")
            try Data(configuration.utf8).write(to: file)
            let client = try Child(
                [python, "\(Installation.sources)/Tests/EndToEndTests/mcp/client.py", file.path, "bulkhead"]
                    + (mode.map { [$0] } ?? []),
                environment: Installation.environment)
            let exitCode = try client.wait(atMost: .seconds(200))
            let held = String(decoding: client.standardOutput, as: UTF8.self)
            #expect(exitCode == 0, "\(held)\(client.standardError)")
            #expect(held.split(separator: "\n").count { $0.hasPrefix("ok ") } == count, "\(held)")
        }

        @Test("with an engine of its own", .timeLimit(.minutes(5)))
        func ownEngine() throws {
            // sudo would need a rule, and passes no environment on; the rest of the line is the document's.
            let text = try Self.configuration(with: "\"sudo\"")
                .replacingOccurrences(of: "\"command\": \"sudo\"", with: "\"command\": \"/usr/bin/env\"")
                .replacingOccurrences(of: "\"-n\", ", with: "")
                .replacingOccurrences(of: "\"2\"", with: "\"1\"")
            try Self.run(text)
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test(
            "through a running service that asks for keys, also one that lets no request wait for its result",
            .timeLimit(.minutes(8)), arguments: ["90s", "1ms"])
        func service(maxWait: String) throws {
            let folder = try TemporaryFolder()
            let (server, text) = try Self.service(folder, maxWait: maxWait)
            try Self.run(text)
            #expect(try server.stop() == 0)
        }

        @Test("a key that may not look at jobs gets results without progress")
        func executeOnly() throws {
            let folder = try TemporaryFolder()
            let (server, text) = try Self.service(folder, "--scope", "execute")
            try Self.run(text, "without-reading", holding: 3)
            #expect(try server.stop() == 0)
        }

        /// A service that asks for keys, and the document's configuration for it.
        private static func service(
            _ folder: TemporaryFolder, _ keyOptions: String..., maxWait: String = "90s"
        ) throws -> (Server, String) {
            let file = folder.url("keys.json").path
            let key = folder.url("key").path
            let made = try Command.bulkhead(["keys", "add", "assistant", "--keys", file] + keyOptions)
            try Data(made.output).write(to: folder.url("key"))
            let server = try Server(slots: 1, options: ["--keys", file, "--max-wait", maxWait])
            let text = try configuration(with: "--url", port: server.port)
                .replacingOccurrences(of: "\"mcp\", ", with: "\"mcp\", \"--key-file\", \"\(key)\", ")
            #expect(text.contains(key))
            return (server, text)
        }
    }
}
