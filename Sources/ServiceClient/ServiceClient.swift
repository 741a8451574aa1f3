import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A client of the HTTP API: one request a connection, so that a request that is given up is a connection that is closed, by
/// which the service knows it.
public struct ServiceClient: Sendable {
    /// An answer, whatever its status.
    public struct Response: Sendable {
        public var status: Int
        public var body: Data
        private let headers: HTTPHeaders

        init(status: Int, headers: HTTPHeaders, body: Data) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// The first field of a name.
        public func header(_ name: String) -> String? { headers.first(name: name) }
    }

    /// Why there is no answer.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    private let address: ServiceAddress
    private let key: String?

    /// Bytes of an answer: more than any result has (8 MiB of output and of files, each escaped in JSON).
    private static let mostBytes = 96 << 20

    /// - Parameters:
    ///   - address: where the service is.
    ///   - key: an API key; nil where the service wants none.
    public init(_ address: ServiceAddress, key: String?) {
        self.address = address
        self.key = key
    }

    /// Sends a request and waits for the answer. A cancelled task's connection is closed.
    /// - Parameters:
    ///   - method: such as `POST`.
    ///   - path: below the service's address, such as `/api/execute`.
    ///   - json: the body; nil for none.
    /// - Returns: the answer.
    /// - Throws: `Failure`, or `CancellationError`.
    public func send(_ method: String, _ path: String, json: Data? = nil) async throws -> Response {
        try await exchange(method, path, json: json, onEvent: nil)
    }

    /// Follows a stream of events until it ends, or until it is told to stop. A cancelled task's connection is closed.
    /// - Parameters:
    ///   - path: below the service's address.
    ///   - onEvent: hears of each event; answers whether it wants more.
    /// - Returns: the answer, without the body where that was a stream of events.
    /// - Throws: `Failure`, or `CancellationError`.
    public func follow(
        _ path: String, onEvent: @escaping @Sendable (ServerSentEvents.Event) -> Bool
    ) async throws -> Response {
        try await exchange("GET", path, json: nil, onEvent: onEvent)
    }

    private func exchange(
        _ method: String, _ path: String, json: Data?, onEvent: (@Sendable (ServerSentEvents.Event) -> Bool)?
    ) async throws -> Response {
        let channel: NIOAsyncChannel<HTTPClientResponsePart, HTTPPart<HTTPRequestHead, ByteBuffer>>
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder())
                        try channel.pipeline.syncOperations.addHandler(
                            ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
                        try channel.pipeline.syncOperations.addHandler(PlainRequestParts())
                        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            // NIO tells of each address; one is enough to know what is wrong.
            let cause = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
            throw Failure(description: "no service answers at \(address.authority) (\(cause))")
        }
        do {
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(.head(head(method, path, json)))
                if let json { try await outbound.write(.body(ByteBuffer(bytes: json))) }
                try await outbound.write(.end(nil))
                return try await Self.read(inbound, onEvent: onEvent)
            }
        } catch let error as Failure {
            throw error
        } catch {
            try Task.checkCancellation()
            throw Failure(description: "the connection to \(address.authority) failed (\(error))")
        }
    }

    private func head(_ method: String, _ path: String, _ json: Data?) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: address.authority)
        headers.add(name: "connection", value: "close")
        headers.add(name: "user-agent", value: "bulkhead")
        if let json {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: "\(json.count)")
        }
        if let key { headers.add(name: "authorization", value: "Bearer \(key)") }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method), uri: address.prefix + path, headers: headers)
    }

    private static func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        onEvent: (@Sendable (ServerSentEvents.Event) -> Bool)?
    ) async throws -> Response {
        var head: HTTPResponseHead?
        var body = ByteBuffer()
        var events: ServerSentEvents?
        for try await part in inbound {
            switch part {
            case .head(let given):
                // Informational ones come before (RFC 9110 section 15.2).
                head = given
                let type = given.headers.first(name: "content-type") ?? ""
                if onEvent != nil, given.status == .ok, type.hasPrefix("text/event-stream") {
                    events = ServerSentEvents(most: mostBytes)
                }
            case .body(let bytes) where events != nil:
                let found: [ServerSentEvents.Event]?
                do {
                    found = try events?.take(bytes.readableBytesView)
                } catch {
                    throw Failure(description: "an event of the service is larger than \(mostBytes) bytes")
                }
                for event in found ?? [] where onEvent?(event) == false {
                    return Response(status: 200, headers: head?.headers ?? [:], body: Data())
                }
            case .body(let bytes):
                guard body.readableBytes + bytes.readableBytes <= mostBytes else {
                    throw Failure(description: "the service's answer is larger than \(mostBytes) bytes")
                }
                body.writeImmutableBuffer(bytes)
            case .end:
                guard let head else { break }
                return Response(
                    status: Int(head.status.code), headers: head.headers, body: Data(body.readableBytesView))
            }
        }
        try Task.checkCancellation()
        throw Failure(description: "the service closed the connection without an answer")
    }
}

/// Takes bodies as plain buffers, which may be sent between threads.
private final class PlainRequestParts: ChannelOutboundHandler {
    typealias OutboundIn = HTTPPart<HTTPRequestHead, ByteBuffer>
    typealias OutboundOut = HTTPClientRequestPart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPClientRequestPart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let bytes): .body(.byteBuffer(bytes))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
