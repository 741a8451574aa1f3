import Foundation

/// Where a service is.
public struct ServiceAddress: Sendable, Equatable {
    public let host: String
    public let port: Int
    /// Before each path of the API; empty, or with a leading slash and none at the end.
    public let prefix: String

    /// Reads a URL such as `http://127.0.0.1:3000`.
    /// - Returns: nil for what is no `http` URL of a host alone, perhaps with a path before the API's.
    public init?(_ text: String) {
        guard let parts = URLComponents(string: text), parts.scheme?.lowercased() == "http",
            var host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.query == nil,
            parts.fragment == nil
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = parts.port ?? 80
        guard (1...65_535).contains(port) else { return nil }
        self.host = host
        self.port = port
        prefix =
            parts.percentEncodedPath.hasSuffix("/")
            ? String(parts.percentEncodedPath.dropLast()) : parts.percentEncodedPath
    }

    /// Whether what is sent there stays on this host.
    public var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether an address is one that no other machine has. A name is not looked up, what it means can change: of names only
    /// `localhost` is one (RFC 6761 section 6.3).
    public static func isLoopback(_ host: String) -> Bool {
        var address4 = in_addr()
        if inet_pton(AF_INET, host, &address4) == 1 { return UInt32(bigEndian: address4.s_addr) >> 24 == 127 }
        var address6 = in6_addr()
        if inet_pton(AF_INET6, host, &address6) == 1 {
            return withUnsafeBytes(of: address6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
        }
        return host == "localhost"
    }

    /// As the Host field has it (RFC 9110 section 7.2).
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + (port == 80 ? "" : ":\(port)") }
}
