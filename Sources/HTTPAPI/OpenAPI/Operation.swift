import HTTPTypes
import Jobs
import Keyring

/// One method of one path, as the document says it.
struct Operation: Sendable {
    var method: HTTPRequest.Method
    var path: String
    /// Unique, for programs that make clients of the document.
    var id: String
    var summary: String
    /// What it asks of whoever calls it: as the route does, which a test holds.
    var access: RouteAccess
    var request: Body?
    var parameters: [Parameter] = []
    var answers: [Answer] = []
    /// The statuses of problem answers that are its own; what any request may meet is added.
    var problems: [HTTPResponse.Status] = []

    struct Body: Sendable {
        var mediaTypes = ["application/json"]
        var schema: Schema
        var isRequired = true
    }

    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query, header }

        var name: String
        var place: Place
        var schema: Schema
        var description: String
    }

    struct Answer: Sendable {
        var status: HTTPResponse.Status
        var description: String
        var mediaType: String? = "application/json"
        var schema: Schema?
        /// Fields of the head, with what they mean.
        var headers: [(name: String, description: String)] = []
        /// Operations on the job whose id the answer has.
        var leadsTo: [String] = []
    }

    /// Header fields too large, a request that is not HTTP/1.1 or not whole, a service that ends or cannot reach its queue.
    private static let everywhere: [HTTPResponse.Status] = [
        .badRequest, .requestHeaderFieldsTooLarge, .serviceUnavailable,
    ]

    /// The name of the key's scheme in the document.
    static let bearer = "key"

    /// No key or a wrong one, one that is not good for this or a page of another origin, a name that is not this server's.
    private var refusals: [HTTPResponse.Status] {
        access == .open ? [] : [.unauthorized, .forbidden, .misdirectedRequest]
    }

    /// Either a key with the scope or, where no keys are in use, nothing.
    private var security: JSONValue {
        switch access {
        case .open: .array([])
        case .scope(let scope):
            .array([.object([Self.bearer: .array([.string(scope.rawValue)])]), .object([:])])
        }
    }

    var json: JSONObject {
        var object: JSONObject = ["operationId": .string(id), "summary": .string(summary)]
        if !parameters.isEmpty {
            object.members.append(.init(name: "parameters", value: .array(parameters.map { .object($0.json) })))
        }
        if let request {
            object.members.append(
                .init(
                    name: "requestBody",
                    value: .object([
                        "required": .bool(request.isRequired),
                        "content": .object(
                            JSONObject(
                                request.mediaTypes.map {
                                    .init(name: $0, value: .object(["schema": .object(request.schema.json)]))
                                })),
                    ])))
        }
        var responses = answers.map { JSONObject.Member(name: "\($0.status.code)", value: .object($0.json)) }
        let failures = Set((problems + refusals + Self.everywhere).map(\.code)).sorted()
        responses += failures.map { code in
            .init(
                name: "\(code)",
                value: .object(Answer.problem(HTTPResponse.Status(code: code)).json))
        }
        object.members.append(.init(name: "responses", value: .object(JSONObject(responses))))
        object.members.append(.init(name: "security", value: security))
        return object
    }
}

extension Operation.Parameter {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "in": .string(place.rawValue), "description": .string(description),
            "schema": .object(schema.json),
        ]
        if place == .path { object.members.append(.init(name: "required", value: .bool(true))) }
        return object
    }
}

extension Operation.Answer {
    fileprivate static func problem(_ status: HTTPResponse.Status) -> Self {
        Self(
            status: status, description: status.reasonPhrase, mediaType: "application/problem+json",
            schema: .named("Problem"))
    }

    fileprivate var json: JSONObject {
        var object: JSONObject = ["description": .string(description)]
        if !headers.isEmpty {
            let members = headers.map { header in
                JSONObject.Member(
                    name: header.name,
                    value: .object([
                        "description": .string(header.description), "schema": .object(Schema.string().json),
                    ]))
            }
            object.members.append(.init(name: "headers", value: .object(JSONObject(members))))
        }
        if let mediaType, let schema {
            object.members.append(
                .init(
                    name: "content", value: .object([mediaType: .object(["schema": .object(schema.json)])])))
        }
        if !leadsTo.isEmpty {
            let links = leadsTo.map { operation in
                JSONObject.Member(
                    name: operation,
                    value: .object([
                        "operationId": .string(operation),
                        "parameters": .object(["id": .string("$response.body#/id")]),
                    ]))
            }
            object.members.append(.init(name: "links", value: .object(JSONObject(links))))
        }
        return object
    }
}
