import Foundation
import RedisTestServer
import Testing

extension EndToEnd {
    /// The README's commands, as they stand there.
    @Suite("README", .enabled(if: RedisTestServer.shared != nil))
    struct ReadmeTests {
        private let folder: TemporaryFolder
        private let examples: [Document.Example]
        private var environment: [String: String]

        init() throws {
            folder = try TemporaryFolder()
            examples = try Document.examples(in: "README.md")
            environment = Installation.environment
            let sudo = folder.url("sudo")
            try Data("#!/bin/bash\n[[ $1 == -E ]] && shift\nexec \"$@\"\n".utf8).write(to: sudo)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: sudo.path)
            environment["PATH"] = "\(folder.path):\(environment["PATH"] ?? "")"
        }

        /// The one block that has a text.
        private func block(with text: String) throws -> Document.Example {
            let found = examples.filter { $0.commands.contains(text) }
            #expect(found.count == 1, "\(text)")
            return try #require(found.first)
        }

        /// Runs a block between other commands, with the programs of here.
        private func run(
            _ example: Document.Example, after before: String = "", before after: String = "",
            _ replacing: (String) -> String = { $0 }
        ) throws {
            // What it prints there is one answer of many.
            let commands = Document.Example(line: example.line, commands: example.commands, output: nil)
            try Document.check(
                commands, of: "README.md",
                replacing: { text in
                    before + "\n"
                        + replacing(text).replacingOccurrences(
                            of: ".build/release/bulkhead", with: Installation.bulkhead) + after
                }, environment: environment)
        }

        private static func freePort() throws -> Int {
            let server = try Server(slots: 1)
            defer { _ = try? server.stop() }
            return server.port
        }

        @Test("every block is run here, or by the test that is named")
        func blocks() {
            // The first is what runs these tests, and scripts/test-run.sh.
            let known = ["make run", "Hello from sandbox", "run hello.js", "redis-server", "keys add ci"]
            for example in examples {
                #expect(known.contains { example.commands.contains($0) }, "README.md:\(example.line)")
            }
        }

        @Test("the first request")
        func request() throws {
            let server = try Server(slots: 2)
            try run(try block(with: "Hello from sandbox")) {
                $0.replacingOccurrences(of: "localhost:3000", with: "localhost:\(server.port)")
            }
            #expect(try server.stop() == 0)
        }

        @Test("the command line")
        func commandLine() throws {
            let server = try Server(slots: 2)
            let files = """
                echo 'console.log("Hello from a file")' >hello.js
                echo 'open("plot.png", "w").write("picture")' >plot.py
                """
            try run(try block(with: "run hello.js"), after: files, before: "[[ $(cat plot.png) == picture ]]\n") {
                text in
                // Attacks and a terminal have tests of their own: SelftestTests, ShellCommandTests.
                text.split(separator: "\n").filter {
                    !$0.contains("bulkhead selftest") && !$0.contains("bulkhead shell")
                }
                .map { $0.replacingOccurrences(of: "127.0.0.1:3000", with: "127.0.0.1:\(server.port)") + "\n" }
                .joined()
            }
            #expect(try server.stop() == 0)
        }

        @Test("API, worker and Redis apart")
        func apart() throws {
            let port = try Self.freePort()
            let redis = try Self.freePort()
            let request = """
                trap 'kill $(jobs -p); wait' EXIT
                until curl -sf localhost:\(port)/readyz >ready; do sleep 0.2; done
                curl -s localhost:\(port)/api/execute -H 'content-type: application/json' \
                    -d '{"language":"bash","code":"echo far"}' >answer
                grep -q '"stdout":"far.n"' answer
                """
            try run(
                try block(with: "redis-server"), after: "export PORT=\(port) BULKHEAD_SLOTS=1", before: request + "\n"
            ) { $0.replacingOccurrences(of: "6390", with: "\(redis)") }
        }

        @Test("for others than oneself")
        func keys() throws {
            let port = try Self.freePort()
            try run(
                try block(with: "keys add ci"),
                after: "export PORT=\(port) BULKHEAD_SLOTS=1 BULKHEAD_KEYS=$PWD/keys.json",
                before: """
                     &
                    trap 'kill $(jobs -p); wait' EXIT
                    until curl -sf localhost:\(port)/health >health; do sleep 0.2; done
                    [[ $(curl -s -o refused -w '%{http_code}' localhost:\(port)/api/languages) == 401 ]]

                    """
            ) { String($0.dropLast()) }
        }
    }
}
