import HTTPTypes
import Jobs
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Why a connection's request was given up by the guard.
enum GuardError: Error {
    case bodyDeadline
}

/// Holds one connection to its deadlines, answers what cannot be parsed, and notices when the client leaves.
///
/// Hummingbird's idle timer starts again with every byte, so that a client which sends one now and then is never idle.
/// The deadlines here are for a whole head, a whole body and a whole answer.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let deadlines: ConnectionDeadlines
    private let maxBodyBytes: Int
    /// Requests whose head came and whose answer is not finished.
    private var pending = 0
    private var isReadingBody = false
    /// An answer's head was written, its end not.
    private var isAnswering = false
    private var closesAfterAnswer = false
    /// The answer is a stream of events, which lasts as long as its job: not the whole of it has a deadline, but each part
    /// that was written and that the client has not taken.
    private var isStreaming = false
    /// Parts of it that are not in the kernel's hands yet.
    private var unsentParts = 0
    /// The guard has had the last word: nothing else may be written.
    private var isOver = false
    private var isInputClosed = false
    /// Of the last request whose head came.
    private var requestID: RequestID?
    private var onDisconnect: (@Sendable () -> Void)?
    private var readTimer: Scheduled<Void>?
    private var writeTimer: Scheduled<Void>?
    private let waiting: WaitingConnections
    private var wait: WaitingConnections.Ticket?
    /// Ends this connection where it waits, on any thread.
    private var makeRoom: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - deadlines: what each part of an exchange may take.
    ///   - maxBodyBytes: a larger body is not asked for.
    ///   - waiting: all connections that wait for their clients.
    init(deadlines: ConnectionDeadlines, maxBodyBytes: Int, waiting: WaitingConnections) {
        self.deadlines = deadlines
        self.maxBodyBytes = maxBodyBytes
        self.waiting = waiting
    }

    /// Calls `action` once when the client is gone, at once if it is gone already; nil forgets it.
    func watchForDisconnect(_ action: (@Sendable () -> Void)?) {
        if isInputClosed, let action {
            action()
        } else {
            onDisconnect = action
        }
    }

    // MARK: Inbound

    func handlerAdded(context: ChannelHandlerContext) {
        let own = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        makeRoom = { [waiting] in
            own.eventLoop.execute {
                // The client may have sent what was waited for meanwhile: then it is another's turn.
                if !own.value.handler.giveUpWaiting(own.value.context) { waiting.makeRoom() }
            }
        }
        if context.channel.isActive { awaitHead(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopTimers()
        makeRoom = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stopTimers()
        clientLeft()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        var data = data
        switch unwrapInboundIn(data) {
        case .head(var head):
            // Given here, so that whoever answers, this guard or a route, answers under the same.
            requestID = RequestID.ensured(in: &head.headerFields)
            data = wrapInboundOut(.head(head))
            pending += 1
            isReadingBody = true
            startReadTimer(context, after: deadlines.body, waitingFor: .body) { $0.bodyDeadlinePassed($1) }
            continueIfExpected(context, head)
        case .body: break
        case .end:
            isReadingBody = false
            stopReadTimer()
            if pending == 0 { answerEnded(context) }
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The end of input is how a client's leaving looks to a server that keeps its own side open.
        if let event = event as? ChannelEvent, event == .inputClosed { clientLeft() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError {
            giveUp(context, Problem(for: error), error)
        } else {
            context.fireErrorCaught(error)
        }
    }

    /// RFC 9110 section 10.1.1: curl waits a second for this before it sends a large body.
    private func continueIfExpected(_ context: ChannelHandlerContext, _ head: HTTPRequest) {
        guard head.headerFields[.expect]?.lowercased() == "100-continue", pending == 1 else { return }
        if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > maxBodyBytes { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    // MARK: Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.status.kind != .informational {
                isAnswering = true
                closesAfterAnswer = head.headerFields[.connection]?.lowercased() == "close"
                isStreaming = head.headerFields[.contentType] == API.eventStream
                unsentParts = 0
                startWriteTimer(context)
            }
            context.write(data, promise: promise)
        case .body where isStreaming:
            let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
            unsentParts += 1
            if unsentParts == 1 { startWriteTimer(context) }
            sent.futureResult.assumeIsolated().whenComplete { _ in self.partSent(context) }
            context.write(data, promise: sent)
        case .body:
            context.write(data, promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise(of: Void.self)
            written.futureResult.assumeIsolated().whenComplete { _ in
                self.writeTimer?.cancel()
                self.writeTimer = nil
                self.isAnswering = false
                self.pending = max(0, self.pending - 1)
                if self.pending == 0 { self.answerEnded(context) }
            }
            context.write(data, promise: written)
        }
    }

    /// The client has made room for a part of a stream: it reads.
    private func partSent(_ context: ChannelHandlerContext) {
        unsentParts = max(0, unsentParts - 1)
        guard isStreaming, isAnswering, !isOver else { return }
        writeTimer?.cancel()
        writeTimer = nil
        if unsentParts > 0 { startWriteTimer(context) }
    }

    /// All answers are out. Wait for the next request, or for the end of this one's body.
    private func answerEnded(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        if isReadingBody {
            // To close now would make the kernel reset the connection, and the client might never read its answer.
            startReadTimer(context, after: deadlines.linger) { $0.close($1) }
        } else if closesAfterAnswer {
            close(context)
        } else {
            awaitHead(context)
        }
    }

    // MARK: Ends

    private func bodyDeadlinePassed(_ context: ChannelHandlerContext) {
        giveUp(context, Problem(for: APIError.bodyTimeout), GuardError.bodyDeadline)
    }

    /// Ends the connection if it still waits for its client, whose place another wants.
    private func giveUpWaiting(_ context: ChannelHandlerContext) -> Bool {
        guard wait != nil, !isOver else { return false }
        if isReadingBody { bodyDeadlinePassed(context) } else { close(context) }
        return true
    }

    /// Answers with `problem` where no other answer is under way, tells the application, and closes.
    private func giveUp(_ context: ChannelHandlerContext, _ problem: Problem, _ error: any Error) {
        guard !isOver else { return }
        isOver = true
        stopTimers()
        // An answer to this request would be taken for the answer to one that came before it.
        let mayAnswer = !isAnswering && pending <= 1
        if mayAnswer {
            let body = ByteBuffer(bytes: JSONValue.object(problem.json).bytes)
            var head = problem.head(contentLength: body.readableBytes)
            // Without a request whose head could be read there is none that could have named itself.
            head.headerFields[.requestID] = (pending == 1 ? requestID : nil)?.text ?? RequestID().text
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(body)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        // The body must end with an error: a body that just ends would pass for a whole one.
        context.fireErrorCaught(error)
        clientLeft()
        guard mayAnswer else {
            context.close(promise: nil)
            return
        }
        // As with every answer that comes before the end of the request, let the client read it.
        context.close(mode: .output, promise: nil)
        startReadTimer(context, after: deadlines.linger) { $0.close($1) }
    }

    private func close(_ context: ChannelHandlerContext) {
        isOver = true
        context.close(promise: nil)
    }

    private func clientLeft() {
        isInputClosed = true
        let action = onDisconnect
        onDisconnect = nil
        action?()
    }

    // MARK: Timers

    private func awaitHead(_ context: ChannelHandlerContext) {
        startReadTimer(context, after: deadlines.head, waitingFor: .head) { $0.close($1) }
    }

    private func startReadTimer(
        _ context: ChannelHandlerContext, after delay: Duration, waitingFor phase: WaitingConnections.Phase? = nil,
        _ action: @escaping (ConnectionGuard, ChannelHandlerContext) -> Void
    ) {
        stopReadTimer()
        if let phase, let makeRoom { wait = waiting.begin(phase, end: makeRoom) }
        readTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
            action(self, context)
        }
    }

    private func startWriteTimer(_ context: ChannelHandlerContext) {
        writeTimer?.cancel()
        writeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(deadlines.response)) {
            self.close(context)
        }
    }

    private func stopReadTimer() {
        if let wait { waiting.end(wait) }
        wait = nil
        readTimer?.cancel()
        readTimer = nil
    }

    private func stopTimers() {
        stopReadTimer()
        writeTimer?.cancel()
        writeTimer = nil
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
