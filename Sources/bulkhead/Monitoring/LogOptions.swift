import ArgumentParser
import Logging

/// How much is logged, and in which form: the same for every service.
struct LogOptions: ParsableArguments {
    @Option(Settings.logFormat) var logFormat: String?
    @Option(Settings.logLevel) var logLevel: String?

    /// - Throws: `ValidationError` for a format or level that is none.
    func logger() throws -> Logger {
        let isJSON = try Settings.logFormat.value(logFormat) == "json"
        let level = try Logger.Level(rawValue: Settings.logLevel.value(logLevel)) ?? .info
        var logger = Logger(label: "bulkhead") { label in
            if isJSON { JSONLogHandler() } else { TextLogHandler(label: label) }
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
