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

        private static func run(_ configuration: String) throws {
            guard let python else { return }
            let folder = try TemporaryFolder()
            let file = folder.url("configuration.json")
            try Data(configuration.utf8).write(to: file)
            let client = try Child(
                [python, "\(Installation.sources)/Tests/EndToEndTests/mcp/client.py", file.path, "bulkhead"],
                environment: Installation.environment)
            let exitCode = try client.wait(atMost: .seconds(200))
            let held = String(decoding: client.standardOutput, as: UTF8.self)
            #expect(exitCode == 0, "\(held)\(client.standardError)")
            #expect(held.split(separator: "\n").count { $0.hasPrefix("ok ") } == 46, "\(held)")
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

        @Test("through a running service that asks for keys", .timeLimit(.minutes(5)))
        func service() throws {
            let folder = try TemporaryFolder()
            let key = folder.url("key").path
            let keys = try Command.bulkhead(["keys", "add", "assistant", "--keys", folder.url("keys.json").path])
            try Data(keys.output).write(to: folder.url("key"))
            let server = try Server(slots: 1, options: ["--keys", folder.url("keys.json").path])
            let text = try Self.configuration(with: "--url", port: server.port)
                .replacingOccurrences(of: "\"mcp\", ", with: "\"mcp\", \"--key-file\", \"\(key)\", ")
            #expect(text.contains(key))
            try Self.run(text)
            #expect(try server.stop() == 0)
        }
    }
}
