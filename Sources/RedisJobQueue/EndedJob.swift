import Foundation
import Jobs

/// What the channel of finished jobs says of one: its id, and its result where that is small.
///
/// On the wire: the id's length in bytes, a blank, the id, the result's JSON. Ids are their producers' choice, so nothing in
/// them can part them from what follows.
struct EndedJob: Sendable {
    let id: String
    /// The result as it was written; empty where it has to be looked up.
    private let json: Substring.UTF8View

    /// Nil where it has to be looked up. Read only where somebody waits for it: everybody hears of every job.
    var result: ExecutionResult? { json.isEmpty ? nil : try? ExecutionResult(json: Data(json)) }

    init(_ text: String) {
        let bytes = text.utf8
        let digits = bytes.prefix { $0 != UInt8(ascii: " ") }
        let rest = bytes.dropFirst(digits.count + 1)
        guard let length = Int(Substring(digits)), length > 0, rest.count >= length else {
            // From a worker that says the id alone.
            id = text
            json = ""[...].utf8
            return
        }
        id = String(decoding: rest.prefix(length), as: UTF8.self)
        json = rest.dropFirst(length)
    }
}
