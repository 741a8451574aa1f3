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

    init(routes: Routes, access: AccessControl) {
        self.routes = routes
        self.access = access
    }

    func respond(to request: Request, context: APIRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        var pattern = "unmatched"
        var response: Response
        do {
            response = try await answer(request, context, pattern: &pattern)
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
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        context.logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue.prefix(16))", "route": "\(pattern)",
                "status": "\(response.status.code)", "ms": "\(milliseconds)",
            ])
        return response
    }

    /// The only way to a handler.
    private func answer(
        _ request: Request, _ context: APIRequestContext, pattern: inout String
    ) async throws -> Response {
        let target = request.head.path ?? ""
        if let answer = access.origins.preflight(request, methods: routes.methods(of: target)) { return answer }
        let match = try routes.match(request.method, target: target)
        pattern = match.pattern
        var context = context
        context.caller = try access.admit(request, to: match.access)
        return try await match.handler(request, context, match.parameter)
    }
}

extension Response {
    /// A JSON answer.
    static func json(
        _ object: JSONObject, status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()
    ) -> Response {
        let body = ByteBuffer(bytes: JSONValue.object(object).bytes)
        var fields = headers
        fields[.contentType] = "application/json"
        fields[.contentLength] = String(body.readableBytes)
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }
}
