import Foundation
import Glibc
import Jobs
import Synchronization
import Testing

@testable import MCP

/// Answers what a test says, or keeps a program running until it is cancelled.
final class TableExecutor: CodeExecutor {
    struct State {
        var requests: [JSONObject] = []
        var running = 0
        var cancelled = 0
    }

    let state = Mutex(State())
    let result: JSONObject
    let failure: ExecutorFailure?

    init(result: JSONObject = TableExecutor.hello, failure: ExecutorFailure? = nil) {
        self.result = result
        self.failure = failure
    }

    static let hello: JSONObject = [
        "status": .string("ok"), "language": .string("python"), "version": .string("3.11.2"),
        "stdout": .string("hello\n"), "stderr": .string(""), "exitCode": .integer(0), "wallTimeMs": .double(12.4),
        "cpuTimeMs": .double(9.6), "memoryBytes": .integer(3 << 20), "stdoutBytes": .integer(6),
        "stderrBytes": .integer(0), "files": .array([]), "evidence": .object(["firedLimit": .null]),
    ]

    func openAPI() -> JSONObject {
        [
            "components": .object([
                "schemas": .object([
                    "ExecutionRequest": .object([
                        "properties": .object([
                            "language": .object(["enum": .array([.string("python")])]),
                            "code": .object(["type": .string("string")]),
                            "limits": .object(["$ref": .string("#/components/schemas/LimitOverrides")]),
                            "interactive": .object(["type": .string("boolean")]),
                        ])
                    ]),
                    "LimitOverrides": .object([
                        "properties": .object(["wallTimeMs": .object(["maximum": .integer(60_000)])])
                    ]),
                ])
            ])
        ]
    }

    func languages() -> JSONObject {
        [
            "languages": .array([
                .object([
                    "name": .string("python"), "version": .string("3.11.2"), "aliases": .array([.string("py")]),
                    "fileName": .string("main.py"), "compiled": .bool(false),
                ])
            ])
        ]
    }

    /// A program whose code is `wait` runs until it is cancelled.
    func execute(
        _ request: Data, onProgress: (@Sendable (ExecutionProgress) -> Void)?
    ) async throws(ExecutorFailure) -> JSONObject {
        guard case .object(let object)? = try? JSONValue(parsing: Array(request)) else {
            throw .unavailable("no object")
        }
        state.withLock {
            $0.requests.append(object)
            $0.running += 1
        }
        defer { state.withLock { $0.running -= 1 } }
        if object["code"] == .string("wait") {
            onProgress?(.words("it has begun"))
            do {
                try await Task.sleep(for: .seconds(60))
            } catch {
                state.withLock { $0.cancelled += 1 }
            }
        }
        if let failure { throw failure }
        return result
    }
}

/// A client at the other ends of a server's pipes.
final class Conversation {
    private let input: Int32
    private let output: Int32
    private var buffer: [UInt8] = []
    let executor: TableExecutor
    let ended = DispatchSemaphore(value: 0)

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    init(_ executor: TableExecutor = TableExecutor(), bounds: MCPServer.Bounds = .init()) throws {
        var toServer: [Int32] = [-1, -1]
        var fromServer: [Int32] = [-1, -1]
        guard pipe(&toServer) == 0, pipe(&fromServer) == 0 else { throw Failure(description: "pipe: \(errno)") }
        signal(SIGPIPE, SIG_IGN)
        self.executor = executor
        input = toServer[1]
        output = fromServer[0]
        let server = MCPServer(
            executor: executor, version: "1", bounds: bounds, input: toServer[0], output: fromServer[1])
        let ended = ended
        let ends = [toServer[0], fromServer[1]]
        Thread {
            server.run()
            for end in ends { close(end) }
            ended.signal()
        }.start()
    }

    private var isInputOpen = true

    deinit {
        hangUp()
        close(output)
    }

    func hangUp() {
        if isInputOpen { close(input) }
        isInputOpen = false
    }

    func send(_ line: String) throws {
        var rest = Array("\(line)\n".utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(description: "write: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line; nil where none comes within the time, or the output has ended.
    func line(within seconds: Double = 10) -> String? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            var poll = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&poll, 1, Int32(left / .milliseconds(1)) + 1)
            guard poll.revents != 0 else { continue }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(output, &chunk, chunk.count)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }

    func object(within seconds: Double = 10) throws -> JSONObject {
        guard let line = line(within: seconds) else { throw Failure(description: "no answer") }
        guard case .object(let object) = try JSONValue(parsing: Array(line.utf8)) else {
            throw Failure(description: "no object: \(line)")
        }
        #expect(object["jsonrpc"] == .string("2.0"))
        return object
    }

    func answer(_ request: String) throws -> JSONObject {
        try send(request)
        return try object()
    }

    @discardableResult
    func shakeHands(_ revision: String = "2025-06-18") throws -> JSONObject {
        let answer = try answer(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(revision)","#
                + #""capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#)
        try send(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        return answer.object("result") ?? answer
    }

    static func call(_ id: Int, _ arguments: String, meta: String = "{}") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"execute_code","#
            + #""arguments":\#(arguments),"_meta":\#(meta)}}"#
    }
}

extension JSONObject {
    var errorCode: Int? { object("error")?.integer("code") }

    var text: String? { object("result")?.objects("content").first?.string("text") }
}
