import Foundation
import Glibc

/// A client of server-sent events, as plain as can be.
final class EventStream {
    struct Event: Equatable {
        var id: String
        var name: String
        var data: String

        /// A member of the data, where that is text.
        func text(_ member: String) -> String? {
            let object = try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
            return object?[member] as? String
        }

        func member(_ name: String) -> [String: Any]? {
            let object = try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
            return object?[name] as? [String: Any]
        }
    }

    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var text: [UInt8] = []
    private(set) var head = ""
    private var isOver = false

    /// Asks for the events of a job. Nothing is read before `next` is called.
    init(_ path: String, port: Int, after id: String? = nil, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let descriptor = descriptor
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Child.Failure(description: "no connection to \(port)") }
        let last = id.map { "last-event-id: \($0)\r\n" } ?? ""
        let request = "GET \(path)/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\(last)\r\n"
        guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            throw Child.Failure(description: "not sent")
        }
    }

    deinit { close(descriptor) }

    /// The next event; nil where the answer is over.
    func next() throws -> Event? {
        while true {
            if let end = text.firstRange(of: Array("\n\n".utf8)) {
                let block = String(decoding: text[..<end.lowerBound], as: UTF8.self)
                text.removeSubrange(..<end.upperBound)
                if block.hasPrefix(":") { continue }
                var fields: [String: String] = [:]
                for line in block.split(separator: "\n") {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    fields[String(parts[0])] = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
                }
                return Event(id: fields["id"] ?? "", name: fields["event"] ?? "", data: fields["data"] ?? "")
            }
            if isOver { return nil }
            try receive()
        }
    }

    /// All events up to the one that is wanted, or to the end.
    func read(until isLast: (Event) -> Bool = { _ in false }) throws -> [Event] {
        var events: [Event] = []
        while let event = try next() {
            events.append(event)
            if isLast(event) { break }
        }
        return events
    }

    /// Takes what has come of the chunked body (RFC 9112 section 7.1).
    private func receive() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Child.Failure(description: "the stream broke off: \(head)") }
        bytes += buffer[0..<count]
        if head.isEmpty {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            bytes.removeSubrange(..<end.upperBound)
            if !head.contains(" 200 ") { throw Child.Failure(description: head) }
        }
        while let line = bytes.firstRange(of: Array("\r\n".utf8)),
            let size = Int(String(decoding: bytes[..<line.lowerBound], as: UTF8.self), radix: 16)
        {
            guard bytes.count >= line.upperBound + size + 2 else { return }
            if size == 0 { isOver = true }
            text += bytes[line.upperBound..<line.upperBound + size]
            bytes.removeSubrange(..<(line.upperBound + size + 2))
        }
    }
}

/// The text of all pieces of a stream.
extension [EventStream.Event] {
    func output(_ stream: String = "stdout") -> String {
        filter { $0.name == stream }.compactMap { $0.text("text") }.joined()
    }
}
