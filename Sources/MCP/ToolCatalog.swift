import Jobs

/// The tools, as `tools/list` describes them: the schemas are those of the API, with the languages and maxima of now.
struct ToolCatalog {
    static let execute = "execute_code"
    static let languages = "list_languages"

    /// What a call of `execute_code` may say: the part of a request to the API that makes sense for one call and its answer.
    static let fields = [
        "language", "code", "stdin", "files", "args", "limits", "collect", "env", "entrypoint", "version",
    ]

    let revision: ProtocolRevision
    /// The OpenAPI document.
    let document: JSONObject

    var json: [JSONValue] { [.object(executeTool), .object(languagesTool)] }

    // MARK: The tools

    private var executeTool: JSONObject {
        var properties = JSONObject()
        let request = schemas.object("ExecutionRequest")?.object("properties") ?? JSONObject()
        var room = Self.mostValues
        for field in Self.fields {
            guard let schema = request[field] else { continue }
            properties.add(field, resolved(schema, depth: 0, room: &room))
        }
        return tool(
            Self.execute, title: "Run a program in a sandbox",
            description: """
                Runs a program in a fresh sandbox and returns what it printed, its exit code, and what it used. Give language \
                and code; print what you want to see. There is no network, nothing is kept between calls, and only what \
                the image has is installed. The work folder is /box: files puts files there, collect ("*.png") hands files \
                back. Without limits a program gets \(Self.usualLimits). A program that fails is no error of the tool: the \
                result says how it ended and which limit, if any, ended it.
                """,
            input: [
                "type": .string("object"), "properties": .object(properties),
                "required": .array([.string("language")]), "additionalProperties": .bool(false),
            ], output: ResultText.schema)
    }

    private var languagesTool: JSONObject {
        tool(
            Self.languages, title: "List the languages",
            description: "Lists the languages that execute_code can run now, with versions and aliases.",
            input: ["type": .string("object"), "properties": .object([:]), "additionalProperties": .bool(false)],
            output: LanguageText.schema)
    }

    private func tool(
        _ name: String, title: String, description: String, input: JSONObject, output: JSONObject
    ) -> JSONObject {
        var tool: JSONObject = ["name": .string(name)]
        if revision.hasStructuredContent { tool.add("title", .string(title)) }
        tool.add("description", .string(description))
        tool.add("inputSchema", .object(input))
        if revision.hasStructuredContent { tool.add("outputSchema", .object(output)) }
        if revision.hasToolAnnotations {
            tool.add(
                "annotations",
                .object([
                    "title": .string(title), "readOnlyHint": .bool(true), "destructiveHint": .bool(false),
                    "openWorldHint": .bool(false),
                ]))
        }
        return tool
    }

    private static var usualLimits: String {
        let limits = Limits.standard
        return "\(limits.wallTimeMs / 1_000) s of wall time, \(limits.cpuTimeMs / 1_000) s of CPU time, "
            + "\(limits.memoryBytes >> 20) MiB of memory and \(limits.outputBytes >> 10) KiB of output"
    }

    // MARK: Schemas

    private var schemas: JSONObject { document.object("components")?.object("schemas") ?? JSONObject() }

    /// Values of the schemas at most, all properties together: the API's own are some hundreds.
    private static let mostValues = 10_000

    /// Without references, which many clients cannot follow, and without the keywords that model providers refuse; whoever
    /// runs the request checks it in full. A schema that names itself is cut off where it goes too deep or `room` ends.
    private func resolved(_ value: JSONValue, depth: Int, room: inout Int) -> JSONValue {
        room -= 1
        // The document's own schemas are three deep; another's could go round.
        guard depth < 16, room > 0 else { return .object([:]) }
        switch value {
        case .array(let elements): return .array(elements.map { resolved($0, depth: depth + 1, room: &room) })
        case .object(let object):
            if let reference = object.string("$ref") {
                let name = reference.split(separator: "/").last.map(String.init) ?? ""
                guard let schema = schemas[name] else { return .object([:]) }
                return resolved(schema, depth: depth + 1, room: &room)
            }
            return .object(
                JSONObject(
                    object.members.filter { !["propertyNames", "pattern"].contains($0.name) }.map {
                        .init(name: $0.name, value: resolved($0.value, depth: depth + 1, room: &room))
                    }))
        default: return value
        }
    }
}

/// The languages, in words and as `GET /api/languages` has them.
enum LanguageText {
    static let schema: JSONObject = [
        "type": .string("object"),
        "properties": .object([
            "languages": .object([
                "type": .string("array"),
                "items": .object([
                    "type": .string("object"),
                    "properties": .object([
                        "name": .object(["type": .string("string")]), "version": .object(["type": .string("string")]),
                        "aliases": .object([
                            "type": .string("array"), "items": .object(["type": .string("string")]),
                        ]),
                        "fileName": .object(["type": .string("string")]),
                        "compiled": .object(["type": .string("boolean")]),
                    ]), "required": .array([.string("name"), .string("version")]),
                ]),
            ])
        ]), "required": .array([.string("languages")]),
    ]

    static func words(_ languages: JSONObject) -> String {
        let lines = languages.objects("languages").map { language in
            var line = "\(language.string("name") ?? "?") \(language.string("version") ?? "")"
            if case .array(let aliases)? = language["aliases"], !aliases.isEmpty {
                let names = aliases.compactMap { if case .string(let name) = $0 { name } else { nil } }
                line += ", also called \(names.joined(separator: ", "))"
            }
            if let file = language.string("fileName") { line += "; the main file is \(file)" }
            return line + (language.bool("compiled") ? "; compiled" : "")
        }
        return lines.isEmpty ? "No language can be run now." : lines.joined(separator: "\n")
    }
}
