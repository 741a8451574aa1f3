import Hummingbird
import HummingbirdCore
import Keyring
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry

/// An HTTP server with `/metrics` and nothing else, for a process that serves no HTTP of its own. Ends by graceful shutdown:
/// list it before the service that it tells of, so that it is the last to go.
public struct MetricsServer: Service {
    private let host: String
    private let port: Int
    private let allowedHosts: [String]
    private let page: MetricsPage
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - port: 0 lets the kernel choose.
    ///   - allowedHosts: names and addresses by which it may be called besides localhost and `host`.
    ///   - page: what is answered.
    ///   - logger: hears of requests.
    ///   - onListening: hears the port once connections are accepted.
    public init(
        host: String, port: Int, allowedHosts: [String] = [], page: MetricsPage, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.allowedHosts = allowedHosts
        self.page = page
        self.logger = logger
        self.onListening = onListening
    }

    /// - Throws: when the address cannot be bound.
    public func run() async throws {
        var routes = Routes()
        // There are no keys here: for whoever reaches the address and calls it by one of its names.
        routes.onMetrics(page, .scope(.admin))
        // A scraper sends no body and needs few connections.
        let waiting = WaitingConnections()
        let settings = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(deadlines: ConnectionDeadlines(), maxBodyBytes: 0, waiting: waiting)
            ])
        let onListening = onListening
        let port = port
        let application = Application(
            responder: APIResponder(
                routes: routes, access: AccessControl(AccessRules(allowedHosts: allowedHosts), host: host),
                metrics: HTTPMetrics()),
            server: HTTPServerBuilder { LoopChannel(HTTP1Channel(responder: $0, configuration: settings)) },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "bulkhead",
                availableConnectionsDelegate: PlacesForConnections(places: 32, waiting: waiting)),
            onServerRunning: { await onListening($0.localAddress?.port ?? port) }, logger: logger)
        try await application.run()
    }
}
