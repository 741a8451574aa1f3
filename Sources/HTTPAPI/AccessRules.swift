import Keyring

/// Who may use the API.
public struct AccessRules: Sendable {
    /// Whose requests are answered; nil for everybody's.
    public var keys: APIKeyStore?
    /// Names and addresses under which the API may be called besides localhost and the one that it listens on, without a
    /// port. They matter only where nobody is asked for a key.
    public var allowedHosts: [String]
    /// Origins whose pages may call the API from a browser, such as `https://app.example`.
    public var corsOrigins: [String]

    public init(keys: APIKeyStore? = nil, allowedHosts: [String] = [], corsOrigins: [String] = []) {
        self.keys = keys
        self.allowedHosts = allowedHosts
        self.corsOrigins = corsOrigins
    }

    /// Whether a text is a name or an address that `allowedHosts` can have.
    public static func isHost(_ text: String) -> Bool {
        HostName(text).map { $0.name == $0.authority } ?? false
    }

    /// Whether a text is an origin that `corsOrigins` can have.
    public static func isOrigin(_ text: String) -> Bool { OriginPolicy.isOrigin(text) }
}

/// What a route asks of whoever calls it. No route can be declared without.
enum RouteAccess: Sendable, Equatable {
    /// Nothing at all: for those who only want to know whether the service lives.
    case open
    /// A key with this scope, where keys are in use.
    case scope(APIKey.Scope)
}
