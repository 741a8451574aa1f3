import Foundation

/// Reads events out of a stream as WHATWG HTML section 9.2 has it, piece by piece: of each its name and its data.
public struct ServerSentEvents {
    /// One event.
    public struct Event: Sendable, Equatable {
        /// As the stream names it; `message` where it does not.
        public var name: String
        /// Its lines, joined by line feeds.
        public var data: String

        public init(name: String, data: String) {
            self.name = name
            self.data = data
        }
    }

    /// The stream has more in one event than may be held.
    public struct TooLarge: Error {}

    private let most: Int
    private var line: [UInt8] = []
    private var name = ""
    private var data: [String] = []
    private var bytes = 0
    private var endsWithReturn = false

    /// - Parameter most: bytes of one event.
    public init(most: Int) {
        self.most = most
    }

    /// - Parameter piece: what comes next of the stream.
    /// - Returns: the events that end in it.
    /// - Throws: `TooLarge`.
    public mutating func take(_ piece: some Sequence<UInt8>) throws(TooLarge) -> [Event] {
        var events: [Event] = []
        for byte in piece {
            defer { endsWithReturn = byte == UInt8(ascii: "\r") }
            if byte == UInt8(ascii: "\n"), endsWithReturn { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let event = endLine() { events.append(event) }
                continue
            }
            bytes += 1
            guard bytes <= most else { throw TooLarge() }
            line.append(byte)
        }
        return events
    }

    private mutating func endLine() -> Event? {
        defer { line = [] }
        guard !line.isEmpty else {
            defer { (name, data, bytes) = ("", [], 0) }
            return data.isEmpty ? nil : Event(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data": data.append(String(decoding: value, as: UTF8.self))
        default:
            // Comments too, which keep a quiet stream alive: they are held nowhere.
            bytes -= line.count
        }
        return nil
    }
}
