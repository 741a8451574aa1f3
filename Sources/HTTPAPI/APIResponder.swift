import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore

/// Sends each request to its route and turns every error into its problem answer.
struct APIResponder: HTTPResponder {
    typealias Context = APIRequestContext

    private let routes: Routes
    private let metrics: HTTPMetrics

    init(routes: Routes, metrics: HTTPMetrics) {
        self.routes = routes
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
            // The field that names the host is the authority; a second one stays among the fields.
            guard request.head.authority != nil, request.headers[.furtherHost] == nil else {
                throw APIError.hostNotNamedOnce
            }
            let match = try routes.match(request.method, target: request.head.path ?? "")
            pattern = match.pattern
            response = try await match.handler(request, context, match.parameter)
        } catch {
            let problem = Problem(for: error)
            if problem.status == .internalServerError {
                // The type alone: what an error says may hold a part of the request.
                context.logger.error("request failed", metadata: ["error": "\(type(of: error))"])
            }
            response = problem.response
        }
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
