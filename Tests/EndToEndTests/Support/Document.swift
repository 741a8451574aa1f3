import Foundation
import Testing

/// The examples of a document: blocks of commands, and what they print.
enum Document {
    /// A block of commands, and the block after it: what they print, where `…` stands for anything.
    struct Example {
        var line: Int
        var commands: String
        var output: String?
    }

    private static func examples(of text: String) -> [Example] {
        var examples: [Example] = []
        var block: (language: String, line: Int, text: String)?
        var followsCommands = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
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
    static func matches(_ text: String, _ pattern: String) -> Bool {
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

    /// Runs an example in a folder of its own, and compares what it prints.
    static func check(
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

    static func examples(in path: String) throws -> [Example] {
        let examples = Self.examples(
            of: try String(contentsOf: URL(fileURLWithPath: "\(Installation.sources)/\(path)"), encoding: .utf8))
        #expect(!examples.isEmpty)
        return examples
    }
}
