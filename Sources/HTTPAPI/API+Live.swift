import Foundation
import HTTPTypes
import Hummingbird
import JobQueue
import Jobs
import NIOCore

// A job while it runs: what it tells, and what it is told.

extension API {
    /// The type of an answer that goes on for as long as its job.
    static let eventStream = "text/event-stream"

    func followJob(_ id: String, _ request: Request, _ context: APIRequestContext) async throws -> Response {
        let after = try Self.lastEventID(of: request)
        let job = try await find(id, for: context.caller)
        let headers: HTTPFields = [
            .contentType: Self.eventStream, .cacheControl: "no-cache", .accelBuffering: "no",
        ]
        // A client that has heard the result and comes again all the same stops at this one (WHATWG HTML section 9.2.3).
        if after.isResult, job.state == .finished, after >= .result(of: job.attempt) {
            return Response(status: .noContent)
        }
        if request.method == .head { return Response(status: .ok, headers: headers) }
        let feed = try await queue.follow(job.id, after: after)
        let heartbeat = configuration.heartbeat
        let body = ResponseBody { writer in
            try await context.watchingForDisconnect({ feed.end() }) {
                try await Self.write(feed, heartbeat: heartbeat, to: &writer)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Writes until the result, or until nobody can say more: a client that misses the result comes again with the id of
    /// what it heard last. Waits for a client that does not read, and fetches nothing meanwhile.
    private static func write(
        _ feed: LiveFeed, heartbeat: Duration, to writer: inout any ResponseBodyWriter
    ) async throws {
        // So that a client knows at once that it listens.
        try await writer.write(ByteBuffer(string: ServerSentEvent.heartbeat))
        while true {
            let events: [LiveEvent]
            do throws(QueueError) {
                events = try await feed.next(waitingAtMost: heartbeat)
            } catch {
                return
            }
            if events.isEmpty { try await writer.write(ByteBuffer(string: ServerSentEvent.heartbeat)) }
            for event in events { try await writer.write(ByteBuffer(bytes: ServerSentEvent(event).bytes)) }
            if events.last?.position.isResult == true { return }
        }
    }

    /// Where to go on; the beginning where the client has heard nothing.
    private static func lastEventID(of request: Request) throws -> LivePosition {
        guard let text = request.headers[.lastEventID], !text.isEmpty else { return .start }
        guard let position = LivePosition(text) else { throw APIError.lastEventIDInvalid }
        return position
    }

    // MARK: Input

    func sendInput(to id: String, _ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try await find(id, for: context.caller).id
        let isEnd = try Self.isEnd(request)
        let isTyped = ["application/octet-stream", "text/plain"].contains(request.mediaType)
        guard isTyped || request.mediaType.isEmpty else { throw APIError.contentTypeNotBytes }
        // More could never be taken at once.
        let bytes = try await readBytes(request, atMost: JobInput.mostUnread)
        guard isTyped || bytes.isEmpty else { throw APIError.contentTypeNotBytes }
        let outcome = try await queue.send(Array(bytes), isEnd: isEnd, toInputOf: id)
        guard outcome == .taken else { throw APIError.inputNotTaken(outcome) }
        return Response(status: .noContent)
    }

    /// Whether the query says `eof=true`.
    private static func isEnd(_ request: Request) throws -> Bool {
        let target = request.head.path ?? ""
        guard let mark = target.firstIndex(of: "?") else { return false }
        switch target[target.index(after: mark)...] {
        case "", "eof=false": return false
        case "eof=true": return true
        default: throw APIError.queryInvalid("The query must be eof=true, eof=false, or none.")
        }
    }
}

extension Request {
    /// The content type without its parameters; empty where there is none.
    var mediaType: String {
        (headers[.contentType] ?? "").prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
    }
}
