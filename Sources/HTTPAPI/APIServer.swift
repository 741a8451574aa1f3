import Hummingbird
import HummingbirdCore
import JobQueue
import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry

/// The HTTP server in front of a queue; ends by graceful shutdown.
///
/// At shutdown it takes no connection any more, answers who waits for a job that has not begun with 503, gives running jobs
/// `drainTimeout` to end, and then answers the rest with 503 too. To that end it drains and closes the queue: run it
/// before the worker is stopped (in a `ServiceGroup`, list it after the worker).
public struct APIServer: Service {
    private let queue: any JobQueue
    private let configuration: APIConfiguration
    private let logger: Logger
    let api: API
    private let metrics: HTTPMetrics
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - queue: where jobs go.
    ///   - languages: what can be run now, and with which limits at most.
    ///   - configuration: how to listen and wait.
    ///   - metrics: counts requests.
    ///   - metricsPage: what `GET /metrics` answers; nil for no such route.
    ///   - logger: hears of requests without their contents.
    ///   - onListening: hears the port once connections are accepted.
    public init(
        queue: any JobQueue, languages: any LanguageDirectory,
        configuration: APIConfiguration = APIConfiguration(), metrics: HTTPMetrics = HTTPMetrics(),
        metricsPage: MetricsPage? = nil, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.queue = queue
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        api = API(queue: queue, languages: languages, configuration: configuration, metricsPage: metricsPage)
        self.metrics = metrics
    }

    /// Serves until graceful shutdown or cancellation.
    /// - Throws: `ListeningError` when the address cannot be bound.
    public func run() async throws {
        // Ends with this scope: cancelled where the server ended first.
        async let _ = closeQueueAtShutdown()
        try await ListeningError.explaining(host: configuration.host, port: configuration.port) {
            try await application.run()
        }
    }

    private func closeQueueAtShutdown() async {
        do {
            try await gracefulShutdown()
            logger.info("draining", metadata: ["seconds": "\(configuration.drainTimeout.components.seconds)"])
            await queue.drain()
            try await Task.sleep(for: configuration.drainTimeout)
        } catch {
            // Cancelled: the server has nobody left to answer, or is not given the time.
        }
        await queue.close()
    }

    /// The application behind `run`, for tests.
    var application: some ApplicationProtocol {
        let configuration = configuration
        let onListening = onListening
        let waiting = WaitingConnections()
        var settings = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(
                    deadlines: configuration.deadlines, maxBodyBytes: configuration.bounds.bodyBytes, waiting: waiting)
            ])
        settings.httpDecoder = .init(
            maxHeaderFieldSize: configuration.maxHeaderBytes, maxHeaderListSize: configuration.maxHeaderBytes,
            maxHeaderFieldCount: configuration.maxHeaderFields)
        let channel = settings
        return Application(
            responder: APIResponder(
                routes: api.routes, access: AccessControl(configuration.access, host: configuration.host),
                metrics: metrics),
            server: HTTPServerBuilder { LoopChannel(HTTP1Channel(responder: $0, configuration: channel)) },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "bulkhead",
                availableConnectionsDelegate: PlacesForConnections(
                    places: configuration.maxConnections, waiting: waiting)),
            onServerRunning: { await onListening($0.localAddress?.port ?? configuration.port) }, logger: logger)
    }
}
