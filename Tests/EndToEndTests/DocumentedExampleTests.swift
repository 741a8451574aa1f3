import Foundation
import Testing

extension EndToEnd {
    /// What the documents show is what a service does: its commands are run, and print what stands below them.
    @Suite("Documented examples")
    struct DocumentedExampleTests {
        /// A block of commands, and the block after it: what they print, where `…` stands for anything.
        private struct Example {
            var line: Int
            var commands: String
            var output: String?
        }

        private static func examples(of document: String) -> [Example] {
            var examples: [Example] = []
            var block: (language: String, line: Int, text: String)?
            var followsCommands = false
            for (index, line) in document.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if line.hasPrefix("```") {
                    guard let ended = block else {
                        block = (String(line.dropFirst(3)), index + 1, "")
                        continue
                    }
                    if ended.language == "sh" {
                        examples.append(Example(line: ended.line, commands: ended.text))
                    } else if followsCommands, let last = examples.indices.last {
                        examples[last].output = ended.text
                    }
                    followsCommands = ended.language == "sh"
                    block = nil
                } else if block != nil {
                    block?.text += line + "\n"
                } else if !line.isEmpty {
                    // The output follows its commands without a word between them.
                    followsCommands = false
                }
            }
            return examples
        }

        /// A text on one line: where a document breaks a long line does not count.
        private static func joined(_ text: String) -> String {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined()
        }

        /// Whether a text is the pattern's, where `…` stands for any characters.
        private static func matches(_ text: String, _ pattern: String) -> Bool {
            let parts = joined(pattern).components(separatedBy: "…")
            var rest = joined(text)[...]
            for (index, part) in parts.enumerated() {
                guard !part.isEmpty else { continue }
                if index == 0 {
                    guard rest.hasPrefix(part) else { return false }
                    rest = rest.dropFirst(part.count)
                } else if index == parts.count - 1 {
                    return rest.hasSuffix(part)
                } else {
                    guard let range = rest.range(of: part) else { return false }
                    rest = rest[range.upperBound...]
                }
            }
            return rest.isEmpty || parts.last?.isEmpty == true
        }

        @Test("a pattern matches what it should, and nothing else")
        func patterns() {
            #expect(Self.matches("abc\n", "abc"))
            #expect(Self.matches("abc", "a…"))
            #expect(Self.matches("abc", "…c"))
            #expect(Self.matches("abcabc", "a…b…c"))
            #expect(!Self.matches("abcd", "abc"))
            #expect(!Self.matches("abc", "b…"))
            #expect(!Self.matches("abc", "a…d"))
        }

        /// Runs an example in a folder of its own, and compares what it prints.
        private static func check(
            _ example: Example, of document: String, replacing: (String) -> String, environment: [String: String]
        ) throws {
            let folder = try TemporaryFolder()
            let shell = try Child(
                ["/bin/bash", "-euo", "pipefail", "-c", "cd \(folder.path)\n\(replacing(example.commands))"],
                environment: environment)
            let exitCode = try shell.wait(atMost: .seconds(120))
            let output = String(decoding: shell.standardOutput, as: UTF8.self)
            #expect(exitCode == 0, "\(document):\(example.line): \(shell.standardError)\(output)")
            if let expected = example.output {
                #expect(matches(output, expected), "\(document):\(example.line) printed:\n\(output)")
            }
        }

        private static func examples(in path: String) throws -> [Example] {
            let examples = Self.examples(
                of: try String(contentsOf: URL(fileURLWithPath: "\(Installation.sources)/\(path)"), encoding: .utf8))
            #expect(!examples.isEmpty)
            return examples
        }

        @Test("every command prints what stands below it", arguments: ["docs/api.md", "docs/migration.md"])
        func ofAService(path: String) throws {
            let examples = try Self.examples(in: path)
            let server = try Server(slots: 4)
            // As after an installation.
            let programs = try TemporaryFolder()
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs.path)/bulkhead", withDestinationPath: Installation.bulkhead)
            var environment = Installation.environment
            environment["PATH"] = "\(programs.path):\(environment["PATH"] ?? "")"
            for example in examples {
                try Self.check(
                    example, of: path,
                    replacing: { commands in
                        commands.replacing(/(localhost|127\.0\.0\.1):3000/, with: "127.0.0.1:\(server.port)")
                    }, environment: environment)
            }
            #expect(try server.stop() == 0)
        }

        @Test("every command of docs/languages.md prints what stands below it, with images and recipes of its own")
        func languages() throws {
            let examples = try Self.examples(in: "docs/languages.md")
            #expect(examples.count >= 3)
            // Not the host's /etc, and not its images.
            let own = try TemporaryFolder()
            for name in ["bin", "recipes", "state"] {
                try FileManager.default.createDirectory(
                    at: own.url(name), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            }
            let programs = [
                "sudo": "exec \"$@\"",
                "bulkhead":
                    "[[ $1 == rootfs ]] && set -- \"$@\" --recipes \(own.path)/recipes\nexec \(Installation.bulkhead) \"$@\"",
            ]
            for (name, text) in programs {
                try Data("#!/bin/bash\n\(text)\n".utf8).write(to: own.url("bin/\(name)"))
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: "\(own.path)/bin/\(name)")
            }
            var environment = Installation.environment
            environment["PATH"] = "\(own.path)/bin:\(environment["PATH"] ?? "")"
            environment["BULKHEAD_STATE_DIR"] = "\(own.path)/state"
            for example in examples {
                try Self.check(
                    example, of: "docs/languages.md",
                    replacing: { $0.replacing("/etc/bulkhead/rootfs", with: "\(own.path)/recipes") },
                    environment: environment)
            }
        }
    }
}
