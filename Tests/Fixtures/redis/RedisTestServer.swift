import Foundation
import Glibc
import RedisJobQueue

/// A redis-server of the tests' own: on loopback and on a socket in a folder of its own, keeping nothing.
public final class RedisTestServer: Sendable {
    private static let program = "/usr/bin/redis-server"

    /// One for all tests of this process that do not harm it; nil, said aloud, where none is installed.
    public static let shared: RedisTestServer? = {
        do {
            return try RedisTestServer()
        } catch {
            print("privileged suite skipped: \(error)")
            return nil
        }
    }()

    public let port: Int
    private let folder: URL
    private let keeper: Keeper

    public var socketPath: String { folder.appendingPathComponent("redis.sock").path }

    /// Starts a server and waits until it answers.
    /// - Parameter arguments: further settings, as `redis-server` takes them.
    /// - Throws: why there is none.
    public init(_ arguments: [String] = []) throws {
        guard FileManager.default.isExecutableFile(atPath: Self.program) else {
            throw RedisTestServerError(description: "no redis-server")
        }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bh-redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        port = try Self.freePort()
        keeper = try Keeper(
            [
                Self.program, "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", "\(folder.path)/redis.sock",
                "--dir", folder.path, "--save", "", "--appendonly", "no", "--loglevel", "warning",
            ] + arguments, folder: folder)
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            if let pong = try? command(["PING"]), pong == "PONG" { return }
            guard ContinuousClock.now < deadline else {
                throw RedisTestServerError(description: "redis-server does not answer")
            }
            usleep(10_000)
        }
    }

    /// What a queue connects to.
    public func server() throws -> RedisServer { try RedisServer(url: "unix://\(socketPath)") }

    /// As if `duration` had passed for every key of this prefix that has an end.
    public func age(_ prefix: String, by duration: Duration) throws {
        let script = """
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
              local left = redis.call('PTTL', key)
              if left > 0 then
                if left <= tonumber(ARGV[2]) then redis.call('DEL', key)
                else redis.call('PEXPIRE', key, left - ARGV[2]) end
              end
            end
            return 0
            """
        _ = try command(["EVAL", script, "0", prefix, "\(Int(duration / .milliseconds(1)))"])
    }

    /// Sends one command over a connection of its own.
    /// - Returns: what came, if that is a status, a number or a string; an error's text otherwise.
    /// - Throws: where there is no server, or it answers with anything else.
    @discardableResult
    public func command(_ words: [String]) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw RedisTestServerError(description: "no socket") }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socketPath.utf8)) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw RedisTestServerError(description: "no connection") }
        var message = Array("*\(words.count)\r\n".utf8)
        for word in words { message += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
        guard send(descriptor, message, message.count, Int32(MSG_NOSIGNAL)) == message.count else {
            throw RedisTestServerError(description: "connection lost")
        }
        return try Self.reply(from: descriptor)
    }

    private static func reply(from descriptor: Int32) throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = bytes.firstIndex(of: 0x0A) {
                let line = String(decoding: bytes[1..<(end - 1)], as: UTF8.self)
                guard bytes[0] == UInt8(ascii: "$") else { return line }
                guard let count = Int(line), count >= 0 else { return "" }
                let start = end + 1
                if bytes.count >= start + count + 2 {
                    return String(decoding: bytes[start..<(start + count)], as: UTF8.self)
                }
            }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw RedisTestServerError(description: "connection lost") }
            bytes += buffer[0..<count]
        }
    }

    /// A port of loopback that nobody has; somebody else may take it before the server does, and then it does not start.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard done else { throw RedisTestServerError(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Why there is no server.
public struct RedisTestServerError: Error, CustomStringConvertible {
    public let description: String
}

/// A process that ends with this one, however this one ends: its shell waits for the end of a pipe that only we hold.
private final class Keeper: Sendable {
    private let end: FileHandle

    init(_ command: [String], folder: URL) throws {
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments =
            [
                "-c",
                #"folder=$1; shift; "$@" </dev/null >/dev/null 2>&1 & cat >/dev/null; kill -9 $!; rm -rf -- "$folder""#,
                "sh", folder.path,
            ]
            + command
        process.standardInput = pipe
        try process.run()
        end = pipe.fileHandleForWriting
    }

    deinit {
        // Nothing is left to be done where closing fails: the pipe is gone then as well.
        try? end.close()
    }
}
