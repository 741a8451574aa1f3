import Jobs

/// A JSON Schema of the dialect that OpenAPI 3.1 takes for its own (draft 2020-12), built from its parts.
struct Schema: Sendable {
    private(set) var json: JSONObject

    private init(_ json: JSONObject) { self.json = json }

    /// A schema that is another's, by its name in `components`.
    static func named(_ name: String) -> Schema { Schema(["$ref": .string("#/components/schemas/\(name)")]) }

    /// A string.
    /// - Parameters:
    ///   - length: of how many characters.
    ///   - pattern: an ECMA-262 regular expression.
    ///   - format: such as `date-time`.
    /// - Returns: the schema.
    static func string(
        length: ClosedRange<Int>? = nil, pattern: String? = nil, format: String? = nil
    ) -> Schema {
        var schema = Schema(["type": .string("string")])
        if let length {
            if length.lowerBound > 0 { schema.set("minLength", .integer(length.lowerBound)) }
            schema.set("maxLength", .integer(length.upperBound))
        }
        if let pattern { schema.set("pattern", .string(pattern)) }
        if let format { schema.set("format", .string(format)) }
        return schema
    }

    static func choice(_ values: [String]) -> Schema {
        Schema(["type": .string("string"), "enum": .array(values.map(JSONValue.string))])
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(of type: Choice.Type) -> Schema
    where Choice.RawValue == String {
        choice(type.allCases.map(\.rawValue))
    }

    static func constant(_ value: String) -> Schema { Schema(["const": .string(value)]) }

    static func integer(from least: Int? = nil, to most: Int? = nil) -> Schema {
        var schema = Schema(["type": .string("integer")])
        if let least { schema.set("minimum", .integer(least)) }
        if let most { schema.set("maximum", .integer(most)) }
        return schema
    }

    static func number(from least: Double? = nil, to most: Double? = nil) -> Schema {
        var schema = Schema(["type": .string("number")])
        if let least { schema.set("minimum", .double(least)) }
        if let most { schema.set("maximum", .double(most)) }
        return schema
    }

    static var boolean: Schema { Schema(["type": .string("boolean")]) }

    static func array(of element: Schema, atMost most: Int? = nil) -> Schema {
        var schema = Schema(["type": .string("array"), "items": .object(element.json)])
        if let most { schema.set("maxItems", .integer(most)) }
        return schema
    }

    /// An object of a request: what is not named is an error.
    static func closedObject(_ properties: [(String, Schema)], required: [String] = []) -> Schema {
        var schema = object(properties, required: required)
        schema.set("additionalProperties", .bool(false))
        return schema
    }

    /// An object of an answer with all of these; more may come.
    static func answer(_ properties: [(String, Schema)]) -> Schema {
        object(properties, required: properties.map(\.0))
    }

    /// An object of an answer.
    static func object(_ properties: [(String, Schema)], required: [String]) -> Schema {
        var schema = Schema([
            "type": .string("object"),
            "properties": .object(
                JSONObject(properties.map { JSONObject.Member(name: $0.0, value: .object($0.1.json)) })),
        ])
        if !required.isEmpty { schema.set("required", .array(required.map(JSONValue.string))) }
        return schema
    }

    /// An object of any names.
    /// - Parameters:
    ///   - names: what each name is.
    ///   - values: what each value is; nil for anything.
    ///   - most: how many there may be; nil for any number.
    /// - Returns: the schema.
    static func map(names: Schema? = nil, values: Schema? = nil, atMost most: Int? = nil) -> Schema {
        var schema = Schema(["type": .string("object")])
        if let names { schema.set("propertyNames", .object(names.json)) }
        if let values { schema.set("additionalProperties", .object(values.json)) }
        if let most { schema.set("maxProperties", .integer(most)) }
        return schema
    }

    static func any(of schemas: [Schema]) -> Schema { Schema(["anyOf": .array(schemas.map { .object($0.json) })]) }

    /// This, or null.
    var orNull: Schema { Schema(["anyOf": .array([.object(json), .object(["type": .string("null")])])]) }

    /// This with a sentence about it.
    func described(_ text: String) -> Schema { with("description", .string(text)) }

    /// This with another keyword.
    func with(_ keyword: String, _ value: JSONValue) -> Schema {
        var schema = self
        schema.set(keyword, value)
        return schema
    }

    private mutating func set(_ keyword: String, _ value: JSONValue) {
        json.members.append(.init(name: keyword, value: value))
    }
}
