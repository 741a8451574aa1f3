import Telemetry

/// Requests by route, method and class of status. The labels come from the lists here: what a stranger sends, a path or a
/// method of its own, is counted as `unmatched` and `other`.
public final class HTTPMetrics: Sendable {
    static let patterns = Operation.paths + Routes.pagePaths + [Routes.unmatched]
    private static let methods = ["GET", "HEAD", "POST", "DELETE", "other"]
    private static let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"]

    private let requests: Counters
    private let durations: Histograms

    public init() {
        requests = Counters(
            "bulkhead_http_requests_total",
            help: "HTTP requests that were answered, by route, method and class of status.",
            series: Self.patterns.flatMap { pattern in
                Self.methods.flatMap { method in
                    Self.classes.map { [.init("route", pattern), .init("method", method), .init("status", $0)] }
                }
            })
        durations = Histograms(
            "bulkhead_http_request_seconds",
            help: "From a request's head to its answer, the wait for a job's result included, by route.",
            bounds: Histograms.steps(from: 0.001, to: 100), label: "route", values: Self.patterns)
    }

    func answered(pattern: String, method: String, status: Int, after duration: Duration) {
        let route = Self.patterns.firstIndex(of: pattern) ?? Self.patterns.count - 1
        let verb = Self.methods.firstIndex(of: method) ?? Self.methods.count - 1
        let kind = min(max(status / 100, 1), Self.classes.count) - 1
        requests.add(at: (route * Self.methods.count + verb) * Self.classes.count + kind)
        durations.observe(duration, at: route)
    }

    public func families() -> [Family] { [requests.family, durations.family] }
}
