import Foundation

/// One run of `bulkhead` that has ended.
struct Command {
    var exitCode: Int
    var output: [UInt8]
    var error: String

    var text: String { String(decoding: output, as: UTF8.self) }

    /// Runs `bulkhead` to its end.
    static func bulkhead(
        _ arguments: [String], input: [UInt8]? = nil, environment: [String: String] = [:],
        atMost limit: Duration = .seconds(60)
    ) throws -> Command {
        let child = try Child(
            [Installation.bulkhead] + arguments, input: input,
            environment: Installation.environment.merging(environment) { $1 })
        let exitCode = try child.wait(atMost: limit)
        return Command(exitCode: exitCode, output: child.standardOutput, error: child.standardError)
    }

    /// Runs a program of which there is only the source.
    static func run(
        _ source: Source, _ options: [String] = [], arguments: [String] = [], input: [UInt8]? = nil
    ) throws -> Command {
        try source.withFile { path in
            try bulkhead(["run"] + options + [path] + arguments, input: input)
        }
    }

    /// The same, with the result in JSON.
    static func result(
        of source: Source, _ options: [String] = [], arguments: [String] = [], input: [UInt8]? = nil
    ) throws -> Answer {
        let command = try run(source, ["--json"] + options, arguments: arguments, input: input)
        guard command.exitCode == 0 else {
            throw Child.Failure(
                description: "bulkhead run --json ended with \(command.exitCode): \(command.error)\(command.text)")
        }
        return try Answer(command.output)
    }
}

/// A program as text, in a file of a language's ending while it is needed.
struct Source: Sendable {
    var ending: String
    var text: String

    static func bash(_ text: String) -> Source { Source(ending: "sh", text: text) }
    static func c(_ text: String) -> Source { Source(ending: "c", text: text) }
    static func javascript(_ text: String) -> Source { Source(ending: "js", text: text) }
    static func python(_ text: String) -> Source { Source(ending: "py", text: text) }

    func withFile<Value>(_ body: (String) throws -> Value) throws -> Value {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/program.\(ending)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }
}

/// A folder that goes with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    func url(_ name: String) -> URL { URL(fileURLWithPath: "\(path)/\(name)") }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
