import HTTPTypes
import Hummingbird
import JobQueue
import Jobs
import Keyring
import NIOCore
import NIOHTTP1

/// An error answer: `application/problem+json` of RFC 9457. The one table from errors to statuses.
struct Problem: Sendable, Equatable {
    var status: HTTPResponse.Status
    /// What is wrong, for programs.
    var code: String
    /// What is wrong, for people. Never a host path, a stack trace or a part of the request's contents.
    var detail: String
    var errors: [FieldProblem] = []
    /// Fields such as Allow and Retry-After.
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    init(for error: any Error) {
        switch error {
        case let error as RequestProblems: self.init(error)
        case let error as QueueError: self.init(error)
        case let error as APIError: self.init(error)
        case is CancellationError: self.init(QueueError(.closed, ""))
        case let error as HTTPParserError:
            self.init(error == .headerOverflow ? APIError.headersTooLarge : APIError.malformedHTTP)
        case is GuardError: self.init(APIError.bodyTimeout)
        default: self.init(.internalServerError, "internal_error", "The server failed to answer this request.")
        }
    }

    private init(_ error: RequestProblems) {
        self.init(.badRequest, "invalid_request", "The request has problems; see errors.")
        errors = error.problems
        // Too large is too large, wherever it is noticed.
        if errors.first?.pointer == "#", errors.first?.code == .tooLarge { status = .contentTooLarge }
    }

    private init(_ error: QueueError) {
        switch error.code {
        case .full:
            self.init(.tooManyRequests, "queue_full", "The queue is full; try again later.")
            retryAfter(error.retryAfter ?? .seconds(1))
        case .ownerBusy:
            self.init(
                .tooManyRequests, "too_many_jobs",
                "As many jobs of this key wait or run as may at once; try again later."
            )
            retryAfter(error.retryAfter ?? .seconds(1))
        case .ownerFull:
            self.init(
                .tooManyRequests, "queue_share_full", "As many jobs of this key wait as may at once; try again later.")
            retryAfter(error.retryAfter ?? .seconds(1))
        case .keyReused:
            self.init(
                .unprocessableContent, "idempotency_key_reused",
                "The Idempotency-Key was used for a request with another body.")
        case .duplicateJob: self.init(.conflict, "duplicate_job", "A job of this id is there already.")
        case .unknownJob: self.init(APIError.notFound)
        case .closed, .interrupted:
            self.init(.serviceUnavailable, "shutting_down", "The service is shutting down.")
        case .unavailable:
            self.init(.serviceUnavailable, "queue_unavailable", "The queue is out of reach.")
            headers[.retryAfter] = "1"
        case .tooManyWaiters:
            self.init(.serviceUnavailable, "too_many_waiters", "Too many clients are waiting; try again later.")
            headers[.retryAfter] = "1"
        default: self.init(.internalServerError, "internal_error", "The server failed to answer this request.")
        }
    }

    private init(_ error: APIError) {
        switch error {
        case .notFound: self.init(.notFound, "not_found", "There is no such resource.")
        case .methodNotAllowed(let methods):
            self.init(.methodNotAllowed, "method_not_allowed", "The resource has no such method.")
            headers[.allow] = methods.joined(separator: ", ")
        case .bodyTimeout: self.init(.requestTimeout, "body_timeout", "The body took too long to arrive.")
        case .bodyUnreadable: self.init(.badRequest, "body_unreadable", "The body could not be read to its end.")
        case .bodyTooLarge(let most):
            self.init(.contentTooLarge, "body_too_large", "The body is larger than \(most) bytes.")
        case .headersTooLarge:
            self.init(.requestHeaderFieldsTooLarge, "headers_too_large", "The request's header fields are too large.")
        case .malformedHTTP: self.init(.badRequest, "malformed_http", "This is not an HTTP/1.1 request.")
        case .contentTypeNotJSON:
            self.init(.unsupportedMediaType, "content_type", "The content type must be application/json.")
            headers[.accept] = "application/json"
        case .contentEncoded:
            self.init(.unsupportedMediaType, "content_encoding", "The body must not be compressed.")
            headers[.acceptEncoding] = "identity"
        case .idempotencyKeyInvalid:
            self.init(
                .badRequest, "idempotency_key",
                "The field Idempotency-Key must be one key of 1 to \(IdempotencyKey.mostBytes) visible ASCII characters."
            )
        case .hostInvalid:
            self.init(.badRequest, "host", "The request must have one field Host, with a host and no more than a port.")
        case .misdirected:
            self.init(
                .misdirectedRequest, "host_not_allowed",
                "The service is not called by this name. Who runs it can allow it: --allowed-host NAME")
        case .crossSite:
            self.init(
                .forbidden, "cross_site",
                "Pages of other origins may not call this service. Who runs it can allow one: --cors-origin ORIGIN")
        case .unauthenticated(let isTokenWrong):
            self.init(
                .unauthorized, isTokenWrong ? "invalid_key" : "key_required",
                isTokenWrong ? "There is no such API key." : "Send an API key: Authorization: Bearer bh_...")
            challenge(isTokenWrong ? "error=\"invalid_token\"" : nil)
        case .authorizationMalformed:
            self.init(.badRequest, "authorization", "The field Authorization must be one: Bearer bh_...")
            challenge("error=\"invalid_request\"")
        case .insufficientScope(let scope):
            self.init(.forbidden, "insufficient_scope", "This needs an API key with the scope \(scope.rawValue).")
            challenge("error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")
        case .rateExceeded(let pause):
            self.init(.tooManyRequests, "rate_exceeded", "This key makes jobs faster than it may; try again later.")
            retryAfter(pause)
        case .languageNotServed(let command):
            self.init(
                .serviceUnavailable, "language_not_served",
                "No worker serves this language. The command that adds it: \(command)")
        case .notReady:
            self.init(.serviceUnavailable, "not_ready", "No worker can run a program now.")
            headers[.retryAfter] = "1"
        case .busy:
            self.init(.serviceUnavailable, "busy", "Too many requests are arriving at once; try again later.")
            headers[.retryAfter] = "1"
        case .lastEventIDInvalid:
            self.init(.badRequest, "last_event_id", "The field Last-Event-ID must be the id of an event of this job.")
        case .queryInvalid(let detail): self.init(.badRequest, "query", detail)
        case .contentTypeNotBytes:
            self.init(
                .unsupportedMediaType, "content_type",
                "The content type must be application/octet-stream or text/plain.")
            headers[.accept] = "application/octet-stream, text/plain"
        case .inputNotTaken(let outcome): self.init(outcome)
        case .clientGone: self.init(.badRequest, "client_gone", "The client went away.")
        }
    }

    private init(_ outcome: InputOutcome) {
        switch outcome {
        case .full:
            self.init(
                .tooManyRequests, "stdin_full",
                "The program has not read enough of its stdin; nothing of this was taken. Try again later.")
            headers[.retryAfter] = "1"
        case .notInteractive:
            self.init(.conflict, "not_interactive", "The job was not made with \"interactive\": true.")
        case .closed: self.init(.conflict, "stdin_closed", "The job's stdin is closed.")
        case .finished: self.init(.conflict, "job_finished", "The job is finished.")
        case .unknownJob, .taken: self.init(APIError.notFound)
        }
    }

    /// In whole seconds, and never too early.
    private mutating func retryAfter(_ pause: Duration) {
        headers[.retryAfter] = String(max(1, Int((pause / .seconds(1)).rounded(.up))))
    }

    /// RFC 6750 section 3.
    private mutating func challenge(_ error: String?) {
        headers[.wwwAuthenticate] = "Bearer realm=\"bulkhead\"" + (error.map { ", \($0)" } ?? "")
    }

    /// Whether the connection must end with this answer, because what follows on it cannot be told apart from the body.
    var endsConnection: Bool {
        switch status {
        case .contentTooLarge, .requestTimeout, .requestHeaderFieldsTooLarge: true
        default: ["malformed_http", "host", "body_unreadable", "shutting_down", "busy"].contains(code)
        }
    }

    var json: JSONObject {
        var object: JSONObject = [
            "type": .string("about:blank"), "title": .string(status.reasonPhrase),
            "status": .integer(status.code), "code": .string(code), "detail": .string(detail),
        ]
        if !errors.isEmpty {
            let list = errors.map { problem in
                JSONValue.object([
                    "pointer": .string(problem.pointer), "code": .string(problem.code.rawValue),
                    "detail": .string(problem.detail),
                ])
            }
            object.members.append(.init(name: "errors", value: .array(list)))
        }
        return object
    }

    /// The answer's head without its body.
    func head(contentLength: Int) -> HTTPResponse {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        fields[.contentLength] = String(contentLength)
        if endsConnection { fields[.connection] = "close" }
        return HTTPResponse(status: status, headerFields: fields)
    }

    var response: Response {
        let body = ByteBuffer(bytes: JSONValue.object(json).bytes)
        let head = head(contentLength: body.readableBytes)
        return Response(status: head.status, headers: head.headerFields, body: ResponseBody(byteBuffer: body))
    }
}
