import Foundation

/// Which Redis to use, and as whom.
public struct RedisServer: Sendable, Equatable, CustomStringConvertible {
    let address: RedisAddress
    /// A user of the server's access control list; nil for the default one.
    let user: String?
    let password: String?
    let database: Int

    /// Where it is, without who one is there.
    public var description: String { "\(address)" }

    /// A server on a host, without a password.
    public init(host: String, port: Int = 6_379) {
        self.init(address: .tcp(host: host, port: port))
    }

    init(address: RedisAddress, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    /// Reads `redis://[[user]:password@]host[:port][/database]` or `unix://[[user]:password@]/path[?db=database]`.
    /// - Throws: `RedisServerError` that says what is wrong, without the password.
    public init(url text: String) throws(RedisServerError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            throw RedisServerError("REDIS_URL must be redis://host:port or unix:///path")
        }
        let user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        switch scheme {
        case "redis":
            guard let host = parts.host, !host.isEmpty else { throw RedisServerError("REDIS_URL names no host") }
            let port = parts.port ?? 6_379
            guard (1...65_535).contains(port) else { throw RedisServerError("the port in REDIS_URL is none") }
            // IPv6 addresses stand in brackets in a URL and nowhere else.
            let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
            let path = parts.path.drop { $0 == "/" }
            self.init(
                address: .tcp(host: bare, port: port), user: user, password: parts.password,
                database: try RedisServer.database(path.isEmpty ? "0" : String(path)))
        case "unix", "redis+unix", "redis-socket":
            guard parts.path.hasPrefix("/"), parts.path.utf8.count < 108 else {
                throw RedisServerError("REDIS_URL must name a socket by its absolute path, of at most 107 bytes")
            }
            let number = parts.queryItems?.first { $0.name == "db" }?.value ?? "0"
            self.init(
                address: .unix(path: parts.path), user: user, password: parts.password,
                database: try RedisServer.database(number))
        case "rediss":
            throw RedisServerError(
                """
                rediss:// is not supported: run stunnel beside Bulkhead (client = yes, accept = 127.0.0.1:6390, \
                connect = your-redis:6380) and use REDIS_URL=redis://127.0.0.1:6390
                """)
        default: throw RedisServerError("REDIS_URL must begin with redis:// or unix://")
        }
    }

    private static func database(_ text: String) throws(RedisServerError) -> Int {
        guard let number = Int(text), (0...1_000_000).contains(number) else {
            throw RedisServerError("the database in REDIS_URL must be a number")
        }
        return number
    }
}

/// A setting that names no Redis that can be used.
public struct RedisServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// For the operator.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
