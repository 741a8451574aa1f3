import Foundation
import Jobs

/// A result in the form in which it is put down: small enough for the job's hash and the stream of events, and whole
/// beside it where it is larger.
struct StoredResult: Sendable, Equatable {
    /// At most the given number of bytes.
    let json: Data
    /// The whole result where `json` was shortened.
    let whole: Data?

    /// - Parameters:
    ///   - result: what to put down.
    ///   - most: the largest that `json` may be.
    ///   - key: where the whole result will be found.
    init(_ result: ExecutionResult, atMost most: Int, wholeAt key: String) {
        let full = result.json()
        guard full.count > most else {
            json = full
            whole = nil
            return
        }
        whole = full
        // Without the files' contents the streams may fit as they are; cut, they lose as little as can be.
        var bytes = most
        while true {
            let text = StoredResult.shortened(result, streamBytes: bytes, atMost: most, wholeAt: key)
            if text.count <= most || bytes == 0 {
                json = text
                return
            }
            bytes /= 2
        }
    }

    /// A result without its files' contents and with no more than so much of each stream; of the full sizes it still tells.
    /// A list of files that is itself too long keeps its beginning. With no room for streams the result goes without
    /// message, metadata and files as well, and has as many cases from the first on as fit, without names and messages.
    private static func shortened(
        _ result: ExecutionResult, streamBytes: Int, atMost most: Int, wholeAt key: String
    ) -> Data {
        var short = result
        func cut(_ text: inout String) -> Bool {
            guard text.utf8.count > streamBytes else { return false }
            text = prefix(of: text, bytes: streamBytes)
            return true
        }
        short.program.shorten(cut)
        if var compile = short.compile {
            _ = cut(&compile.stdout)
            _ = cut(&compile.stderr)
            short.compile = compile
        }
        for index in short.cases?.results.indices ?? 0..<0 {
            short.cases?.results[index].program.shorten(cut)
        }
        short.files = listed(short.files, bytes: streamBytes == 0 ? 0 : most / 4)
        if streamBytes == 0 {
            short.metadata = JSONObject()
            short.message = short.message.map { prefix(of: $0, bytes: 1_024) }
        }
        func text() -> Data {
            var object = short.jsonObject
            object.members.append(.init(name: "resultTruncated", value: .bool(true)))
            object.members.append(.init(name: "resultKey", value: .string(key)))
            return JSONValue.object(object).serialized()
        }
        if streamBytes == 0, let cases = short.cases {
            short.cases?.results = []
            let room = most - text().count
            short.cases?.results = listed(cases.results, bytes: room)
        }
        return text()
    }

    /// The cases without names and messages, as many from the first on as so many bytes can tell of.
    private static func listed(_ cases: [CaseResult], bytes: Int) -> [CaseResult] {
        var left = bytes
        var listed: [CaseResult] = []
        for var result in cases {
            result.name = nil
            result.message = nil
            left -= JSONValue.object(result.jsonObject).serialized().count + 1
            if left < 0 { break }
            listed.append(result)
        }
        return listed
    }

    /// The files without contents, as many from the first on as so many bytes can tell of.
    private static func listed(_ files: [CollectedFile], bytes: Int) -> [CollectedFile] {
        var left = bytes
        var listed: [CollectedFile] = []
        for var file in files {
            file.content = nil
            // Names are a job's own choice, and a control character takes six bytes in JSON.
            left -= 80 + JSONValue.string(file.path).serialized().count + (file.skipped?.utf8.count ?? 0)
            if left < 0 { break }
            listed.append(file)
        }
        return listed
    }

    /// The beginning of a text that ends between two characters; in base64, between two groups of four.
    private static func prefix(of text: String, bytes: Int) -> String {
        var end = bytes - bytes % 4
        let all = Array(text.utf8.prefix(end + 1))
        while end > 0, end < all.count, all[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: all.prefix(end), as: UTF8.self)
    }
}

extension ProgramRecord {
    /// Has `cut` shorten the streams, and says where it did.
    fileprivate mutating func shorten(_ cut: (inout String) -> Bool) {
        if cut(&stdout) { stdoutTruncated = true }
        if cut(&stderr) { stderrTruncated = true }
    }
}
