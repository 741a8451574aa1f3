import Foundation

/// What happens to a job when the client that waits for its answer goes away.
public enum OnDisconnect: String, Sendable, CaseIterable {
    /// The job is cancelled.
    case cancel
    /// The job runs to its end, and its result can be fetched.
    case `continue`
}

/// A file below the work folder.
public struct SourceFile: Sendable, Equatable {
    /// Relative to the work folder, within the rules of `SourcePath`.
    public var path: String
    public var contents: [UInt8]

    public init(path: String, contents: [UInt8]) {
        self.path = path
        self.contents = contents
    }
}

/// A job as it was asked for, valid in every field: the only way to one is through the checks of `init(json:)`.
///
/// In a queue a job is the request's JSON, exactly as the contract has it, because BullMQ producers write it themselves;
/// the worker therefore reads it through the same checks again.
public struct ExecutionRequest: Sendable, Equatable {
    /// The canonical name of the language, whatever alias the request used.
    public let language: String
    /// The versions that will do; nil for any.
    public let version: VersionRange?
    /// Every file to put into the work folder, the main file first. No two have one path, and none is another's folder.
    public let files: [SourceFile]
    /// The path of the file to run: that of `files[0]`.
    public let mainFile: String
    /// What the program can read from its stdin: everything, or the beginning for an interactive one.
    public let stdin: [UInt8]
    /// Arguments after the program's own name; free of NUL.
    public let arguments: [String]
    /// Variables on top of the fixed environment; names `[A-Za-z_][A-Za-z0-9_]*`, never PATH, values free of NUL.
    public let environment: [String: String]
    public let limits: LimitOverrides
    /// Globs for the files to hand back, within the rules of `CollectPattern`.
    public let collect: [String]
    public let outputEncoding: OutputEncoding
    public let onDisconnect: OnDisconnect
    /// Echoed in the result.
    public let metadata: JSONObject
    /// Whether more is sent to its stdin while it runs.
    public let isInteractive: Bool
    /// What the program is run with in place of `stdin` and `arguments`, which are then empty; nil for one run with those.
    public let cases: TestCases?

    /// The names of all fields that a request may have.
    public static var fieldNames: Set<String> { RequestReader.fields }

    /// Reads and checks a request.
    /// - Parameters:
    ///   - json: the request as the contract has it.
    ///   - offer: what can be run, and with which limits at most; decides aliases, versions and the main file's name.
    ///   - standard: the limits of a request that says nothing, before the language's own needs.
    ///   - bounds: how large the request's parts may be.
    /// - Throws: every problem at once, in the order of the fields; nothing is ever clamped or ignored.
    public init(
        json: Data, offer: Offer, standard: Limits = .standard, bounds: RequestBounds = .standard
    ) throws(RequestProblems) {
        guard json.count <= bounds.bodyBytes else {
            throw RequestProblems(
                FieldProblem(
                    pointer: "#", code: .tooLarge, detail: "the request is larger than \(bounds.bodyBytes) bytes"))
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: Array(json), bounds: bounds.json)
        } catch {
            throw RequestProblems(error)
        }
        guard case .object(let object) = value else {
            throw RequestProblems(
                FieldProblem(pointer: "#", code: .wrongType, detail: "the request must be an object, not \(value.kind)")
            )
        }
        var reader = RequestReader(offer: offer, standard: standard, bounds: bounds)
        self = try reader.read(object)
    }

    /// Reads and checks a request for one worker.
    /// - Parameters:
    ///   - json: the request as the contract has it.
    ///   - languages: what it runs.
    ///   - maxima: the most that each limit may be.
    ///   - standard: the limits of a request that says nothing, before the language's own needs.
    ///   - bounds: how large the request's parts may be.
    /// - Throws: as the one above.
    public init(
        json: Data, languages: [Language], maxima: Limits, standard: Limits = .standard,
        bounds: RequestBounds = .standard
    ) throws(RequestProblems) {
        try self.init(
            json: json, offer: Offer([WorkerOffer(languages: languages, maxima: maxima)]), standard: standard,
            bounds: bounds)
    }

    init(
        language: String, version: VersionRange?, files: [SourceFile], mainFile: String, stdin: [UInt8],
        arguments: [String], environment: [String: String], limits: LimitOverrides, collect: [String],
        outputEncoding: OutputEncoding, onDisconnect: OnDisconnect, metadata: JSONObject,
        cases: TestCases? = nil, isInteractive: Bool = false
    ) {
        self.language = language
        self.version = version
        self.files = files
        self.mainFile = mainFile
        self.stdin = stdin
        self.arguments = arguments
        self.environment = environment
        self.limits = limits
        self.collect = collect
        self.outputEncoding = outputEncoding
        self.onDisconnect = onDisconnect
        self.metadata = metadata
        self.cases = cases
        self.isInteractive = isInteractive
    }

    /// The language that a request asks for, sound or not; nil where none can be made out.
    public static func languageName(in json: Data, bounds: RequestBounds = .standard) -> String? {
        // What cannot be read asks for nothing; `init(json:)` says why.
        guard case .object(let object)? = try? JSONValue(parsing: Array(json), bounds: bounds.json),
            case .string(let name)? = object["language"], name.utf8.count <= 64
        else { return nil }
        return name
    }

    /// The limits that hold for this job: the standard ones, the language's own needs, then what the request asked for.
    public func limits(language: Language, standard: Limits = .standard) -> Limits {
        limits.applied(to: standard.adapted(to: language))
    }

    /// The language to run this with: the newest that fits, or nil when none of `languages` does.
    public func select(from languages: [Language]) -> Language? {
        languages.newest(language, fitting: version)
    }

    /// This request as JSON that `init(json:)` reads back to an equal one.
    public func json() -> Data {
        var object: JSONObject = ["language": .string(language)]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        if let version { add("version", .string(version.text)) }
        add("entrypoint", .string(mainFile))
        add("files", .array(files.map { .object($0.json) }))
        if let cases {
            object.members += cases.members
        } else {
            // The reader takes stdin as text, so whatever is here once was valid UTF-8.
            add("stdin", .string(String(decoding: stdin, as: UTF8.self)))
            add("args", .array(arguments.map(JSONValue.string)))
        }
        let variables = environment.sorted { $0.key < $1.key }
        add("env", .object(JSONObject(variables.map { .init(name: $0.key, value: .string($0.value)) })))
        add("limits", .object(limits.json))
        if !collect.isEmpty { add("collect", .array(collect.map(JSONValue.string))) }
        add("outputEncoding", .string(outputEncoding.rawValue))
        add("onDisconnect", .string(onDisconnect.rawValue))
        add("metadata", .object(metadata))
        if isInteractive { add("interactive", .bool(true)) }
        return JSONValue.object(object).serialized()
    }
}

extension SourceFile {
    fileprivate var json: JSONObject {
        if let text = String(validating: contents, as: UTF8.self) {
            return ["path": .string(path), "content": .string(text), "encoding": .string("utf8")]
        }
        return [
            "path": .string(path), "content": .string(Data(contents).base64EncodedString()),
            "encoding": .string("base64"),
        ]
    }
}
