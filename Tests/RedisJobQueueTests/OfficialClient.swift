import Foundation
import Jobs
import RedisTestServer
import Synchronization

/// BullMQ's own client in a Python process, told what to do line by line.
final class OfficialClient: Sendable {
    private let process: Mutex<Process>
    private let input: FileHandle
    private let output: FileHandle

    /// Python with the package in an environment below the build folder; made at first use. Nil, said aloud, without it.
    static let python: String? = {
        do {
            return try prepare()
        } catch {
            print("privileged suite skipped: no bullmq from PyPI (\(error))")
            return nil
        }
    }()

    private static var folder: URL { URL(fileURLWithPath: #filePath).deletingLastPathComponent() }

    private static func prepare() throws -> String {
        let root = folder.deletingLastPathComponent().deletingLastPathComponent()
        let programs = try run(root.appendingPathComponent("scripts/pypi.sh").path, ["bullmq"])
        return programs.trimmingCharacters(in: .newlines) + "/python3"
    }

    private struct Failure: Error {
        let message: String
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let printed = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(message: "\(arguments.joined(separator: " ")) ended with \(process.terminationStatus)")
        }
        return String(decoding: printed, as: UTF8.self)
    }

    /// Runs a program of its own with the package at hand, to its end.
    /// - Returns: what it printed.
    /// - Throws: where it did not end well.
    static func output(of program: String) async throws -> String {
        guard let python else { throw Failure(message: "no python with bullmq") }
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        let output = Pipe()
                        process.executableURL = URL(fileURLWithPath: python)
                        process.arguments = ["-c", program]
                        process.standardInput = FileHandle.nullDevice
                        process.standardOutput = output
                        try process.run()
                        let printed = try output.fileHandleForReading.readToEnd() ?? Data()
                        process.waitUntilExit()
                        guard process.terminationStatus == 0 else { throw Failure(message: "the program failed") }
                        return String(decoding: printed, as: UTF8.self)
                    })
            }
        }
    }

    /// - Parameters:
    ///   - server: where the queue is.
    ///   - queue: its name.
    /// - Throws: where Python does not start or the client is not ready.
    init(on server: RedisTestServer, queue: String) async throws {
        guard let python = Self.python else { throw Failure(message: "no python with bullmq") }
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            Self.folder.appendingPathComponent("interop/client.py").path, "redis://127.0.0.1:\(server.port)", queue,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        self.process = Mutex(process)
        self.input = input.fileHandleForWriting
        self.output = output.fileHandleForReading
        _ = try await answer()
    }

    deinit {
        process.withLock { $0.terminate() }
    }

    /// Ends the process as a crash would.
    func kill() {
        process.withLock { process in
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Has the client do something.
    /// - Returns: its answer.
    /// - Throws: where it says that something went wrong.
    @discardableResult
    func callAsFunction(_ what: String, _ arguments: JSONObject = [:]) async throws -> JSONValue {
        var call: JSONObject = ["do": .string(what)]
        call.members += arguments.members
        try input.write(contentsOf: JSONValue.object(call).serialized() + Data("\n".utf8))
        return try await answer()
    }

    private func answer() async throws -> JSONValue {
        let output = output
        let line: Data = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Self.line(from: output) })
            }
        }
        guard case .object(let object) = try JSONValue(parsing: Array(line)) else {
            throw Failure(message: "no object")
        }
        if let error = object["error"] { throw Failure(message: "\(error)") }
        return object["ok"] ?? .null
    }

    private static func line(from handle: FileHandle) throws -> Data {
        var line = Data()
        while let byte = try handle.read(upToCount: 1), !byte.isEmpty {
            if byte[byte.startIndex] == 0x0A { return line }
            line += byte
        }
        throw Failure(message: "the client ended")
    }
}

extension JSONValue {
    /// The member of an object; null where there is none.
    subscript(name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var integer: Int? {
        guard case .number(let number) = self else { return nil }
        return number.integer
    }
}
