import Jobs
import Testing

@testable import MCP

/// What a language model is told of a program.
@Suite("Results in words")
struct ResultTextTests {
    private func result(_ changes: JSONObject) -> ResultText {
        var result = TableExecutor.hello
        for change in changes.members {
            result.members.removeAll { $0.name == change.name }
            result.members.append(change)
        }
        return ResultText(result)
    }

    private func words(_ changes: JSONObject) throws -> String {
        guard case .object(let block)? = result(changes).content.first else { return "" }
        return try #require(block.string("text"))
    }

    @Test("which limit ended it, how much that was, and that more can be had")
    func limit() throws {
        let text = try words([
            "status": .string("wall_time_limit"), "exitCode": .null,
            "message": .string("ended: its 2000 ms of wall time were over"),
            "evidence": .object([
                "firedLimit": .string("wallTimeMs"), "limits": .object(["wallTimeMs": .integer(2_000)]),
            ]),
        ])
        #expect(
            text.hasPrefix(
                "status: wall_time_limit: ended: its 2000 ms of wall time were over. The limit that ended it: "
                    + "wallTimeMs = 2000; limits.wallTimeMs of this tool can ask for more, up to its maximum.\n"))
    }

    @Test("a compiler's words, refused calls, an exit code, a status of the future")
    func others() throws {
        #expect(
            try words([
                "status": .string("compile_error"), "message": .string("the program does not compile"),
                "compile": .object(["stdout": .string(""), "stderr": .string("main.c:1: error")]),
            ])
                == "status: compile_error. The program was not run: the program does not compile.\ncompiler:\nmain.c:1: error"
        )
        #expect(
            try words(["status": .string("nonzero_exit"), "exitCode": .integer(3)]).contains("itself with exit code 3.")
        )
        #expect(
            try words([
                "evidence": .object([
                    "deniedSyscalls": .array([.object(["name": .string("unshare"), "count": .integer(2)])])
                ])
            ]).contains("the sandbox refused: unshare (2 times)"))
        #expect(try words(["status": .string("moon_phase")]).hasPrefix("status: moon_phase."))
        #expect(result(["status": .string("internal_error")]).isFailure)
        #expect(!result(["status": .string("nonzero_exit")]).isFailure)
    }

    @Test("long output keeps its beginning and its end, and no character is cut")
    func long() throws {
        let text = "begin" + String(repeating: "ä", count: 100_000) + "end"
        let (shown, isShort) = ResultText.shortened(text)
        #expect(isShort)
        #expect(shown.utf8.count < ResultText.mostOutput + 64)
        #expect(shown.hasPrefix("beginä") && shown.hasSuffix("äend"))
        #expect(!shown.contains("\u{FFFD}"))
        #expect(ResultText.shortened("short") == ("short", false))
        let structured = result(["stdout": .string(text)]).structured
        #expect(structured["shortened"] == .bool(true))
    }

    @Test("text files come as text, pictures as pictures, the rest by name")
    func files() throws {
        func file(_ path: String, _ content: String?, _ encoding: String, skipped: String? = nil) -> JSONValue {
            var file: JSONObject = [
                "path": .string(path), "content": .optional(content), "encoding": .string(encoding),
                "bytes": .integer(5),
            ]
            if let skipped { file.add("skipped", .string(skipped)) }
            return .object(file)
        }
        let result = result([
            "files": .array([
                file("a.txt", "plain", "utf8"), file("b.png", "iVBORw0=", "base64"), file("c.bin", "AAA=", "base64"),
                file("d", nil, "utf8", skipped: "symbolic link"),
                file("e.txt", String(repeating: "x", count: ResultText.mostFileText), "utf8"),
            ])
        ])
        #expect(result.content.count == 2)
        #expect(
            result.content.last
                == .object([
                    "type": .string("image"), "data": .string("iVBORw0="), "mimeType": .string("image/png"),
                ]))
        let files = result.structured.objects("files")
        #expect(files.map { $0.string("text") } == ["plain", nil, nil, nil, nil])
        #expect(files.map { $0["note"] == .null } == [true, false, false, false, false])
        #expect(files[3].string("note") == "symbolic link")
    }
}
