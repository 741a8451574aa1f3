import Foundation
import Jobs
import Logging

/// One JSON object for each log message, on a line of its own on standard error: `time` (RFC 3339, UTC), `level`, `message`,
/// and the metadata's values below `metadata`, as text.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = Array(Self.object(event, metadata, at: Date()).serialized())
        line.append(UInt8(ascii: "\n"))
        // One write, so that the lines of several threads do not mix. Where standard error is gone nobody could be told.
        _ = Foundation.write(STDERR_FILENO, line, line.count)
    }

    static func object(_ event: LogEvent, _ metadata: Logger.Metadata, at time: Date) -> JSONValue {
        let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
        var values = JSONObject()
        // Sorted: equal messages look equal.
        for (name, value) in all.sorted(by: { $0.key < $1.key }) {
            values.members.append(.init(name: name, value: .string("\(value)")))
        }
        return .object([
            "time": .string(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
            "level": .string(event.level.rawValue), "message": .string("\(event.message)"), "metadata": .object(values),
        ])
    }
}
