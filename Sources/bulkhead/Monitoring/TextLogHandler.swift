import Jobs
import Logging

/// Lines for people on standard error, as swift-log writes them. Control characters are escaped: ids and reasons can be a
/// stranger's words (whoever writes to the queue chooses a job's id), and would else begin lines of their own or speak to the
/// terminal that shows them (CWE-117, CWE-150).
struct TextLogHandler: LogHandler {
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]
    private var output: StreamLogHandler

    init(label: String) {
        output = .standardError(label: label)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
        event.metadata = all.mapValues { .string("\($0)".printable) }
        event.message = "\("\(event.message)".printable)"
        output.log(event: event)
    }
}
