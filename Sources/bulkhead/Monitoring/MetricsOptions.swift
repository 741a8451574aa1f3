import ArgumentParser
import HTTPAPI
import Logging
import ServiceLifecycle
import Telemetry

/// A port with nothing but the answer to Prometheus: the only one that a worker has, and one without API keys for the others.
struct MetricsOptions: ParsableArguments {
    @Option(Settings.metricsPort) var metricsPort: String?
    @Option(Settings.metricsHost) var metricsHost: String?

    /// - Parameter allowedHosts: names by which it may be called besides its own.
    /// - Returns: nil where none is wanted.
    /// - Throws: `ValidationError` for a port that is none.
    func address(allowedHosts: [String]) throws -> MetricsAddress? {
        guard let port = try Settings.metricsPort.given(metricsPort) else { return nil }
        return MetricsAddress(
            host: try Settings.metricsHost.value(metricsHost), port: port, allowedHosts: allowedHosts)
    }
}

/// Where Prometheus is answered.
struct MetricsAddress: Sendable {
    let host: String
    /// 0 lets the kernel choose.
    let port: Int
    let allowedHosts: [String]

    /// What serves there. First in a group, so that it is the last to go: what is finished at the end is still counted.
    func service(of page: MetricsPage, logger: Logger) -> ServiceGroupConfiguration.ServiceConfiguration {
        let host = host
        let server = MetricsServer(
            host: host, port: port, allowedHosts: allowedHosts, page: page, logger: logger
        ) { port in
            logger.info("metrics", metadata: ["url": "http://\(host):\(port)/metrics"])
        }
        return .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)
    }
}
