import ArgumentParser
import HTTPAPI

/// Where and how HTTP is served.
struct ListeningOptions: ParsableArguments {
    @Option(Settings.host) var host: String?
    @Option(Settings.port) var port: String?
    @Option(Settings.maxWait) var maxWait: String?
    @Option(Settings.ttl) var ttl: String?

    /// - Throws: `ValidationError` for a value that is out of its range.
    func apiConfiguration() throws -> APIConfiguration {
        APIConfiguration(
            host: try Settings.host.value(host), port: try Settings.port.value(port),
            maxWait: try Settings.maxWait.value(maxWait), jobTimeToLive: try Settings.ttl.value(ttl))
    }
}
