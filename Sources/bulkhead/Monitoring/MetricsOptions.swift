import ArgumentParser

/// Where a command that serves no HTTP answers Prometheus.
struct MetricsOptions: ParsableArguments {
    @Option(help: "A port for GET /metrics; 0 lets the kernel choose (none; BULKHEAD_METRICS_PORT).")
    var metricsPort: Int?

    @Option(help: "The address of that port (127.0.0.1; BULKHEAD_METRICS_HOST).")
    var metricsHost: String?

    /// - Returns: nil where none is wanted.
    /// - Throws: `ValidationError` for a port that is none.
    func address() throws -> (host: String, port: Int)? {
        let none = -1
        let port = try Setting.integer(
            metricsPort, "BULKHEAD_METRICS_PORT", flagName: "--metrics-port", in: 0...65_535, default: none)
        guard port != none else { return nil }
        return (Setting.string(metricsHost, "BULKHEAD_METRICS_HOST", default: "127.0.0.1"), port)
    }
}
