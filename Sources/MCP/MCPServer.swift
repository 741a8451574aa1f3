import Foundation
import Jobs
import Synchronization

/// A server of the Model Context Protocol over a pair of pipes: one JSON-RPC 2.0 message a line, and nothing else.
public final class MCPServer: Sendable {
    /// What one client may ask for at once.
    public struct Bounds: Sendable {
        /// Requests without an answer; one more is refused with words.
        public var requests: Int
        /// Bytes of them together.
        public var requestBytes: Int
        /// Bytes of one line; a longer one is dropped and answered with an error.
        public var lineBytes: Int
        /// Messages of one batch.
        public var batch: Int

        public init(
            requests: Int = 64, requestBytes: Int = 64 << 20,
            // A request to the API, escaped once more at worst where it matters: its own bound is checked by its reader.
            lineBytes: Int = 24 << 20, batch: Int = 64
        ) {
            self.requests = requests
            self.requestBytes = requestBytes
            self.lineBytes = lineBytes
            self.batch = batch
        }
    }

    private struct State {
        /// What `initialize` agreed on; nil before.
        var revision: ProtocolRevision?
        var running: [JSONRPCID: Running] = [:]
        var bytes = 0
        var isOver = false
        var onIdle: (@Sendable () -> Void)?
    }

    /// A request that is being answered.
    private struct Running {
        var task: Task<Void, Never>?
        var isCancelled = false
        var bytes: Int
    }

    private let executor: any CodeExecutor
    private let version: String
    private let bounds: Bounds
    private let input: Int32
    private let writer: MessageWriter
    private let state = Mutex(State())

    /// - Parameters:
    ///   - executor: runs the programs.
    ///   - version: this program's, as clients are told it.
    ///   - bounds: what a client may ask for at once.
    ///   - input: the descriptor that messages come from.
    ///   - output: the descriptor that answers go to; nobody else writes to it.
    public init(
        executor: any CodeExecutor, version: String, bounds: Bounds = Bounds(), input: Int32 = 0, output: Int32
    ) {
        self.executor = executor
        self.version = version
        self.bounds = bounds
        self.input = input
        writer = MessageWriter(output)
    }

    /// Serves until the input ends, then cancels what runs. Blocks; comes back when all that was asked for has ended, or after
    /// two seconds.
    public func run() {
        var reader = LineReader(input, most: bounds.lineBytes)
        while let line = reader.next() {
            switch line {
            case .text(let bytes):
                if !bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { take(bytes) }
            case .tooLong:
                send(
                    ProtocolError.invalidRequest("a line of more than \(bounds.lineBytes) bytes").answer(to: .null))
            }
            // Nothing more is taken on while the client does not read.
            writer.waitForRoom()
        }
        stop()
    }

    /// Cancels all that runs; nothing is answered any more.
    public func stop() {
        let idle = DispatchSemaphore(value: 0)
        let tasks = state.withLock { state -> [Task<Void, Never>] in
            state.isOver = true
            state.onIdle = { idle.signal() }
            if state.running.isEmpty { idle.signal() }
            for id in state.running.keys { state.running[id]?.isCancelled = true }
            return state.running.values.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        _ = idle.wait(timeout: .now() + 2)
        writer.close(waitingAtMost: 0.5)
    }

    private func send(_ object: JSONObject) { writer.send(.object(object)) }

    // MARK: Messages

    /// As large as a request to the API within a call.
    private static let json: JSONBounds = {
        let inner = RequestBounds.standard.json
        return JSONBounds(depth: inner.depth + 8, values: inner.values + 1_024)
    }()

    private func take(_ bytes: [UInt8]) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, bounds: Self.json)
        } catch {
            return send(ProtocolError.parse("\(error.detail), at byte \(error.offset)").answer(to: .null))
        }
        guard case .array(let elements) = value else {
            let answers = Answers { [weak self] answers in
                if let answer = answers.first { self?.send(answer) }
            }
            handle(Message(value), bytes: bytes.count, answers: answers, isInBatch: false)
            return answers.close()
        }
        guard state.withLock({ $0.revision?.allowsBatches == true }) else {
            return send(
                ProtocolError.invalidRequest("batches belong to revision 2025-03-26, which was not agreed on").answer(
                    to: .null))
        }
        guard (1...bounds.batch).contains(elements.count) else {
            return send(ProtocolError.invalidRequest("a batch has 1 to \(bounds.batch) messages").answer(to: .null))
        }
        let answers = Answers { [weak self] answers in
            if !answers.isEmpty { self?.writer.send(.array(answers.map(JSONValue.object))) }
        }
        for element in elements {
            handle(Message(element), bytes: bytes.count / elements.count, answers: answers, isInBatch: true)
        }
        answers.close()
    }

    private func handle(_ message: Message, bytes: Int, answers: Answers, isInBatch: Bool) {
        switch message {
        case .answer: break
        case .invalid(let name, let reason): answers.add(ProtocolError.invalidRequest(reason).answer(to: name))
        case .notification(let method, let parameters): hear(method, parameters)
        case .request(let id, let name, let method, let parameters):
            do throws(ProtocolError) {
                let revision = try revision(of: method, parameters)
                if isInBatch, method == "initialize" {
                    throw .invalidRequest("initialize must not be part of a batch")
                }
                let request = Request(
                    id: id, name: name, method: method, parameters: parameters, revision: revision, bytes: bytes)
                try answer(request, answers)
            } catch {
                answers.add(error.answer(to: name))
            }
        }
    }

    /// Everything that is known of a request.
    private struct Request: Sendable {
        var id: JSONRPCID
        var name: JSONValue
        var method: String
        var parameters: JSONObject
        var revision: ProtocolRevision
        var bytes: Int

        func answer(_ result: JSONObject) -> JSONObject {
            ["jsonrpc": .string("2.0"), "id": name, "result": .object(result)]
        }
    }

    // MARK: Revisions

    private static let prefix = "io.modelcontextprotocol/"

    /// The revision by which a request is to be answered: its own, from 2026-07-28 on, or that of the handshake.
    private func revision(
        of method: String, _ parameters: JSONObject
    ) throws(ProtocolError) -> ProtocolRevision {
        if let meta = parameters.object("_meta"), let named = meta["\(Self.prefix)protocolVersion"] {
            guard case .string(let name) = named else {
                throw .invalidParameters("_meta: \(Self.prefix)protocolVersion must be a string")
            }
            guard let revision = ProtocolRevision(rawValue: name), !revision.hasHandshake else {
                throw .unsupportedRevision(name)
            }
            guard case .object? = meta["\(Self.prefix)clientCapabilities"] else {
                throw .invalidParameters("_meta: \(Self.prefix)clientCapabilities is required")
            }
            return revision
        }
        if method == "initialize" || method == "ping" { return .newestWithHandshake }
        if method == "server/discover" {
            throw .invalidParameters("_meta: \(Self.prefix)protocolVersion is required")
        }
        guard let agreed = state.withLock({ $0.revision }) else {
            throw .invalidRequest(
                "there was no initialize, and the request does not name its revision in _meta")
        }
        return agreed
    }

    // MARK: Requests

    private func answer(_ request: Request, _ answers: Answers) throws(ProtocolError) {
        switch (request.method, request.revision.hasHandshake) {
        case ("initialize", true): answers.add(request.answer(try initialize(request.parameters)))
        case ("ping", true): answers.add(request.answer([:]))
        case ("server/discover", false): answers.add(request.answer(discovery))
        case ("tools/list", _):
            try start(request, answers) { server throws(ProtocolError) in try await server.listTools(request) }
        case ("tools/call", _):
            guard let tool = request.parameters.string("name") else { throw .invalidParameters("name is required") }
            let arguments = try arguments(of: request)
            guard [ToolCatalog.execute, ToolCatalog.languages].contains(tool) else {
                throw .invalidParameters("Unknown tool: \(String(tool.prefix(64)))")
            }
            try start(request, answers) { server throws(ProtocolError) in
                await server.call(tool, arguments, request)
            }
        default: throw .methodNotFound(request.method)
        }
    }

    private func arguments(of request: Request) throws(ProtocolError) -> JSONObject {
        switch request.parameters["arguments"] {
        case nil: return JSONObject()
        case .object(let given)?: return given
        default: throw .invalidParameters("arguments must be an object")
        }
    }

    private static let instructions =
        "execute_code runs programs in sandboxes without a network; list_languages says in which languages."

    private func initialize(_ parameters: JSONObject) throws(ProtocolError) -> JSONObject {
        guard let offered = parameters.string("protocolVersion") else {
            throw .invalidParameters("protocolVersion is required")
        }
        let revision = ProtocolRevision.agreed(on: offered)
        state.withLock { $0.revision = revision }
        return [
            "protocolVersion": .string(revision.rawValue), "capabilities": capabilities, "serverInfo": .object(info),
            "instructions": .string(Self.instructions),
        ]
    }

    private var capabilities: JSONValue { .object(["tools": .object([:])]) }

    private var info: JSONObject { ["name": .string("bulkhead"), "version": .string(version)] }

    private var discovery: JSONObject {
        completed(
            [
                "supportedVersions": .array(ProtocolRevision.names.map(JSONValue.string)),
                "capabilities": capabilities, "instructions": .string(Self.instructions),
            ], by: .july2026, freshFor: 3_600_000)
    }

    /// What every result of revision 2026-07-28 says besides.
    private func completed(
        _ result: JSONObject, by revision: ProtocolRevision, freshFor milliseconds: Int? = nil
    ) -> JSONObject {
        guard !revision.hasHandshake else { return result }
        var result = result
        result.add("resultType", .string("complete"))
        if let milliseconds {
            result.add("ttlMs", .integer(milliseconds))
            result.add("cacheScope", .string("private"))
        }
        result.add("_meta", .object(["\(Self.prefix)serverInfo": .object(info)]))
        return result
    }

    private func listTools(_ request: Request) async throws(ProtocolError) -> JSONObject {
        let document: JSONObject
        do throws(ExecutorFailure) {
            document = try await executor.openAPI()
        } catch {
            guard case .unavailable(let words) = error else { throw .internalError(Self.words(error)) }
            throw .internalError(words)
        }
        let catalog = ToolCatalog(revision: request.revision, document: document)
        // Workers, and with them languages, come and go.
        return completed(["tools": .array(catalog.json)], by: request.revision, freshFor: 60_000)
    }

    // MARK: Calls

    private func call(_ tool: String, _ arguments: JSONObject, _ request: Request) async -> JSONObject {
        do throws(ExecutorFailure) {
            if tool == ToolCatalog.languages {
                if let member = arguments.members.first { throw Self.unknown(member.name) }
                let languages = try await executor.languages()
                return completed(
                    content(
                        [Self.text(LanguageText.words(languages))],
                        structured: ["languages": languages["languages"] ?? .array([])],
                        isError: false, request), by: request.revision)
            }
            if let member = arguments.members.first(where: { !ToolCatalog.fields.contains($0.name) }) {
                throw Self.unknown(member.name)
            }
            let result = ResultText(try await execute(arguments, request))
            return completed(
                content(result.content, structured: result.structured, isError: result.isFailure, request),
                by: request.revision)
        } catch {
            return completed(
                content([Self.text(Self.words(error))], structured: nil, isError: true, request), by: request.revision)
        }
    }

    private static func unknown(_ field: String) -> ExecutorFailure {
        .refused([.init(pointer: "#/\(String(field.prefix(64)))", detail: "there is no such field")])
    }

    private func content(
        _ blocks: [JSONValue], structured: JSONObject?, isError: Bool, _ request: Request
    ) -> JSONObject {
        var result: JSONObject = ["content": .array(blocks)]
        if request.revision.hasStructuredContent, let structured {
            result.add("structuredContent", .object(structured))
        }
        result.add("isError", .bool(isError))
        return result
    }

    private static func text(_ words: String) -> JSONValue {
        .object(["type": .string("text"), "text": .string(words)])
    }

    private static func words(_ failure: ExecutorFailure) -> String {
        switch failure {
        case .unavailable(let words): return "The program was not run: \(words)"
        case .refused(let reasons):
            let lines = reasons.map { reason in
                let field = reason.pointer.hasPrefix("#/") ? String(reason.pointer.dropFirst(2)) : "the request"
                return "- \(field): \(reason.detail)"
            }
            return "The program was not run. Mend the arguments and call again:\n" + lines.joined(separator: "\n")
        }
    }

    // MARK: Progress

    /// Runs a program, and tells the client meanwhile what it does, where it asked for that and reads.
    private func execute(_ arguments: JSONObject, _ request: Request) async throws(ExecutorFailure) -> JSONObject {
        let json = JSONValue.object(arguments).serialized()
        guard let token = request.parameters.object("_meta")?["progressToken"], JSONRPCID(token) != nil else {
            return try await executor.execute(json, onProgress: nil)
        }
        let teller = ProgressTeller { [weak self] count, message in
            guard let self, writer.hasRoom, isWanted(request.id) else { return false }
            send([
                "jsonrpc": .string("2.0"), "method": .string("notifications/progress"),
                "params": .object([
                    "progressToken": token, "progress": .integer(count), "message": .string(message),
                ]),
            ])
            return true
        }
        let telling = Task { await teller.run() }
        defer {
            telling.cancel()
            // No progress behind the answer.
            teller.end()
        }
        return try await executor.execute(json) { teller.hear($0) }
    }

    // MARK: Requests that take time

    private func start(
        _ request: Request, _ answers: Answers,
        _ work: @escaping @Sendable (MCPServer) async throws(ProtocolError) -> JSONObject
    ) throws(ProtocolError) {
        let problem: ProtocolError? = state.withLock { state in
            if state.running[request.id] != nil { return .invalidRequest("a request with this id has no answer yet") }
            guard state.running.count < bounds.requests, state.bytes + request.bytes <= bounds.requestBytes else {
                return .internalError("too many requests at once; wait for the answers to some of them")
            }
            state.running[request.id] = Running(bytes: request.bytes)
            state.bytes += request.bytes
            return nil
        }
        if let problem { throw problem }
        answers.expect()
        let task = Task {
            var answer: JSONObject
            do throws(ProtocolError) {
                answer = request.answer(try await work(self))
            } catch {
                answer = error.answer(to: request.name)
            }
            answers.settle(self.finish(request.id) ? answer : nil)
        }
        let isCancelled = state.withLock { state in
            state.running[request.id]?.task = task
            return state.running[request.id]?.isCancelled ?? false
        }
        if isCancelled { task.cancel() }
    }

    /// Whether anybody waits for the answer.
    private func isWanted(_ id: JSONRPCID) -> Bool { state.withLock { $0.running[id]?.isCancelled == false } }

    /// - Returns: whether the answer is to be sent. A cancelled request has none.
    private func finish(_ id: JSONRPCID) -> Bool {
        let (isWanted, onIdle) = state.withLock { state in
            let running = state.running.removeValue(forKey: id)
            state.bytes -= running?.bytes ?? 0
            return (running?.isCancelled == false, state.running.isEmpty ? state.onIdle : nil)
        }
        onIdle?()
        return isWanted
    }

    // MARK: Notifications

    private func hear(_ method: String, _ parameters: JSONObject) {
        guard method == "notifications/cancelled", let id = parameters["requestId"].flatMap(JSONRPCID.init) else {
            return
        }
        let task = state.withLock { state in
            // It may have been answered already.
            state.running[id]?.isCancelled = true
            return state.running[id]?.task
        }
        task?.cancel()
    }
}

/// The answers to what came in one line: sent together, when the last of them is there.
private final class Answers: Sendable {
    private struct State {
        var answers: [JSONObject] = []
        var awaited = 0
        var isClosed = false
        var isSent = false
    }

    private let state = Mutex(State())
    private let send: @Sendable ([JSONObject]) -> Void

    init(send: @escaping @Sendable ([JSONObject]) -> Void) {
        self.send = send
    }

    func add(_ answer: JSONObject) { state.withLock { $0.answers.append(answer) } }

    /// One more comes later.
    func expect() { state.withLock { $0.awaited += 1 } }

    /// It is there, or there is none.
    func settle(_ answer: JSONObject?) {
        update { state in
            state.awaited -= 1
            if let answer { state.answers.append(answer) }
        }
    }

    /// No more messages are in the line.
    func close() { update { $0.isClosed = true } }

    private func update(_ change: (inout State) -> Void) {
        let answers = state.withLock { state -> [JSONObject]? in
            change(&state)
            guard state.isClosed, state.awaited == 0, !state.isSent else { return nil }
            state.isSent = true
            return state.answers
        }
        if let answers { send(answers) }
    }
}
