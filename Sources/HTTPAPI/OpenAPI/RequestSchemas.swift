import Jobs

/// What a client may send, as the document says it. The rules that a schema cannot say, such as sizes in bytes, stand in words.
struct RequestSchemas {
    let offer: Offer
    let bounds: RequestBounds
    let standard: Limits

    var all: [(String, Schema)] {
        [("ExecutionRequest", request), ("LimitOverrides", limits), ("SourceFile", file), ("TestCase", testCase)]
    }

    private var request: Schema {
        let strings = Schema.array(
            of: .string(pattern: Self.withoutNUL), atMost: bounds.entries)
        return Schema.closedObject(
            [
                ("language", language),
                (
                    "code",
                    .string(length: 1...bounds.codeBytes).described(
                        "The main file, at most \(bounds.codeBytes) bytes of UTF-8. Or entrypoint with files.")
                ),
                (
                    "timeout",
                    wallTime.described("Milliseconds; another name for limits.wallTimeMs: give one of the two.")
                ),
                ("version", .string().described("A semantic version range that must fit, such as 18.x or >=3.9 <4.")),
                (
                    "stdin",
                    .string(length: 0...bounds.stdinBytes).described("At most \(bounds.stdinBytes) bytes of UTF-8.")
                ),
                (
                    "input",
                    .string(length: 0...bounds.stdinBytes).described("Another name for stdin: give one of the two.")
                ),
                ("args", strings.described("At most \(bounds.entryBytes) bytes together.")),
                (
                    "env",
                    Schema.map(
                        names: .string(pattern: "^[A-Za-z_][A-Za-z0-9_]*$").with(
                            "not", .object(Schema.constant("PATH").json)), values: .string(pattern: Self.withoutNUL),
                        atMost: bounds.entries
                    ).described("At most \(bounds.entryBytes) bytes together, names and values.")
                ),
                (
                    "files",
                    Schema.array(of: .named("SourceFile"), atMost: bounds.files).described(
                        "At most \(bounds.fileBytes) bytes together, decoded. No two of one path.")
                ),
                ("entrypoint", .string().described("The path of one of files, in place of code.")),
                ("limits", .named("LimitOverrides")),
                (
                    "collect",
                    Schema.array(of: .string(length: 1...1_024), atMost: CollectPattern.most).described(
                        "Globs below /box for the files to hand back: *, ?, and ** as a component of its own.")
                ),
                ("outputEncoding", .choice(of: OutputEncoding.self).with("default", .string("utf8"))),
                (
                    "onDisconnect",
                    Schema.choice(of: OnDisconnect.self).with("default", .string("cancel")).described(
                        "What happens to the job when the client that waits for its result goes away.")
                ),
                (
                    "metadata",
                    Schema.map().described("Echoed; at most \(bounds.metadataBytes) bytes as compact JSON.")
                ),
                (
                    "interactive",
                    Schema.boolean.with("default", .bool(false)).described(
                        "Whether more is sent to its stdin while it runs; for POST /api/jobs alone.")
                ),
                (
                    "cases",
                    Schema.array(of: .named("TestCase"), atMost: bounds.cases).with("minItems", .integer(1)).described(
                        "What the program is run with, each in a fresh sandbox, in place of stdin and args. "
                            + "All stdin within \(bounds.stdinBytes) bytes, all expectedOutput within "
                            + "\(bounds.expectedOutputBytes).")
                ),
                ("compare", comparison), ("stopOnFailure", Schema.boolean.with("default", .bool(false))),
            ], required: ["language"]
        )
        .with("oneOf", .array([.object(Self.codeAlone), .object(Self.entrypointWithFiles)]))
        .with(
            "allOf",
            .array(
                [Self.oneOfStdinAndInput, Self.oneOfTimeoutAndLimit].map(JSONValue.object)
                    + ["stdin", "input", "args", "collect"].map { name in
                        .object(["not": .object(Self.having("cases", name))])
                    })
        )
        .with(
            "dependentRequired",
            .object(["compare": .array([.string("cases")]), "stopOnFailure": .array([.string("cases")])])
        )
        .described("A job. A field that is not named here is an error, and so is null.")
    }

    // MARK: What excludes what

    private static func having(_ names: String...) -> JSONObject { ["required": .array(names.map(JSONValue.string))] }

    private static let codeAlone: JSONObject = [
        "required": .array([.string("code")]), "not": .object(having("entrypoint")),
    ]
    private static let entrypointWithFiles: JSONObject = [
        "required": .array([.string("entrypoint"), .string("files")]), "not": .object(having("code")),
    ]
    private static let oneOfStdinAndInput: JSONObject = ["not": .object(having("stdin", "input"))]
    private static let oneOfTimeoutAndLimit: JSONObject = [
        "not": .object([
            "required": .array([.string("timeout"), .string("limits")]),
            "properties": .object(["limits": .object(having("wallTimeMs"))]),
        ])
    ]

    // MARK: Parts

    private static let withoutNUL = "^[^\\u0000]*$"

    private var language: Schema {
        let names = Set(offer.languages.flatMap { [$0.name] + $0.aliases }).sorted()
        // Where no worker lives for now, the list would allow nothing.
        return (names.isEmpty ? Schema.string(length: 1...64) : .choice(names)).described(
            "A language that can be run now, or an alias.")
    }

    private var wallTime: Schema { .integer(from: 1, to: offer.maxima?.wallTimeMs) }

    private var limits: Schema {
        let maxima = offer.maxima
        return Schema.closedObject(
            LimitOverrides.fieldNames.map { name in
                (name, limit(name, atMost: maxima).with("default", standard.json[name] ?? .null))
            }
        ).described(
            "Within the maxima of some worker that serves the language, and all together within those of one. "
                + "Each that is not given has its default; that of the memory is larger for some languages.")
    }

    private func limit(_ name: String, atMost maxima: Limits?) -> Schema {
        let maximum = maxima.flatMap { $0.json[name] }
        guard name != "cpus" else {
            var most: Double?
            if case .number(let number) = maximum { most = number.double }
            return .number(from: LimitOverrides.leastCPUs, to: most)
        }
        var most: Int?
        if case .number(let number) = maximum { most = number.integer }
        let schema = Schema.integer(from: 1, to: most)
        return name == "memoryBytes" && !memoryByLanguage.members.isEmpty
            ? schema.with("x-default-by-language", .object(memoryByLanguage)) : schema
    }

    /// The default memory of the languages that have one of their own.
    private var memoryByLanguage: JSONObject {
        var own = JSONObject()
        for language in offer.languages {
            guard let memory = language.memoryBytes, own[language.name] == nil else { continue }
            own.members.append(.init(name: language.name, value: .integer(max(memory, standard.memoryBytes))))
        }
        return own
    }

    private var testCase: Schema {
        Schema.closedObject([
            ("name", .string(length: 0...bounds.caseNameBytes)),
            ("stdin", .string(length: 0...bounds.stdinBytes)),
            ("args", .array(of: .string(pattern: Self.withoutNUL), atMost: bounds.entries)),
            (
                "expectedOutput",
                Schema.string(length: 0...bounds.expectedOutputBytes).described("What stdout is held against.")
            ),
        ])
    }

    private var comparison: Schema {
        let modes = Schema.choice(["trimmed", "exact", "tokens", "floats"])
        let tolerant = Schema.closedObject(
            [("mode", modes), ("absolute", .number(from: 0)), ("relative", .number(from: 0, to: 1))],
            required: ["mode"])
        return Schema.any(of: [modes, tolerant]).described("How stdout is compared; trimmed unless said.")
    }

    private var file: Schema {
        Schema.closedObject(
            [
                (
                    "path",
                    .string(length: 1...1_024).described(
                        "Relative to /box: no component that is empty, . or .., none longer than 255 bytes, at most 16."
                    )
                ),
                ("content", .string().described("The file's text, or its bytes in base64.")),
                ("encoding", .choice(of: OutputEncoding.self).with("default", .string("utf8"))),
            ], required: ["path", "content"])
    }
}
