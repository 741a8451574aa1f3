import ArgumentParser
import Logging

/// How much is logged, and in which form: the same for every service.
struct LogOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Option(help: "text, or json for one JSON object a line (text; BULKHEAD_LOG_FORMAT).")
    var logFormat: Format?

    @Option(help: "trace, debug, info, notice, warning, error or critical (info; BULKHEAD_LOG_LEVEL).")
    var logLevel: String?

    /// - Throws: `ValidationError` for a format or level that is none.
    func logger() throws -> Logger {
        let format = Setting.string(logFormat?.rawValue, "BULKHEAD_LOG_FORMAT", default: Format.text.rawValue)
        let level = Setting.string(logLevel, "BULKHEAD_LOG_LEVEL", default: Logger.Level.info.rawValue)
        guard let format = Format(rawValue: format) else {
            throw ValidationError("BULKHEAD_LOG_FORMAT must be text or json")
        }
        guard let level = Logger.Level(rawValue: level) else {
            let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--log-level and BULKHEAD_LOG_LEVEL must be one of \(names)")
        }
        var logger = Logger(label: "bulkhead") { label in
            switch format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = level
        return logger
    }
}

extension Logger {
    /// For a `ServiceGroup`, which at debug describes each service with all that is in it: configuration, and whatever secrets
    /// a service may come to hold.
    var forServiceGroup: Logger {
        var logger = self
        logger.logLevel = max(.info, logLevel)
        return logger
    }
}
