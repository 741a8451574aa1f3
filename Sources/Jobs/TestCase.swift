/// One run of a job's program: what it is given, and what it is to print.
public struct TestCase: Sendable, Equatable {
    /// Echoed in the result; nil where the request gave none.
    public var name: String?
    /// Everything the program can read from its stdin.
    public var stdin: [UInt8]
    /// Arguments after the program's own name; free of NUL.
    public var arguments: [String]
    /// What stdout is held against; nil where any will do.
    public var expectedOutput: [UInt8]?

    public init(name: String? = nil, stdin: [UInt8] = [], arguments: [String] = [], expectedOutput: [UInt8]? = nil) {
        self.name = name
        self.stdin = stdin
        self.arguments = arguments
        self.expectedOutput = expectedOutput
    }
}

/// The cases of a job, and how they are judged. A request that has any has none of stdin, arguments and files to collect
/// beside them.
public struct TestCases: Sendable, Equatable {
    /// In the request's order; never empty.
    public var list: [TestCase]
    public var comparison: OutputComparison
    /// Whether nothing behind the first case that is not accepted is run.
    public var stopsOnFailure: Bool

    public init(_ list: [TestCase], comparison: OutputComparison = .trimmed, stopsOnFailure: Bool = false) {
        self.list = list
        self.comparison = comparison
        self.stopsOnFailure = stopsOnFailure
    }

    /// As the fields of a request that stand for them.
    var members: [JSONObject.Member] {
        [
            .init(name: "cases", value: .array(list.map { .object($0.json) })),
            .init(name: "compare", value: comparison.json),
            .init(name: "stopOnFailure", value: .bool(stopsOnFailure)),
        ]
    }
}

extension TestCase {
    fileprivate var json: JSONObject {
        var object = JSONObject()
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        if let name { add("name", .string(name)) }
        // The reader takes both streams as text, so whatever is here once was valid UTF-8.
        add("stdin", .string(String(decoding: stdin, as: UTF8.self)))
        add("args", .array(arguments.map(JSONValue.string)))
        if let expectedOutput { add("expectedOutput", .string(String(decoding: expectedOutput, as: UTF8.self))) }
        return object
    }
}
