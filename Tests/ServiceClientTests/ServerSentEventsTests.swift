import Testing

@testable import ServiceClient

@Suite("Server-sent events")
struct ServerSentEventsTests {
    private func read(_ text: String, inPiecesOf size: Int, most: Int = 1_000) throws -> [ServerSentEvents.Event] {
        var reader = ServerSentEvents(most: most)
        let bytes = Array(text.utf8)
        return try stride(from: 0, to: bytes.count, by: size).flatMap {
            try reader.take(bytes[$0..<min($0 + size, bytes.count)])
        }
    }

    @Test("however the bytes come and lines end, the events are the same", arguments: [1, 2, 3, 1_000])
    func pieces(size: Int) throws {
        let text =
            ":\n\nid: 1\nevent: stdout\ndata: {\"text\":\"é\"}\n\n: alive\n\n"
            + "event:result\r\ndata: a\r\ndata:b\r\n\r\ndata\rx: y\r\r"
        let events = try read(text, inPiecesOf: size)
        #expect(
            events == [
                .init(name: "stdout", data: "{\"text\":\"é\"}"), .init(name: "result", data: "a\nb"),
                .init(name: "message", data: ""),
            ])
    }

    @Test("an event is bounded, and a long quiet stream is none")
    func bounds() throws {
        #expect(throws: ServerSentEvents.TooLarge.self) {
            try read("data: " + String(repeating: "x", count: 1_000) + "\n\n", inPiecesOf: 7)
        }
        #expect(try read(String(repeating: ": alive\n", count: 10_000) + "data: x\n\n", inPiecesOf: 7).count == 1)
        // What has not come to its end is no event.
        #expect(try read("data: x\n", inPiecesOf: 7).isEmpty)
    }
}
