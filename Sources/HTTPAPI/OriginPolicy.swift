import HTTPTypes
import Hummingbird

/// Which pages may call the API from a browser: those of the API's own origin, which has none, and those that are named.
/// All others are refused before anything is done, not only kept from reading the answer.
struct OriginPolicy: Sendable {
    private let allowed: Set<String>

    /// - Parameter allowed: origins as browsers write them (RFC 6454 section 6.2).
    init(allowed: [String]) {
        self.allowed = Set(allowed)
    }

    /// Whether a text is an origin that can be allowed: scheme, host and port, nothing behind, no wildcard and not `null`,
    /// which every sandboxed frame is.
    static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        let authority = String(text.dropFirst(scheme.count))
        return text == text.lowercased() && HostName(authority) != nil
    }

    /// Whether a request may have been sent where it says that it was.
    func accepts(_ fields: HTTPFields, host: HostName) -> Bool {
        let given = fields[values: .origin]
        if let origin = given.first {
            guard given.count == 1 else { return false }
            // The scheme is that of a proxy before this server, if there is one.
            return allowed.contains(origin)
                || ["http://\(host.authority)", "https://\(host.authority)"].contains(origin.lowercased())
        }
        // Without an origin a browser still says whether another site made it send this (Fetch Metadata). What is no browser
        // says nothing.
        guard let site = fields[.secFetchSite] else { return true }
        return site == "same-origin" || site == "none"
    }

    /// The answer to a preflight (Fetch standard, CORS-preflight request); nil for a request that is none, or of an origin
    /// that is not allowed.
    func preflight(_ request: Request, methods: @autoclosure () -> [String]) -> Response? {
        guard request.method == .options, request.headers[.accessControlRequestMethod] != nil,
            allowedOrigin(request.headers) != nil
        else { return nil }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: methods().joined(separator: ", "),
                .accessControlAllowHeaders:
                    "authorization, content-type, idempotency-key, last-event-id, prefer, x-request-id",
                .accessControlMaxAge: "600",
            ])
    }

    /// Lets the page read an answer. Never with credentials: a key is sent by the page itself, and there are no cookies.
    func mark(_ response: inout Response, to fields: HTTPFields) {
        guard !allowed.isEmpty else { return }
        response.headers[.vary] = response.headers[.vary].map { "\($0), origin" } ?? "origin"
        guard let origin = allowedOrigin(fields) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] =
            "location, retry-after, www-authenticate, preference-applied, idempotent-replayed, x-request-id"
    }

    private func allowedOrigin(_ fields: HTTPFields) -> String? {
        guard !allowed.isEmpty, let origin = fields[.origin], allowed.contains(origin) else { return nil }
        return origin
    }
}

extension HTTPField.Name {
    static var secFetchSite: Self { HTTPField.Name(parsed: "sec-fetch-site") }
}
