/// One JSON value (RFC 8259), kept so that nothing is lost on the way: members stay in order, numbers keep their literal.
///
/// Foundation's bridge is not used for requests because it makes `true` pass as `1`, rounds large integers and keeps the
/// last of two members with one name.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// A whole number.
    public static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// A number; null where `value` is not finite, because JSON has no word for that.
    public static func double(_ value: Double) -> JSONValue { JSONNumber(value).map(JSONValue.number) ?? .null }

    /// A string, or null.
    public static func optional(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

    /// A whole number, or null.
    public static func optional(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }

    /// What a reader calls this kind of value, with its article: `a string`.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A JSON number as it was written.
public struct JSONNumber: Sendable, Equatable {
    /// The number's text, valid by RFC 8259 section 6 and finite as a double.
    public let literal: String

    public init(_ value: Int) {
        literal = String(value)
    }

    /// Nil where `value` is not finite.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        literal = value.description
    }

    /// For the parser, which has checked the text.
    init(checked literal: String) {
        self.literal = literal
    }

    /// The value as a double, rounded where it has more digits than one holds.
    public var double: Double { Double(literal) ?? .nan }

    /// The value if it is a whole number that an `Int` holds exactly, however it was written (`2000`, `2000.0`, `2e3`).
    public var integer: Int? {
        if let value = Int(literal) { return value }
        // A literal of digits alone that is no Int is too large; only a fraction or exponent may go through a double.
        guard literal.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) else {
            return nil
        }
        // Beyond 2^53 a double no longer names one whole number.
        let value = double
        guard value.magnitude <= 9_007_199_254_740_992 else { return nil }
        return Int(exactly: value)
    }
}

/// The members of a JSON object in their order. Names are compared as bytes, not by Unicode equivalence.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One name with its value.
    public struct Member: Sendable, Equatable {
        public var name: String
        public var value: JSONValue

        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    public var members: [Member]

    public init(_ members: [Member] = []) {
        self.members = members
    }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(name: $0.0, value: $0.1) }
    }

    /// The value with this name, or nil.
    public subscript(name: String) -> JSONValue? {
        members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
}
