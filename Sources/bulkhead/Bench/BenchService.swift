import Foundation
import Glibc
import Isolation
import Linux

/// A service that the bench has started on this machine, listening on loopback.
final class BenchService {
    let child: BenchChild
    let port: Int
    private let log: String

    /// Starts a bulkhead command that serves HTTP, on a port of the kernel's choice, and waits until it does.
    static func bulkhead(
        _ name: String, _ arguments: [String], environment: [String: String], in folder: String
    ) throws -> BenchService {
        let log = "\(folder)/\(name).log"
        let child = try BenchChild(name, arguments, environment: environment, log: log)
        let said = try wait(for: child, log) {
            $0.firstMatch(of: /(?:url=http:\/\/127\.0\.0\.1:(\d+)|\bworking\b)/) != nil
        }
        let port = said.firstMatch(of: /url=http:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) }
        return BenchService(child: child, port: port ?? 0, log: log)
    }

    /// Starts a redis-server that keeps an append-only file and writes it through to the disk each second.
    static func redis(in folder: String) throws -> BenchService {
        let port = try freePort()
        let log = "\(folder)/redis.log"
        let child = try BenchChild(
            "redis-server",
            [
                "redis-server", "--bind", "127.0.0.1", "--port", "\(port)", "--dir", folder, "--save", "",
                "--appendonly",
                "yes", "--appendfsync", "everysec",
            ], environment: ProcessInfo.processInfo.environment, log: log)
        _ = try wait(for: child, log) { $0.contains("Ready to accept connections") }
        return BenchService(child: child, port: port, log: log)
    }

    private init(child: BenchChild, port: Int, log: String) {
        self.child = child
        self.port = port
        self.log = log
    }

    private static func wait(for child: BenchChild, _ log: String, until isReady: (String) -> Bool) throws -> String {
        for _ in 0..<600 {
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if isReady(said) { return said }
            guard !child.hasEnded else { throw IsolationError(.host, "\(child.name) has ended: \(said.suffix(2_000))") }
            usleep(100_000)
        }
        throw IsolationError(.host, "\(child.name) does not come up within a minute")
    }

    /// One that was free a moment ago.
    private static func freePort() throws -> Int {
        let socket = Descriptor(
            owning: try attempt("socket") {
                Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket.raw, $0, length) == 0 && getsockname(socket.raw, $0, &length) == 0
            }
        }
        guard result else { throw SystemError("bind a port of 127.0.0.1", errno: errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// User and system time so far of it and all that descends from it, in nanoseconds.
    var cpuTime: UInt64 { get throws { try ProcessFamily.cpuTime(of: child.pid) } }
}
