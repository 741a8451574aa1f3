/// What a JSON text may cost before it is refused.
public struct JSONBounds: Sendable, Equatable {
    /// Arrays and objects inside each other.
    public var depth: Int
    /// Values in the whole text; a text of 16 MiB could otherwise hold eight million of them.
    public var values: Int

    public init(depth: Int = 32, values: Int = 65_536) {
        self.depth = depth
        self.values = values
    }
}

/// Why a text is not JSON that we accept, and where.
public struct JSONError: Error, Sendable, Equatable {
    /// The kinds of refusal.
    public enum Code: String, Sendable {
        /// Not JSON by RFC 8259.
        case malformed = "malformed_json"
        /// Not UTF-8, or an escape that names half a surrogate pair.
        case invalidUnicode = "invalid_unicode"
        /// Nested deeper than the bounds.
        case tooDeep = "too_deep"
        /// More values than the bounds.
        case tooManyValues = "too_many_values"
        /// One name twice in one object (RFC 8259 section 4 leaves the meaning open, so there is none).
        case duplicateName = "duplicate_name"
        /// A number that no double holds.
        case numberOutOfRange = "out_of_range"
    }

    public var code: Code
    public var detail: String
    /// The offset in bytes at which reading stopped.
    public var offset: Int
    /// Names and indices that lead to the value, outermost first.
    public var path: [String]
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259) that must fill `bytes`.
    /// - Throws: `JSONError` for anything that is not exactly one value within the bounds.
    public init(parsing bytes: [UInt8], bounds: JSONBounds = JSONBounds()) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, bounds: bounds)
        self = try parser.parse()
    }
}

/// A strict recursive reader. The recursion is bounded by `bounds.depth`, checked on the way down.
private struct JSONParser {
    let bytes: [UInt8]
    let bounds: JSONBounds
    var offset = 0
    var depth = 0
    var values = 0

    init(bytes: [UInt8], bounds: JSONBounds) {
        self.bytes = bytes
        self.bounds = bounds
    }

    mutating func parse() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard offset == bytes.count else { throw malformed("something follows the value") }
        return value
    }

    private func error(_ code: JSONError.Code, _ detail: String) -> JSONError {
        JSONError(code: code, detail: detail, offset: offset, path: [])
    }

    private func malformed(_ detail: String) -> JSONError {
        error(.malformed, offset < bytes.count ? detail : "the text ends too early")
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        values += 1
        guard values <= bounds.values else {
            throw error(.tooManyValues, "the text holds more than \(bounds.values) values")
        }
        guard let first = next else { throw malformed("a value was expected") }
        switch first {
        case UInt8(ascii: "{"):
            try descend()
            let object = try parseObject()
            depth -= 1
            return .object(object)
        case UInt8(ascii: "["):
            try descend()
            let array = try parseArray()
            depth -= 1
            return .array(array)
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parse(word: "true", as: .bool(true))
        case UInt8(ascii: "f"): return try parse(word: "false", as: .bool(false))
        case UInt8(ascii: "n"): return try parse(word: "null", as: .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        default: throw malformed("a value was expected")
        }
    }

    private mutating func parse(word: StaticString, as value: JSONValue) throws(JSONError) -> JSONValue {
        let length = word.utf8CodeUnitCount
        let matches = word.withUTF8Buffer { bytes[offset...].prefix(length).elementsEqual($0) }
        guard matches else { throw malformed("a value was expected") }
        offset += length
        return value
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        guard depth <= bounds.depth else {
            throw error(.tooDeep, "the text is nested deeper than \(bounds.depth) levels")
        }
        offset += 1
    }

    private mutating func parseArray() throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            offset += 1
            return elements
        }
        while true {
            skipSpace()
            do {
                elements.append(try parseValue())
            } catch {
                throw error.inside(String(elements.count))
            }
            skipSpace()
            switch next {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "]"):
                offset += 1
                return elements
            default: throw malformed("\",\" or \"]\" was expected")
            }
        }
    }

    private mutating func parseObject() throws(JSONError) -> JSONObject {
        var members: [JSONObject.Member] = []
        // Bytes and not strings: Swift holds canonically equivalent strings to be equal.
        var names: Set<[UInt8]> = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            offset += 1
            return JSONObject()
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw malformed("a name in quotes was expected") }
            let name = try parseString()
            guard names.insert(Array(name.utf8)).inserted else {
                throw error(.duplicateName, "the name appears twice in one object").inside(name)
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw malformed("\":\" was expected") }
            offset += 1
            skipSpace()
            do {
                members.append(JSONObject.Member(name: name, value: try parseValue()))
            } catch {
                throw error.inside(name)
            }
            skipSpace()
            switch next {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "}"):
                offset += 1
                return JSONObject(members)
            default: throw malformed("\",\" or \"}\" was expected")
            }
        }
    }

    private mutating func parseString() throws(JSONError) -> String {
        offset += 1
        let start = offset
        // Most strings hold no escape and are taken in one piece.
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
        if next == UInt8(ascii: "\"") {
            let text = String(validating: bytes[start..<offset], as: UTF8.self)
            offset += 1
            guard let text else { throw error(.invalidUnicode, "a string is not valid UTF-8") }
            return text
        }
        var unescaped = Array(bytes[start..<offset])
        while true {
            guard let byte = next else { throw malformed("the string does not end") }
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw error(.invalidUnicode, "a string is not valid UTF-8")
                }
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                try parseEscape(into: &unescaped)
            case 0..<0x20:
                throw malformed("a control character stands unescaped in a string")
            default:
                unescaped.append(byte)
                offset += 1
            }
        }
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard let escaped = next else { throw malformed("the string does not end") }
        let plain: UInt8
        switch escaped {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = escaped
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"):
            offset += 1
            text.append(contentsOf: String(Character(try parseScalar())).utf8)
            return
        default: throw malformed("an unknown escape")
        }
        offset += 1
        text.append(plain)
    }

    private mutating func parseScalar() throws(JSONError) -> Unicode.Scalar {
        var code = UInt32(try parseHex4())
        if (0xD800..<0xDC00).contains(code), next == UInt8(ascii: "\\"), offset + 1 < bytes.count,
            bytes[offset + 1] == UInt8(ascii: "u")
        {
            offset += 2
            let low = UInt32(try parseHex4())
            guard (0xDC00..<0xE000).contains(low) else {
                throw error(.invalidUnicode, "an escape names half a surrogate pair")
            }
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw error(.invalidUnicode, "an escape names half a surrogate pair")
        }
        return scalar
    }

    private mutating func parseHex4() throws(JSONError) -> UInt16 {
        var code: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw malformed("four hexadecimal digits were expected")
            }
            code = code << 4 | UInt16(digit)
            offset += 1
        }
        return code
    }

    private mutating func parseNumber() throws(JSONError) -> JSONNumber {
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        if next == UInt8(ascii: "0") {
            offset += 1
        } else {
            try skipDigits()
        }
        if next == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try skipDigits()
        }
        // Long enough for every double written out in full precision, short enough to keep.
        guard offset - start <= 400 else { throw error(.numberOutOfRange, "a number has too many digits") }
        let literal = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard let value = Double(literal), value.isFinite else {
            throw error(.numberOutOfRange, "a number is too large")
        }
        return JSONNumber(checked: literal)
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = offset
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw malformed("a digit was expected") }
    }
}

extension JSONError {
    /// The same error as seen from one level further out.
    fileprivate func inside(_ name: String) -> JSONError {
        var outer = self
        outer.path.insert(name, at: 0)
        return outer
    }
}
