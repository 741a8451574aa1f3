import ArgumentParser

/// Where a command that serves no HTTP answers Prometheus.
struct MetricsOptions: ParsableArguments {
    @Option(Settings.metricsPort) var metricsPort: String?
    @Option(Settings.metricsHost) var metricsHost: String?

    /// - Returns: nil where none is wanted.
    /// - Throws: `ValidationError` for a port that is none.
    func address() throws -> (host: String, port: Int)? {
        guard let port = try Settings.metricsPort.given(metricsPort) else { return nil }
        return (try Settings.metricsHost.value(metricsHost), port)
    }
}
