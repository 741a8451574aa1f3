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
