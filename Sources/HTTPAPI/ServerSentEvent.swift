import Foundation
import HTTPTypes
import JobQueue
import Jobs

/// One event as WHATWG HTML section 9.2 ("server-sent events") has it on the wire.
struct ServerSentEvent {
    /// A comment, which tells a client, and all between, that the stream is alive.
    static let heartbeat = ":\n\n"

    let id: String
    let name: String
    /// JSON, which has no line breaks of its own.
    let data: JSONObject

    init(_ event: LiveEvent) {
        id = event.position.description
        switch event.kind {
        case .queued: (name, data) = ("queued", [:])
        case .started(let worker):
            (name, data) = ("started", ["attempt": .integer(event.position.attempt), "worker": .string(worker)])
        case .stage(let stage): (name, data) = ("stage", ["stage": .string(stage.rawValue)])
        case .output(let stream, let bytes): (name, data) = (stream.rawValue, Self.data(of: bytes))
        case .result(let job): (name, data) = ("result", job.jsonObject)
        }
    }

    private static func data(of bytes: [UInt8]) -> JSONObject {
        if let text = String(validating: bytes, as: UTF8.self) { return ["text": .string(text)] }
        return ["base64": .string(Data(bytes).base64EncodedString())]
    }

    var bytes: [UInt8] {
        Array("id: \(id)\nevent: \(name)\ndata: ".utf8) + JSONValue.object(data).bytes + Array("\n\n".utf8)
    }
}

extension HTTPField.Name {
    static var lastEventID: Self { HTTPField.Name(parsed: "last-event-id") }
    /// nginx gathers an answer before it passes it on, unless it is told not to.
    static var accelBuffering: Self { HTTPField.Name(parsed: "x-accel-buffering") }
}
