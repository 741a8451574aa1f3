import HTTPTypes
import Hummingbird
import NIOCore
import Telemetry

extension Routes {
    /// `GET /metrics`, as Prometheus scrapes it.
    mutating func onMetrics(_ page: MetricsPage, _ access: RouteAccess) {
        on(.get, "/metrics", access) { _, _, _ in
            let body = ByteBuffer(string: await page.text())
            let headers: HTTPFields = [
                .contentType: Exposition.contentType, .contentLength: String(body.readableBytes),
                .cacheControl: "no-store",
            ]
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
        }
    }
}
