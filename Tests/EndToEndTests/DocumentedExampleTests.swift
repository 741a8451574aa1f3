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

        @Test("every command prints what stands below it", arguments: ["docs/api.md", "docs/migration.md"])
        func commands(path: String) throws {
            let document = try String(
                contentsOf: URL(fileURLWithPath: "\(Installation.sources)/\(path)"), encoding: .utf8)
            let examples = Self.examples(of: document)
            #expect(!examples.isEmpty)
            let server = try Server(slots: 4)
            // As after an installation.
            let programs = try TemporaryFolder()
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs.path)/bulkhead", withDestinationPath: Installation.bulkhead)
            for example in examples {
                let commands = example.commands.replacing(
                    /(localhost|127\.0\.0\.1):3000/, with: "127.0.0.1:\(server.port)")
                let folder = try TemporaryFolder()
                let shell = try Child(
                    [
                        "/bin/bash", "-euo", "pipefail", "-c",
                        "PATH=\(programs.path):$PATH\ncd \(folder.path)\n\(commands)",
                    ],
                    environment: Installation.environment)
                let exitCode = try shell.wait(atMost: .seconds(60))
                let output = String(decoding: shell.standardOutput, as: UTF8.self)
                #expect(exitCode == 0, "\(path):\(example.line): \(shell.standardError)")
                if let expected = example.output {
                    #expect(Self.matches(output, expected), "\(path):\(example.line) printed:\n\(output)")
                }
            }
            #expect(try server.stop() == 0)
        }
    }
}
