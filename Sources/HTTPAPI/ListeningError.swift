import Glibc
import NIOCore

/// An address that cannot be listened on, in words: what NIO throws names neither the host nor the port.
public struct ListeningError: Error, CustomStringConvertible {
    public let description: String

    /// - Returns: nil for an error that is none of binding an address.
    init?(_ error: any Error, host: String, port: Int) {
        let reason: String
        switch error {
        case let error as IOError where "\(error)".hasPrefix("bind("):
            reason = String(cString: strerror(error.errnoCode))
        case SocketAddressError.unknown, is SocketAddressError.UnknownHost:
            reason = "no address is known by this name"
        default: return nil
        }
        let place = host.contains(":") ? "[\(host)]" : host
        description = "cannot listen on \(place):\(port): \(reason)"
    }

    /// Runs a server that binds that address first of all.
    /// - Throws: `ListeningError` where it cannot; what `server` throws otherwise.
    static func explaining(host: String, port: Int, _ server: () async throws -> Void) async throws {
        do {
            try await server()
        } catch {
            throw ListeningError(error, host: host, port: port) ?? error
        }
    }
}
