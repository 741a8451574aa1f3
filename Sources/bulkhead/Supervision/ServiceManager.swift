import Foundation
import Glibc
import Logging

/// Whoever started this process and wants to hear how it is: sd_notify(3), which is a datagram of `NAME=value` lines to the
/// socket that NOTIFY_SOCKET names. systemd does, and others that took the protocol over.
final class ServiceManager: Sendable {
    /// How often it must hear that all is well, or it ends this process and starts it again; nil where it does not ask.
    let watchdogInterval: Duration?

    private let socket: Int32
    private let logger: Logger

    /// Connects to whom the environment names, and takes the names out of it: what this process starts has nothing to say to
    /// that. Call while no other thread reads the environment.
    /// - Returns: nil where nobody wants to hear.
    /// - Throws: `ServiceManagerError` where somebody does and cannot be reached: nobody would know when this process serves.
    static func take(logger: Logger) throws(ServiceManagerError) -> ServiceManager? {
        let environment = ProcessInfo.processInfo.environment
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }
        guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return nil }
        // Of a parent's watchdog where the number is another's.
        let isOwn = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { $0 > 0 && isOwn ? $0 : nil }
        return ServiceManager(
            socket: try connect(name), watchdogInterval: interval.map { .microseconds($0) }, logger: logger)
    }

    private init(socket: Int32, watchdogInterval: Duration?, logger: Logger) {
        self.socket = socket
        self.watchdogInterval = watchdogInterval
        self.logger = logger
    }

    deinit { close(socket) }

    /// Tells it something. Where that fails it is logged: what follows from silence is the manager's to decide.
    func tell(_ lines: String...) {
        let bytes = Array(lines.joined(separator: "\n").utf8)
        let count = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if count != bytes.count {
            logger.error("service manager not told", metadata: ["reason": "\(String(cString: strerror(errno)))"])
        }
    }

    private static func connect(_ name: String) throws(ServiceManagerError) -> Int32 {
        // `@` stands for the zero byte of an abstract name (unix(7)).
        guard name.hasPrefix("/") || name.hasPrefix("@") else {
            throw ServiceManagerError("NOTIFY_SOCKET=\(name) is neither a path nor an abstract name")
        }
        var path = Array(name.utf8)
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.count < place.count else { return false }
            place.copyBytes(from: path)
            return true
        }
        guard fits else { throw ServiceManagerError("NOTIFY_SOCKET=\(name) is too long") }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ServiceManagerError("no socket for NOTIFY_SOCKET", errno: errno) }
        // A manager that does not read must not stop what it manages.
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let reason = errno
            close(descriptor)
            throw ServiceManagerError("NOTIFY_SOCKET=\(name) cannot be reached", errno: reason)
        }
        return descriptor
    }
}

/// A service manager that wants to hear and cannot.
struct ServiceManagerError: Error, CustomStringConvertible {
    let description: String

    init(_ text: String, errno: Int32? = nil) {
        description = text + (errno.map { ": \(String(cString: strerror($0)))" } ?? "")
    }
}
