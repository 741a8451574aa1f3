import HTTPTypes
import Hummingbird

/// Finds who answers a method on a path.
///
/// Hummingbird's own router says "not found" to a wrong method; RFC 9110 section 15.5.6 wants 405 and the methods there are.
struct Routes: Sendable {
    /// Answers a request; the string is what stood for `{id}`.
    typealias Handler = @Sendable (Request, APIRequestContext, String) async throws -> Response

    struct Match {
        /// The pattern, for logs: a path that a stranger chose has no place there.
        var pattern: String
        var parameter: String
        /// What it asks of the caller.
        var access: RouteAccess
        var handler: Handler
    }

    private struct Route {
        let pattern: String
        let segments: [Substring]
        var handlers: [(method: HTTPRequest.Method, access: RouteAccess, handler: Handler)]

        /// Of the resource, for Allow.
        var methods: [String] {
            let methods = handlers.map(\.method.rawValue)
            return (methods + (methods.contains("GET") ? ["HEAD"] : [])).sorted()
        }
    }

    private var routes: [Route] = []

    /// What a request for a path of none is counted under.
    static let unmatched = "unmatched"

    /// Adds a route; in `pattern`, one segment may be `{id}`.
    mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String, _ access: RouteAccess, _ handler: @escaping Handler
    ) {
        if let index = routes.firstIndex(where: { $0.pattern == pattern }) {
            routes[index].handlers.append((method, access, handler))
        } else {
            let segments = pattern.split(separator: "/", omittingEmptySubsequences: false)
            routes.append(Route(pattern: pattern, segments: segments, handlers: [(method, access, handler)]))
        }
    }

    /// Every method on every path, and what it asks for.
    var all: [(method: HTTPRequest.Method, pattern: String, access: RouteAccess)] {
        routes.flatMap { route in route.handlers.map { ($0.method, route.pattern, $0.access) } }
    }

    /// - Throws: `APIError.notFound`, `APIError.methodNotAllowed`.
    func match(_ method: HTTPRequest.Method, target: String) throws(APIError) -> Match {
        let path = target.prefix { $0 != "?" }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        for route in routes {
            guard let parameter = Routes.parameter(route.segments, segments) else { continue }
            // HEAD is GET without the body (RFC 9110 section 9.3.2).
            let wanted = method == .head ? .get : method
            guard let found = route.handlers.first(where: { $0.method == wanted }) else {
                throw .methodNotAllowed(route.methods)
            }
            return Match(
                pattern: route.pattern, parameter: parameter, access: found.access, handler: found.handler)
        }
        throw .notFound
    }

    /// The methods of the resource at a target, for a preflight; none where there is no resource.
    func methods(of target: String) -> [String] {
        let segments = target.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false)
        return routes.first { Routes.parameter($0.segments, segments) != nil }?.methods ?? []
    }

    /// What stands for `{id}`, empty where the pattern has none; nil where the path is another.
    private static func parameter(_ pattern: [Substring], _ path: [Substring]) -> String? {
        guard pattern.count == path.count else { return nil }
        var parameter = ""
        for (wanted, given) in zip(pattern, path) {
            if wanted == "{id}", !given.isEmpty {
                parameter = String(given)
            } else if wanted != given {
                return nil
            }
        }
        return parameter
    }
}
