import Jobs

/// The `id` of a request, by which its answer is known: JSON-RPC 2.0 section 4, without the null that MCP forbids.
enum JSONRPCID: Hashable, Sendable {
    case text(String)
    /// As it was written: 1 and 1.0 are two names.
    case number(String)

    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .text(text)
        case .number(let number): self = .number(number.literal)
        default: return nil
        }
    }
}

/// One message of a client.
enum Message {
    /// Wants an answer. `name` is the id as it stood in the request.
    case request(id: JSONRPCID, name: JSONValue, method: String, parameters: JSONObject)
    case notification(method: String, parameters: JSONObject)
    /// An answer to a request of the server's, which makes none.
    case answer
    /// Neither; `name` is the id where there is one, else null.
    case invalid(name: JSONValue, reason: String)

    init(_ value: JSONValue) {
        guard case .object(let object) = value else {
            self = .invalid(name: .null, reason: "a message must be an object, not \(value.kind)")
            return
        }
        let name = object["id"]
        let id = name.flatMap(JSONRPCID.init)
        let told = id == nil ? JSONValue.null : name ?? .null
        guard object["jsonrpc"] == .string("2.0") else {
            self = .invalid(name: told, reason: "jsonrpc must be \"2.0\"")
            return
        }
        guard let methodValue = object["method"] else {
            let isAnswer = object["result"] != nil || object["error"] != nil
            self = isAnswer ? .answer : .invalid(name: told, reason: "method is missing")
            return
        }
        guard case .string(let method) = methodValue else {
            self = .invalid(name: told, reason: "method must be a string")
            return
        }
        var parameters = JSONObject()
        switch object["params"] {
        case nil: break
        case .object(let given)?: parameters = given
        case let given?:
            self = .invalid(name: told, reason: "params must be an object, not \(given.kind)")
            return
        }
        guard let name else {
            self = .notification(method: method, parameters: parameters)
            return
        }
        guard let id else {
            self = .invalid(name: .null, reason: "id must be a string or a number")
            return
        }
        self = .request(id: id, name: name, method: method, parameters: parameters)
    }
}

/// An error answer: JSON-RPC 2.0 section 5.1, and the codes that MCP adds.
struct ProtocolError: Error {
    var code: Int
    var message: String
    var data: JSONValue?

    static func parse(_ detail: String) -> ProtocolError { .init(code: -32_700, message: "Parse error: \(detail)") }
    static func invalidRequest(_ detail: String) -> ProtocolError {
        .init(code: -32_600, message: "Invalid request: \(detail)")
    }
    static func methodNotFound(_ method: String) -> ProtocolError {
        // A stranger's name has any length.
        .init(code: -32_601, message: "Method not found: \(String(method.prefix(64)))")
    }
    static func invalidParameters(_ detail: String) -> ProtocolError {
        .init(code: -32_602, message: "Invalid params: \(detail)")
    }
    static func internalError(_ detail: String) -> ProtocolError {
        .init(code: -32_603, message: "Internal error: \(detail)")
    }
    /// Revision 2026-07-28.
    static func unsupportedRevision(_ requested: String) -> ProtocolError {
        .init(
            code: -32_022, message: "Unsupported protocol version",
            data: .object([
                "supported": .array(ProtocolRevision.names.map(JSONValue.string)),
                "requested": .string(String(requested.prefix(64))),
            ]))
    }

    func answer(to name: JSONValue) -> JSONObject {
        var error: JSONObject = ["code": .integer(code), "message": .string(message)]
        if let data { error.members.append(.init(name: "data", value: data)) }
        return ["jsonrpc": .string("2.0"), "id": name, "error": .object(error)]
    }
}
