import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore

/// Sends each request to its route and turns every error into its problem answer.
struct APIResponder: HTTPResponder {
    typealias Context = APIRequestContext

    private let routes: Routes
    private let access: AccessControl
    private let metrics: HTTPMetrics

    init(routes: Routes, access: AccessControl, metrics: HTTPMetrics) {
        self.routes = routes
        self.access = access
        self.metrics = metrics
    }

    func respond(to request: Request, context: APIRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        // The guard has given it one by now; without a guard, as in tests of the routes, the answer gets one here.
        let id = RequestID(of: request.headers) ?? RequestID()
        var context = context
        context.logger[metadataKey: "request"] = "\(id)"
        context.requestID = id
        var pattern = Routes.unmatched
        var response: Response
        do {
            response = try await answer(request, &context, pattern: &pattern)
        } catch {
            let problem = Problem(for: error)
            if problem.status == .internalServerError {
                // The type alone: what an error says may hold a part of the request.
                context.logger.error("request failed", metadata: ["error": "\(type(of: error))"])
            }
            response = problem.response
        }
        access.origins.mark(&response, to: request.headers)
        if request.method == .head {
            let length = response.headers[.contentLength]
            response.body = ResponseBody()
            // Setting the body sets the length too; HEAD tells that of GET (RFC 9110 section 9.3.2).
            response.headers[.contentLength] = length
        }
        response.headers[.requestID] = id.text
        let elapsed = ContinuousClock.now - start
        metrics.answered(
            pattern: pattern, method: request.method.rawValue, status: response.status.code, after: elapsed)
        let milliseconds = elapsed / .milliseconds(1)
        context.logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue.prefix(16))", "route": "\(pattern)",
                "job": "\(response.headers[.location]?.split(separator: "/").last ?? "")",
                "status": "\(response.status.code)", "ms": "\(milliseconds)",
            ])
        return response
    }

    /// The only way to a handler.
    private func answer(
        _ request: Request, _ context: inout APIRequestContext, pattern: inout String
    ) async throws -> Response {
        let host = try access.host(of: request)
        let target = request.head.path ?? ""
        if let answer = access.origins.preflight(request, methods: routes.methods(of: target)) { return answer }
        let match = try routes.match(request.method, target: target)
        pattern = match.pattern
        context.caller = try access.admit(request, calling: host, to: match.access)
        if let name = context.caller.name { context.logger[metadataKey: "key"] = "\(name)" }
        return try await match.handler(request, context, match.parameter)
    }
}

extension Response {
    /// A JSON answer.
    static func json(
        _ object: JSONObject, status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()
    ) -> Response {
        json(ByteBuffer(bytes: JSONValue.object(object).bytes), status: status, headers: headers)
    }

    /// The same of JSON that is written already.
    static func json(
        _ body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()
    ) -> Response {
        var fields = headers
        fields[.contentType] = "application/json"
        fields[.contentLength] = String(body.readableBytes)
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }
}
