import Synchronization
import Testing

@testable import MCP

@Suite("Progress", .timeLimit(.minutes(1)))
struct ProgressTellerTests {
    private final class Client: Sendable {
        let told = Mutex<[String]>([])
        let reads = Mutex(true)

        func take(_ count: Int, _ message: String) -> Bool {
            guard reads.withLock({ $0 }) else { return false }
            told.withLock { told in
                told.append(message)
                #expect(count == told.count)
            }
            return true
        }

        var messages: [String] { told.withLock { $0 } }

        func reach(_ count: Int) async throws {
            while messages.count < count { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("what is printed is told in its order, characters whole, and of much the newest whole lines")
    func output() async throws {
        let client = Client()
        let teller = ProgressTeller(send: client.take)
        let telling = Task { await teller.run() }
        teller.hear(.output(Array("one\ntw".utf8)))
        teller.hear(.output(Array("o\n".utf8) + [0xC3]))
        try await client.reach(1)
        #expect(client.messages == ["one\ntwo\n"])
        teller.hear(.output([0xA9, 0x0A]))
        try await client.reach(2)
        #expect(client.messages.last == "é\n")

        for line in 0..<1_000 { teller.hear(.output(Array("line \(line)\n".utf8))) }
        try await client.reach(3)
        let last = try #require(client.messages.dropFirst(2).last)
        #expect(last.hasPrefix("[...]\nline ") && last.hasSuffix("\nline 999\n"), "\(last)")
        #expect(last.utf8.count <= ProgressTeller.mostBytes + 6)
        teller.end()
        telling.cancel()
        await telling.value
    }

    @Test("who does not read is told the newest when it reads again; nothing is told after the end")
    func bounds() async throws {
        let client = Client()
        let teller = ProgressTeller(send: client.take)
        let telling = Task { await teller.run() }
        client.reads.withLock { $0 = false }
        teller.hear(.words("waiting"))
        for _ in 0..<1_000 { teller.hear(.output(Array(repeating: UInt8(ascii: "x"), count: 100_000))) }
        teller.hear(.output(Array("\nnew\n".utf8)))
        client.reads.withLock { $0 = true }
        try await client.reach(1)
        #expect(client.messages == ["[...]\nnew\n"])
        teller.end()
        teller.hear(.output(Array("late\n".utf8)))
        telling.cancel()
        await telling.value
        #expect(client.messages.count == 1)
    }
}
