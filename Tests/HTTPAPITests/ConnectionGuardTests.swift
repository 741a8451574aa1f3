import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Synchronization
import Testing

@testable import HTTPAPI

/// The guard on a connection whose time the tests move.
@Suite struct ConnectionGuardTests {
    private let channel: EmbeddedChannel
    private let errors = Errors()
    private let waiting = WaitingConnections()

    init() throws {
        let deadlines = ConnectionDeadlines(
            head: .seconds(10), body: .seconds(20), response: .seconds(30), linger: .seconds(2))
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([
            ConnectionGuard(deadlines: deadlines, maxBodyBytes: 1_000, waiting: waiting), errors,
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Keeps the errors that reach the application.
    private final class Errors: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart
        var caught: [any Error] = []

        func errorCaught(context: ChannelHandlerContext, error: any Error) { caught.append(error) }
    }

    private func receive(_ parts: HTTPRequestPart...) throws {
        for part in parts { try channel.writeInbound(part) }
    }

    private func head(_ fields: HTTPFields = [:]) -> HTTPRequestPart {
        .head(HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/", headerFields: fields))
    }

    private func answer(_ fields: HTTPFields = [:]) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok, headerFields: fields)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    /// The statuses written since the last call.
    private func statuses() throws -> [Int] {
        var statuses: [Int] = []
        while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
            if case .head(let head) = part { statuses.append(head.status.code) }
        }
        return statuses
    }

    private func pass(seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    @Test func closesWithoutAHeadInTime() throws {
        pass(seconds: 9)
        #expect(channel.isActive)
        pass(seconds: 1)
        #expect(!channel.isActive)
        #expect(try statuses().isEmpty)
    }

    @Test("a connection that waits for its client makes room for another, and only then")
    func makesRoom() throws {
        try receive(head(), .end(nil))
        waiting.makeRoom()
        channel.embeddedEventLoop.run()
        #expect(channel.isActive)
        try answer()
        waiting.makeRoom()
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
        #expect(try statuses() == [200])
    }

    @Test("one whose body does not come is told so when it makes room")
    func makesRoomInABody() throws {
        try receive(head())
        waiting.makeRoom()
        channel.embeddedEventLoop.run()
        #expect(try statuses() == [408])
        pass(seconds: 2)
        #expect(!channel.isActive)
    }

    @Test("one that has sent its request in time leaves its turn to the next that waits")
    func passesOn() throws {
        let ended = Mutex(false)
        waiting.makeRoom()
        _ = waiting.begin(.body) { ended.withLock { $0 = true } }
        // The room was asked for; the head comes before the loop has its turn.
        try receive(head(), .end(nil))
        channel.embeddedEventLoop.run()
        #expect(channel.isActive)
        #expect(ended.withLock { $0 })
    }

    @Test func closesBetweenTwoRequests() throws {
        try receive(head(), .end(nil))
        pass(seconds: 25)
        try answer()
        pass(seconds: 9)
        #expect(channel.isActive)
        pass(seconds: 1)
        #expect(!channel.isActive)
    }

    @Test func neverClosesWhileAJobRuns() throws {
        try receive(head(), .end(nil))
        pass(seconds: 100_000)
        #expect(channel.isActive)
    }

    @Test func answersUnderTheRequestsID() throws {
        func ids() throws -> [String?] {
            var ids: [String?] = []
            while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
                if case .head(let head) = part { ids.append(head.headerFields[.requestID]) }
            }
            return ids
        }
        try receive(head([.requestID: "trace-1"]))
        pass(seconds: 20)
        #expect(try ids() == ["trace-1"])
    }

    @Test func answersUnderANewIDWhatCannotBeRead() throws {
        try receive(head([.requestID: "trace-1"]), .end(nil))
        try answer()
        _ = try statuses()
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidVersion)
        let part = try channel.readOutbound(as: HTTPResponsePart.self)
        guard case .head(let head) = part else {
            Issue.record("no answer")
            return
        }
        let id = head.headerFields[.requestID]
        #expect(id?.utf8.count == 26)
    }

    @Test func answers408ToASlowBody() throws {
        try receive(head())
        // One byte now and then does not help.
        for _ in 0..<19 {
            pass(seconds: 1)
            try receive(.body(ByteBuffer(string: "x")))
        }
        #expect(channel.isActive)
        pass(seconds: 1)
        #expect(try statuses() == [408])
        #expect(errors.caught.first is GuardError, "the body must not end as if it were whole")
        // What the application still says goes nowhere.
        #expect(throws: (any Error).self) { try answer() }
        #expect(try statuses().isEmpty)
    }

    @Test func answersWhatCannotBeParsed() throws {
        channel.pipeline.fireErrorCaught(HTTPParserError.headerOverflow)
        #expect(try statuses() == [431])
        #expect(errors.caught.count == 1)
    }

    @Test func answers400ToOtherGarbage() throws {
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        #expect(try statuses() == [400])
    }

    @Test func doesNotAnswerASecondRequestInPlaceOfTheFirst() throws {
        try receive(head(), .end(nil), head())
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidChunkSize)
        #expect(try statuses().isEmpty)
        #expect(!channel.isActive)
    }

    @Test func doesNotBreakIntoAnAnswer() throws {
        try receive(head())
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        #expect(try statuses() == [200])
        pass(seconds: 20)
        #expect(try statuses().isEmpty)
        #expect(!channel.isActive)
    }

    @Test func asksForAnExpectedBodyThatFits() throws {
        try receive(head([.expect: "100-continue", .contentLength: "1000"]))
        #expect(try statuses() == [100])
    }

    @Test func doesNotAskForABodyThatIsTooLarge() throws {
        try receive(head([.expect: "100-continue", .contentLength: "1001"]))
        #expect(try statuses().isEmpty)
    }

    @Test func lingersWhenTheAnswerComesBeforeTheBody() throws {
        try receive(head())
        try answer([.connection: "close"])
        #expect(channel.isActive)
        try receive(.body(ByteBuffer(string: "x")))
        pass(seconds: 2)
        #expect(!channel.isActive)
    }

    @Test func closesAfterAnAnswerThatSaysSo() throws {
        try receive(head(), .end(nil))
        try answer([.connection: "close"])
        #expect(!channel.isActive)
    }

    @Test func closesWhenLingeringEndsInTime() throws {
        try receive(head())
        try answer([.connection: "close"])
        try receive(.end(nil))
        #expect(!channel.isActive)
    }

    @Test func closesOnAClientThatDoesNotRead() throws {
        try receive(head(), .end(nil))
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        pass(seconds: 29)
        #expect(channel.isActive)
        pass(seconds: 1)
        #expect(!channel.isActive)
    }

    @Test func tellsOnceThatTheClientLeft() throws {
        let calls = Mutex(0)
        let handler = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
        handler.watchForDisconnect { calls.withLock { $0 += 1 } }
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(calls.withLock { $0 } == 1)
        // Who asks too late is told at once.
        handler.watchForDisconnect { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 2)
    }

    @Test func forgetsWhoNoLongerWatches() throws {
        let calls = Mutex(0)
        let handler = try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
        handler.watchForDisconnect { calls.withLock { $0 += 1 } }
        handler.watchForDisconnect(nil)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(calls.withLock { $0 } == 0)
    }
}
