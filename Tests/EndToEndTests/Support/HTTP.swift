import Foundation
import Glibc

/// A client for one exchange over the loopback, as plain as can be: what is tested must not depend on what it is tested
/// with.
enum HTTP {
    struct Response: Sendable {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Posts JSON; `headers` are fields besides the usual ones.
    static func post(
        _ path: String, _ json: String, port: Int, headers: [String: String] = [:], seconds: Int = 60
    ) throws -> Response {
        try exchange(
            "POST \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
                + "content-length: \(json.utf8.count)\r\n\(lines(headers))\r\n\(json)", port: port, seconds: seconds)
    }

    static func get(
        _ path: String, port: Int, host: String = "localhost", headers: [String: String] = [:]
    ) throws -> Response {
        try exchange(
            "GET \(path) HTTP/1.1\r\nhost: \(host)\r\nconnection: close\r\n\(lines(headers))\r\n", port: port,
            seconds: 60)
    }

    private static func lines(_ headers: [String: String]) -> String {
        headers.map { "\($0.key): \($0.value)\r\n" }.joined()
    }

    /// Any method, with a body of any type; an empty type for a request without a body.
    static func send(_ method: String, _ path: String, _ body: String, type: String, port: Int) throws -> Response {
        let fields = type.isEmpty ? "" : "content-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n"
        return try exchange(
            "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\(fields)\r\n\(body)", port: port,
            seconds: 60)
    }

    private static func exchange(_ request: String, port: Int, seconds: Int) throws -> Response {
        let descriptor = try connect(port: port)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw failure("send") }
            rest = rest.dropFirst(count)
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count >= 0 else { throw failure("receive") }
            if count == 0 { break }
            bytes += chunk[0..<count]
        }
        return try parse(bytes)
    }

    /// A connection to the loopback, to be closed.
    static func connect(port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            defer { close(descriptor) }
            throw failure("connect")
        }
        return descriptor
    }

    private static func parse(_ bytes: [UInt8]) throws -> Response {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw failure("answer without a head") }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first?.split(separator: " "), first.count >= 2, let status = Int(first[1]) else {
            throw failure("answer without a status")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let body = Array(bytes[end.upperBound...])
        // 204 has no body (RFC 9110 section 15.3.5).
        let length = status == 204 ? 0 : headers["content-length"].flatMap { Int($0) }
        guard length == body.count else { throw failure("answer cut short") }
        return Response(status: status, headers: headers, body: body)
    }

    private static func failure(_ what: String) -> Child.Failure {
        Child.Failure(description: "\(what): \(String(cString: strerror(errno)))")
    }
}
