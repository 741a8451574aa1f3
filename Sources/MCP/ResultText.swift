import Jobs

/// A program's result as a language model reads it: bounded, the verdict first and in words.
///
/// It reads the wire form of a result, so that a service newer than this can answer.
struct ResultText {
    /// Bytes of each of stdout, stderr and the compiler's words that are handed on; of more, the beginning and the end.
    static let mostOutput = 24 << 10
    /// Bytes of the text files that are handed on, all together.
    static let mostFileText = 64 << 10
    /// Bytes of the pictures in base64, all together.
    static let mostPictures = 4 << 20

    private let result: JSONObject
    private let files: [File]

    /// A file that the program left.
    private struct File {
        var path: String
        var bytes: Int
        var content: Content

        enum Content {
            case text(String)
            /// Base64.
            case picture(String, type: String)
            /// Why there is nothing.
            case none(String)
        }
    }

    init(_ result: JSONObject) {
        self.result = result
        var textLeft = Self.mostFileText
        var picturesLeft = Self.mostPictures
        files = result.objects("files").map { file in
            let path = file.string("path") ?? "?"
            let content: File.Content
            if let reason = file.string("skipped") {
                content = .none(reason)
            } else if file.string("encoding") == "utf8", let text = file.string("content") {
                if text.utf8.count <= textLeft {
                    textLeft -= text.utf8.count
                    content = .text(text)
                } else {
                    content = .none("too long for this answer; print a part of it")
                }
            } else if let type = Self.pictureType(of: path), let base64 = file.string("content") {
                if base64.utf8.count <= picturesLeft {
                    picturesLeft -= base64.utf8.count
                    content = .picture(base64, type: type)
                } else {
                    content = .none("too large for this answer; make a smaller picture")
                }
            } else {
                content = .none("neither text nor a picture")
            }
            return File(path: path, bytes: file.integer("bytes") ?? 0, content: content)
        }
    }

    /// Whether nothing is known of the program, because what runs programs has failed.
    var isFailure: Bool { status == "internal_error" || status == "cancelled" || status == "expired" }

    /// The blocks of an answer's `content`: text, then pictures.
    var content: [JSONValue] {
        var blocks: [JSONValue] = [.object(["type": .string("text"), "text": .string(words)])]
        for file in files {
            guard case .picture(let base64, let type) = file.content else { continue }
            blocks.append(
                .object(["type": .string("image"), "data": .string(base64), "mimeType": .string(type)]))
        }
        return blocks
    }

    // MARK: Words

    private var status: String { result.string("status") ?? "internal_error" }

    private var words: String {
        var lines = [verdict]
        if let used { lines.append(used) }
        if let refused { lines.append(refused) }
        if let compile = result.object("compile") {
            let said = (compile.string("stdout") ?? "") + (compile.string("stderr") ?? "")
            if !said.isEmpty { lines.append("compiler:\n\(Self.shortened(said).text)") }
        }
        if status != "compile_error", !isFailure {
            lines.append(stream("stdout"))
            lines.append(stream("stderr"))
        }
        lines += files.map { file in
            switch file.content {
            case .text(let text): "file \(file.path) (\(file.bytes) bytes):\n\(text)"
            case .picture: "file \(file.path) (\(file.bytes) bytes): shown below"
            case .none(let reason): "file \(file.path) (\(file.bytes) bytes): not here: \(reason)"
            }
        }
        return lines.joined(separator: "\n")
    }

    private var verdict: String {
        let message = result.string("message").map { ": \($0)" } ?? ""
        let exit = result.integer("exitCode").map { " with exit code \($0)" } ?? ""
        switch status {
        case "ok": return "status: ok. The program ended by itself with exit code 0."
        case "nonzero_exit": return "status: nonzero_exit. The program ended by itself\(exit)."
        case "compile_error": return "status: compile_error. The program was not run\(message)."
        default:
            var words = "status: \(status)\(message)."
            if let limit = result.object("evidence")?.string("firedLimit") {
                words += " The limit that ended it: \(limit)"
                if let value = result.object("evidence")?.object("limits")?[limit], case .number(let number) = value {
                    words += " = \(number.literal); limits.\(limit) of this tool can ask for more, up to its maximum"
                }
                words += "."
            }
            return words
        }
    }

    private var used: String? {
        guard status != "compile_error", !isFailure, let wall = result.double("wallTimeMs"),
            let cpu = result.double("cpuTimeMs"), let memory = result.integer("memoryBytes")
        else { return nil }
        let language = "\(result.string("language") ?? "") \(result.string("version") ?? "")"
        let mebibytes = (Double(memory) / 1_048_576 * 10).rounded() / 10
        return "\(language); wall time \(Int(wall.rounded())) ms, CPU time \(Int(cpu.rounded())) ms, "
            + "memory at most \(mebibytes) MiB"
    }

    private var refused: String? {
        let calls = result.object("evidence")?.objects("deniedSyscalls") ?? []
        guard !calls.isEmpty else { return nil }
        let names = calls.prefix(8).map { "\($0.string("name") ?? "?") (\($0.integer("count") ?? 0) times)" }
        return "system calls that the sandbox refused: \(names.joined(separator: ", "))"
    }

    private func stream(_ name: String) -> String {
        let text = result.string(name) ?? ""
        guard !text.isEmpty else { return "\(name): empty" }
        let shown = Self.shortened(text)
        let bytes = result.integer("\(name)Bytes") ?? text.utf8.count
        let cut = result.bool("\(name)Truncated") ? ", cut off at the limit of output" : ""
        return "\(name) (\(bytes) bytes\(cut)):\n\(shown.text)"
    }

    /// A text as it is, or its beginning and end.
    static func shortened(_ text: String, to most: Int = mostOutput) -> (text: String, isShort: Bool) {
        let bytes = Array(text.utf8)
        guard bytes.count > most else { return (text, false) }
        let head = most / 4 * 3
        // Never within a character.
        var end = head
        while end > 0, bytes[end] & 0b1100_0000 == 0b1000_0000 { end -= 1 }
        var begin = bytes.count - (most - head)
        while begin < bytes.count, bytes[begin] & 0b1100_0000 == 0b1000_0000 { begin += 1 }
        let shown =
            String(decoding: bytes[..<end], as: UTF8.self) + "\n[... \(begin - end) bytes left out ...]\n"
            + String(decoding: bytes[begin...], as: UTF8.self)
        return (shown, true)
    }

    private static func pictureType(of path: String) -> String? {
        let types = [
            "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        ]
        return path.split(separator: ".").last.flatMap { types[$0.lowercased()] }
    }

    // MARK: Structure

    /// What `structured` is.
    static let schema: JSONObject = {
        func type(_ name: String, _ description: String? = nil) -> JSONValue {
            var schema: JSONObject = ["type": .string(name)]
            if let description { schema.add("description", .string(description)) }
            return .object(schema)
        }
        func orNull(_ name: String, _ description: String? = nil) -> JSONValue {
            var schema: JSONObject = ["type": .array([.string(name), .string("null")])]
            if let description { schema.add("description", .string(description)) }
            return .object(schema)
        }
        let statuses = Status.allCases.map(\.rawValue).joined(separator: ", ")
        let properties: JSONObject = [
            "status": type("string", "One of \(statuses); treat another as a failure."),
            "message": orNull("string", "Why the status is what it is."), "exitCode": orNull("integer"),
            "signal": orNull("string", "The name of the signal that ended the program."),
            "firedLimit": orNull("string", "The limit that ended the program."), "language": type("string"),
            "version": type("string"), "stdout": type("string"), "stderr": type("string"),
            "stdoutBytes": type("integer"), "stderrBytes": type("integer"),
            "shortened": type("boolean", "Whether stdout, stderr or the compiler's words are not here in full."),
            "wallTimeMs": type("number"), "cpuTimeMs": type("number"), "memoryBytes": type("integer", "The peak."),
            "deniedSyscalls": .object([
                "type": .string("array"),
                "items": .object([
                    "type": .string("object"),
                    "properties": .object(["name": type("string"), "count": type("integer")]),
                    "required": .array([.string("name"), .string("count")]),
                ]),
            ]),
            "compile": orNull("string", "What the compiler said."),
            "files": .object([
                "type": .string("array"),
                "items": .object([
                    "type": .string("object"),
                    "properties": .object([
                        "path": type("string"), "bytes": type("integer"),
                        "text": orNull("string", "The file, where it is text and short enough."),
                        "note": orNull("string", "What became of a file that is not here as text."),
                    ]), "required": .array(["path", "bytes", "text", "note"].map(JSONValue.string)),
                ]),
            ]),
        ]
        return [
            "type": .string("object"), "properties": .object(properties),
            "required": .array(properties.members.map { .string($0.name) }),
        ]
    }()

    /// The same as the words, for programs.
    var structured: JSONObject {
        let standardOutput = Self.shortened(result.string("stdout") ?? "")
        let standardError = Self.shortened(result.string("stderr") ?? "")
        let compile = result.object("compile").map {
            Self.shortened(($0.string("stdout") ?? "") + ($0.string("stderr") ?? ""))
        }
        let isShort =
            standardOutput.isShort || standardError.isShort || compile?.isShort == true
            || result.bool("stdoutTruncated") || result.bool("stderrTruncated")
        let evidence = result.object("evidence")
        return [
            "status": .string(status), "message": .optional(result.string("message")),
            "exitCode": .optional(result.integer("exitCode")), "signal": .optional(result.string("signal")),
            "firedLimit": .optional(evidence?.string("firedLimit")),
            "language": .string(result.string("language") ?? ""),
            "version": .string(result.string("version") ?? ""), "stdout": .string(standardOutput.text),
            "stderr": .string(standardError.text), "stdoutBytes": .integer(result.integer("stdoutBytes") ?? 0),
            "stderrBytes": .integer(result.integer("stderrBytes") ?? 0), "shortened": .bool(isShort),
            "wallTimeMs": .double(result.double("wallTimeMs") ?? 0),
            "cpuTimeMs": .double(result.double("cpuTimeMs") ?? 0),
            "memoryBytes": .integer(result.integer("memoryBytes") ?? 0),
            "deniedSyscalls": .array((evidence?.objects("deniedSyscalls") ?? []).prefix(32).map(JSONValue.object)),
            "compile": .optional(compile?.text),
            "files": .array(
                files.map { file in
                    var text: String?
                    var note: String?
                    switch file.content {
                    case .text(let content): text = content
                    case .picture: note = "a picture, in content"
                    case .none(let reason): note = reason
                    }
                    return .object([
                        "path": .string(file.path), "bytes": .integer(file.bytes), "text": .optional(text),
                        "note": .optional(note),
                    ])
                }),
        ]
    }
}
