/// A message that does not have the agreed form. The connection it came over is not to be trusted any further.
public struct MalformedMessage: Error, Equatable, Sendable, CustomStringConvertible {
    public var reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { "malformed message: \(reason)" }
}

/// Writes fixed-width little-endian numbers and length-prefixed bytes.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func put<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func put(_ value: Bool) { put(UInt8(value ? 1 : 0)) }

    public mutating func put(_ value: some Collection<UInt8>) {
        put(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    public mutating func put(_ value: String) { put(value.utf8) }

    public mutating func put(_ values: [String]) {
        put(UInt16(values.count))
        for value in values { put(value) }
    }

    public mutating func put(_ values: [[UInt8]]) {
        put(UInt16(values.count))
        for value in values { put(value) }
    }
}

/// Reads what `ByteWriter` wrote. Every read is checked against what is left; a length is believed only so far as bytes
/// are there, so that no message makes the reader allocate more than its own size.
public struct ByteReader {
    private var rest: ArraySlice<UInt8>

    public init(_ bytes: some Collection<UInt8>) { rest = ArraySlice(Array(bytes)) }

    public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    public mutating func number<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) throws(MalformedMessage) -> Number {
        let width = MemoryLayout<Number>.size
        guard rest.count >= width else { throw MalformedMessage("ends within a number") }
        var value: Number = 0
        for (index, byte) in rest.prefix(width).enumerated() {
            value |= Number(truncatingIfNeeded: byte) << Number(8 * index)
        }
        rest = rest.dropFirst(width)
        return value
    }

    public mutating func boolean() throws(MalformedMessage) -> Bool {
        switch try number(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw MalformedMessage("a truth value is neither 0 nor 1")
        }
    }

    public mutating func byteArray() throws(MalformedMessage) -> [UInt8] {
        let count = Int(try number(UInt32.self))
        guard count <= rest.count else { throw MalformedMessage("ends within bytes") }
        let value = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return value
    }

    public mutating func string() throws(MalformedMessage) -> String {
        let bytes = try byteArray()
        guard let value = String(validating: bytes, as: UTF8.self) else { throw MalformedMessage("text is not UTF-8") }
        return value
    }

    public mutating func strings(limit: Int) throws(MalformedMessage) -> [String] {
        let count = Int(try number(UInt16.self))
        guard count <= limit else { throw MalformedMessage("\(count) texts where \(limit) may be") }
        var values: [String] = []
        for _ in 0..<count { values.append(try string()) }
        return values
    }

    public mutating func byteArrays(limit: Int) throws(MalformedMessage) -> [[UInt8]] {
        let count = Int(try number(UInt16.self))
        guard count <= limit else { throw MalformedMessage("\(count) byte strings where \(limit) may be") }
        var values: [[UInt8]] = []
        for _ in 0..<count { values.append(try byteArray()) }
        return values
    }

    /// Every byte must have been read.
    public func end() throws(MalformedMessage) {
        guard rest.isEmpty else { throw MalformedMessage("\(rest.count) bytes too many") }
    }
}
