import Foundation
import Jobs
import Synchronization
import Testing

@testable import MCP

/// The protocol, over real pipes.
@Suite("Model Context Protocol")
struct MCPServerTests {
    // MARK: Revisions

    @Test(
        "the handshake agrees on the client's revision, else on the newest",
        arguments: [
            ("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"), ("2026-07-28", "2025-11-25"), ("1999-01-01", "2025-11-25"),
        ])
    func revisions(offered: String, agreed: String) throws {
        let conversation = try Conversation()
        let result = try conversation.shakeHands(offered)
        #expect(result.string("protocolVersion") == agreed)
        #expect(result.object("serverInfo")?.string("name") == "bulkhead")
        #expect(result.object("capabilities")?.object("tools") != nil)
        let list = try conversation.answer(#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#)
        #expect(list["id"] == .string("l"))
        let tool = try #require(list.object("result")?.objects("tools").first)
        #expect(tool.string("name") == "execute_code")
        #expect((tool["outputSchema"] != nil) == (agreed >= "2025-06-18"))
        #expect((tool["annotations"] != nil) == (agreed >= "2025-03-26"))
        let call = try conversation.answer(Conversation.call(2, #"{"language":"python","code":"1"}"#))
        #expect((call.object("result")?["structuredContent"] != nil) == (agreed >= "2025-06-18"))
        #expect(call.object("result")?["resultType"] == nil)
    }

    @Test("from 2026-07-28 on each request names its revision, and there is no handshake")
    func withoutHandshake() throws {
        let conversation = try Conversation()
        let meta =
            #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#
        let discovered = try conversation.answer(
            #"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":\#(meta)}}"#)
        let result = try #require(discovered.object("result"))
        #expect(result["supportedVersions"] == .array(ProtocolRevision.names.map(JSONValue.string)))
        #expect(result.string("resultType") == "complete")
        #expect(result.integer("ttlMs") != nil)
        #expect(result.object("_meta")?.object("io.modelcontextprotocol/serverInfo")?.string("name") == "bulkhead")
        let call = try conversation.answer(Conversation.call(2, #"{"language":"python","code":"1"}"#, meta: meta))
        #expect(call.object("result")?.string("resultType") == "complete")
        #expect(call.object("result")?["structuredContent"] != nil)
        // What that revision has dropped.
        #expect(
            try conversation.answer(#"{"jsonrpc":"2.0","id":3,"method":"ping","params":{"_meta":\#(meta)}}"#).errorCode
                == -32_601)
        let other = try conversation.answer(
            #"{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"_meta":"#
                + #"{"io.modelcontextprotocol/protocolVersion":"2031-01-01"}}}"#)
        #expect(other.errorCode == -32_022)
        #expect(other.object("error")?.object("data")?.string("requested") == "2031-01-01")
        let half = try conversation.answer(
            #"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"_meta":"#
                + #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#)
        #expect(half.errorCode == -32_602)
    }

    @Test("nothing is answered before the revision is known, but ping")
    func order() throws {
        let conversation = try Conversation()
        #expect(
            try conversation.answer(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).object("result") == JSONObject())
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).errorCode == -32_600)
        #expect(
            try conversation.answer(#"{"jsonrpc":"2.0","id":3,"method":"server/discover"}"#).errorCode == -32_602)
    }

    // MARK: Messages

    @Test(
        "what is no request is answered with JSON-RPC's own errors, and the conversation goes on",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"method""#, -32_700), ("\u{1}", -32_700), ("12", -32_600),
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32_600), (#"{"jsonrpc":"2.0","id":1}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
            (#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#, -32_601),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, -32_602),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"format_disk"}}"#, -32_602),
            (
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_code","arguments":4}}"#,
                -32_602
            ),
        ])
    func malformed(line: String, code: Int) throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        let answer = try conversation.answer(line)
        #expect(answer.errorCode == code, "\(answer)")
        #expect(answer["id"] != nil)
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .integer(9))
    }

    @Test("empty lines, answers and notifications are answered with nothing")
    func silence() throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        try conversation.send("")
        try conversation.send("  \r")
        try conversation.send(#"{"jsonrpc":"2.0","id":4,"result":{}}"#)
        try conversation.send(#"{"jsonrpc":"2.0","method":"notifications/unheard-of"}"#)
        try conversation.send(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#)
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .integer(9))
    }

    @Test("a line that is too long is dropped and answered, whatever its pieces look like")
    func longLine() throws {
        let conversation = try Conversation(bounds: .init(lineBytes: 100_000))
        try conversation.shakeHands()
        let answer = try conversation.answer(String(repeating: "x", count: 1_000_000))
        #expect(answer.errorCode == -32_600)
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .integer(9))
        #expect(conversation.line(within: 0.1) == nil)
    }

    @Test("several messages in one write, and one in several")
    func pieces() throws {
        let conversation = try Conversation()
        try conversation.send(
            #"{"jsonrpc":"2.0","id":1,"method":"ping"}"# + "\n" + #"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)
        #expect(try conversation.object()["id"] == .integer(1))
        #expect(try conversation.object()["id"] == .integer(2))
    }

    @Test("batches belong to 2025-03-26 alone")
    func batches() throws {
        let batch =
            "[" + #"{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},"#
            + Conversation.call(2, #"{"language":"python","code":"1"}"#) + #",7]"#
        let old = try Conversation()
        try old.shakeHands("2025-03-26")
        try old.send(batch)
        let line = try #require(old.line())
        guard case .array(let answers) = try JSONValue(parsing: Array(line.utf8)) else {
            Issue.record("no array: \(line)")
            return
        }
        #expect(answers.count == 3)
        #expect(try old.answer("[]").errorCode == -32_600)
        // Nothing to answer is answered with nothing (JSON-RPC 2.0 section 6).
        try old.send(#"[{"jsonrpc":"2.0","method":"notifications/x"}]"#)
        #expect(try old.answer(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .integer(9))

        let new = try Conversation()
        try new.shakeHands("2025-06-18")
        #expect(try new.answer(batch).errorCode == -32_600)
    }

    // MARK: Tools

    @Test("the schema is the API's: languages and maxima in place, references resolved, what makes no sense left out")
    func schema() throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        let list = try conversation.answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        let input = try #require(list.object("result")?.objects("tools").first?.object("inputSchema"))
        let properties = try #require(input.object("properties"))
        #expect(properties.object("language")?["enum"] == .array([.string("python")]))
        #expect(
            properties.object("limits")?.object("properties")?.object("wallTimeMs")?.integer("maximum") == 60_000)
        #expect(properties["interactive"] == nil)
        #expect(input["additionalProperties"] == .bool(false))
    }

    @Test("a schema that names itself many times over is cut off, and not worked out to its end")
    func endlessSchema() {
        let itself = JSONValue.object(["$ref": .string("#/components/schemas/Endless")])
        let document: JSONObject = [
            "components": .object([
                "schemas": .object([
                    "ExecutionRequest": .object(["properties": .object(["limits": itself])]),
                    "Endless": .object(["anyOf": .array(Array(repeating: itself, count: 60))]),
                ])
            ])
        ]
        let catalog = ToolCatalog(revision: .newestWithHandshake, document: document)
        #expect(JSONValue.array(catalog.json).bytes.count < 1 << 20)
    }

    @Test("a program's result in words and as a structure")
    func result() throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        let answer = try conversation.answer(Conversation.call(1, #"{"language":"python","code":"1"}"#))
        #expect(
            answer.text == """
                status: ok. The program ended by itself with exit code 0.
                python 3.11.2; wall time 12 ms, CPU time 10 ms, memory at most 3.0 MiB
                stdout (6 bytes):
                hello

                stderr: empty
                """)
        #expect(answer.object("result")?["isError"] == .bool(false))
        #expect(answer.object("result")?.object("structuredContent")?.string("stdout") == "hello\n")
        let languages = try conversation.answer(
            #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_languages"}}"#)
        #expect(languages.text == "python 3.11.2, also called py; the main file is main.py")
    }

    @Test("a refused request is no protocol error: the reasons are the model's to read")
    func refused() throws {
        let conversation = try Conversation(
            TableExecutor(failure: .refused([.init(pointer: "#/limits/memoryBytes", detail: "must be less")])))
        try conversation.shakeHands()
        let answer = try conversation.answer(Conversation.call(1, #"{"language":"python","code":"1"}"#))
        #expect(answer.object("result")?["isError"] == .bool(true))
        #expect(answer.text?.hasSuffix("\n- limits/memoryBytes: must be less") == true)
        // What is not a field of the tool never reaches whoever runs programs.
        let other = try conversation.answer(
            Conversation.call(2, #"{"language":"python","code":"1","onDisconnect":"continue"}"#))
        #expect(other.text?.hasSuffix("\n- onDisconnect: there is no such field") == true)
        #expect(conversation.executor.state.withLock { $0.requests.count } == 1)
    }

    // MARK: Requests that take time

    @Test("a cancelled call ends its program and has no answer; others go on")
    func cancel() throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        let wait = #"{"language":"python","code":"wait"}"#
        try conversation.send(Conversation.call(1, wait, meta: #"{"progressToken":"p"}"#))
        let progress = try conversation.object()
        #expect(progress.string("method") == "notifications/progress")
        #expect(progress.object("params")?.string("progressToken") == "p")
        #expect(progress.object("params")?.string("message") == "it has begun")
        #expect(try conversation.answer(Conversation.call(1, wait)).errorCode == -32_600, "the id is taken")
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)["id"] == .integer(2))
        try conversation.send(
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}"#)
        let executor = conversation.executor
        #expect(eventually { executor.state.withLock { $0.cancelled == 1 && $0.running == 0 } })
        #expect(try conversation.answer(#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#)["id"] == .integer(3))
    }

    @Test("calls run at once, up to a bound; one more is told so")
    func bounds() throws {
        let conversation = try Conversation(bounds: .init(requests: 3))
        try conversation.shakeHands()
        for id in 1...3 { try conversation.send(Conversation.call(id, #"{"language":"python","code":"wait"}"#)) }
        let answer = try conversation.answer(Conversation.call(4, #"{"language":"python","code":"wait"}"#))
        #expect(answer.errorCode == -32_603)
        #expect(answer["id"] == .integer(4))
        let executor = conversation.executor
        #expect(eventually { executor.state.withLock { $0.running == 3 } })
        for id in 1...3 {
            try conversation.send(
                #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#)
        }
        #expect(eventually { executor.state.withLock { $0.running == 0 } })
        let next = try conversation.answer(Conversation.call(5, #"{"language":"python","code":"1"}"#))
        #expect(next.object("result") != nil)
    }

    @Test("the end of the input ends what runs, and then the server")
    func hangUp() throws {
        let conversation = try Conversation()
        try conversation.shakeHands()
        for id in 1...2 { try conversation.send(Conversation.call(id, #"{"language":"python","code":"wait"}"#)) }
        let executor = conversation.executor
        #expect(eventually { executor.state.withLock { $0.running == 2 } })
        conversation.hangUp()
        #expect(conversation.ended.wait(timeout: .now() + 10) == .success)
        #expect(executor.state.withLock { $0.cancelled } == 2)
        #expect(conversation.line() == nil, "nothing is said behind the end")
    }

    @Test("a client that does not read is not served further, and nothing is kept for it")
    func unread() throws {
        var long = TableExecutor.hello
        long.members.removeAll { $0.name == "stdout" }
        long.add("stdout", .string(String(repeating: "x", count: 20_000)))
        let conversation = try Conversation(TableExecutor(result: long))
        try conversation.shakeHands()
        // The server's pipe takes 64 KiB and its queue some MiB; the rest waits in the client's.
        let line = Conversation.call(1, #"{"language":"python","code":"1"}"#)
        let writer = UncheckedBox(conversation)
        let thread = Thread { for _ in 0..<2_000 { try? writer.value.send(line) } }
        thread.start()
        Thread.sleep(forTimeInterval: 0.5)
        let count = conversation.executor.state.withLock { $0.requests.count }
        #expect(count < 600, "it took \(count) requests")
        var answers = 0
        while answers < 2_000, conversation.line() != nil { answers += 1 }
        #expect(answers == 2_000)
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<1_000 {
            if condition() { return true }
            Thread.sleep(forTimeInterval: 0.01)
        }
        return false
    }
}

/// For the one thread that writes while another reads.
private struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
