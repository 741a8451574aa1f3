import HTTPTypes
import Hummingbird
import Keyring

/// The one gate in front of all routes: who calls, from where, and under which name.
struct AccessControl: Sendable {
    private let keys: APIKeyStore?
    private let hosts: Set<String>
    let origins: OriginPolicy

    /// - Parameters:
    ///   - rules: who may use the API.
    ///   - host: the address that it listens on.
    init(_ rules: AccessRules, host: String) {
        keys = rules.keys
        origins = OriginPolicy(allowed: rules.corsOrigins)
        let own = host.contains(":") ? "[\(host)]" : host
        hosts = Set((["localhost", "127.0.0.1", "[::1]", own] + rules.allowedHosts).map { $0.lowercased() })
    }

    /// Under which name a request calls.
    /// - Throws: `APIError.hostInvalid`.
    func host(of request: Request) throws(APIError) -> HostName {
        // RFC 9112 section 3.2: one Host, no more and no less. The first is in `authority`.
        guard let authority = request.head.authority, request.headers[.furtherHost] == nil,
            let host = HostName(authority)
        else { throw .hostInvalid }
        return host
    }

    /// Decides for whom a request is answered.
    /// - Parameters:
    ///   - request: a request, its body unread.
    ///   - host: under which name it calls.
    ///   - access: what its route asks for.
    /// - Returns: the caller; on an open route one who has shown nothing is nobody.
    /// - Throws: `APIError` for one who may not.
    func admit(_ request: Request, calling host: HostName, to access: RouteAccess) throws(APIError) -> Caller {
        switch access {
        case .open:
            do {
                return try admit(request, host)
            } catch {
                return .nobody
            }
        case .scope(let scope):
            let caller = try admit(request, host)
            guard caller.allows(scope) else { throw .insufficientScope(scope) }
            return caller
        }
    }

    private func admit(_ request: Request, _ host: HostName) throws(APIError) -> Caller {
        guard origins.accepts(request.headers, host: host) else { throw .crossSite }
        guard let keys else {
            // A page whose name was made to mean this machine (DNS rebinding) calls under that name. Where a key is asked
            // for it has none.
            guard hosts.contains(host.name) else { throw .misdirected }
            return .anybody
        }
        let token: String
        switch BearerToken(request.headers[values: .authorization]) {
        case .token(let text): token = text
        case .none: throw .unauthenticated(isTokenWrong: false)
        case .malformed: throw .authorizationMalformed
        }
        guard let key = keys.find(token) else { throw .unauthenticated(isTokenWrong: true) }
        return Caller(key)
    }
}

/// The field Authorization as RFC 6750 section 2.1 has it. The other two ways of that standard, form and query, would leave
/// keys in logs.
enum BearerToken: Equatable {
    /// None was sent, or credentials of another scheme.
    case none
    /// More than one field, or no token behind the scheme.
    case malformed
    case token(String)

    init(_ values: [String]) {
        guard let value = values.first else {
            self = .none
            return
        }
        guard values.count == 1 else {
            self = .malformed
            return
        }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.first?.lowercased() == "bearer" else {
            self = .none
            return
        }
        guard parts.count == 2 else {
            self = .malformed
            return
        }
        let token = parts[1].drop { $0 == " " }
        // token68 of RFC 9110 section 11.2.
        let isToken = token.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                || [0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D].contains(byte)
        }
        self = isToken && !token.isEmpty ? .token(String(token)) : .malformed
    }
}
