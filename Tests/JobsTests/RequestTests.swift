import Foundation
import Testing

@testable import Jobs

@Suite struct RequestTests {
    @Test func readsTheSampleOfTheContract() throws {
        let request = try Samples.read(
            #"{"language":"javascript","code":"console.log('Hello from sandbox')","timeout":2000}"#)
        #expect(request.language == "javascript")
        #expect(request.mainFile == "main.js")
        #expect(
            request.files == [SourceFile(path: "main.js", contents: Array("console.log('Hello from sandbox')".utf8))])
        #expect(request.limits == LimitOverrides(wallTimeMs: 2_000))
        #expect(request.onDisconnect == .cancel)
        #expect(request.outputEncoding == .utf8)
        var expected = Limits.standard
        expected.wallTimeMs = 2_000
        #expect(request.limits(language: Samples.javascript) == expected)
    }

    @Test func readsEveryField() throws {
        let request = try Samples.read(
            #"""
            {"language":"node","version":"18.x","entrypoint":"lib/a.js","stdin":"in","args":["-v",""],
             "env":{"A_1":"x","_b":""},"files":[{"path":"b.txt","content":"AP8=","encoding":"base64"},
             {"path":"lib/a.js","content":"é","encoding":"utf8"}],
             "limits":{"wallTimeMs":1,"cpuTimeMs":2,"memoryBytes":3,"processes":4,"outputBytes":5,"fileBytes":6,
             "diskBytes":16384,"inodes":8,"openFiles":9,"cpus":0.5},
             "collect":["out/*.png","**/é?.txt","a"],"outputEncoding":"base64","onDisconnect":"continue",
             "metadata":{"a":[1.0,null]},"interactive":true}
            """#)
        #expect(request.language == "javascript")
        #expect(request.select(from: Samples.languages) == Samples.javascript)
        #expect(request.mainFile == "lib/a.js")
        #expect(request.files.map(\.path) == ["lib/a.js", "b.txt"])
        #expect(request.files.map(\.contents) == [[0xC3, 0xA9], [0x00, 0xFF]])
        #expect(request.stdin == Array("in".utf8))
        #expect(request.arguments == ["-v", ""])
        #expect(request.environment == ["A_1": "x", "_b": ""])
        #expect(
            request.limits
                == LimitOverrides(
                    wallTimeMs: 1, cpuTimeMs: 2, memoryBytes: 3, processes: 4, outputBytes: 5, fileBytes: 6,
                    diskBytes: 16_384, inodes: 8, openFiles: 9, cpus: 0.5))
        #expect(request.collect == ["out/*.png", "**/é?.txt", "a"])
        #expect(request.outputEncoding == .base64)
        #expect(request.onDisconnect == .continue)
        #expect(request.isInteractive)
        #expect(JSONValue.object(request.metadata).bytes == Array(#"{"a":[1.0,null]}"#.utf8))
        // What goes into a queue comes out the same.
        let again = try ExecutionRequest(json: request.json(), languages: Samples.languages, maxima: Samples.maxima)
        #expect(again == request)
    }

    @Test func takesTheNewestVersionThatFits() throws {
        #expect(try Samples.read(adding: #""stdin":"""#).select(from: Samples.languages) == Samples.newerJavascript)
        #expect(try Samples.read(adding: #""version":"<20""#).select(from: Samples.languages) == Samples.javascript)
        #expect(try Samples.read(adding: #""version":"18""#).select(from: [Samples.java]) == nil)
    }

    @Test func addsTheLanguagesOwnNeeds() throws {
        let plain = try Samples.read(#"{"language":"java","code":"x"}"#)
        #expect(plain.limits(language: Samples.java).memoryBytes == 256 << 20)
        let asked = try Samples.read(#"{"language":"java","code":"x","limits":{"memoryBytes":1000000}}"#)
        #expect(asked.limits(language: Samples.java).memoryBytes == 1_000_000)
    }

    @Test func takesInputForStdin() throws {
        #expect(try Samples.read(adding: #""input":"5\n""#).stdin == Array("5\n".utf8))
    }

    /// Each request is wrong in exactly the way that is named.
    @Test(arguments: [
        ("", ["# malformed_json"]),
        ("[]", ["# wrong_type"]),
        ("{}", ["#/language required", "#/code required"]),
        (#"{"language":"javascript"}"#, ["#/code required"]),
        (#"{"language":"cobol","code":"1"}"#, ["#/language unknown_language"]),
        (#"{"language":7,"code":"1"}"#, ["#/language wrong_type"]),
        (#"{"language":"javascript","code":""}"#, ["#/code empty"]),
        (#"{"language":"javascript","code":null}"#, ["#/code wrong_type"]),
        (#"{"language":"javascript","code":"1","code":"2"}"#, ["#/code duplicate"]),
        (#"{"language":"javascript","entrypoint":"a.js"}"#, ["#/entrypoint invalid_value"]),
    ])
    func refuses(json: String, expected: [String]) {
        #expect(Samples.problems(json) == expected)
    }

    @Test(arguments: [
        (#""memory":1"#, ["#/memory unknown_field"]),
        (#""a/b~ é":1"#, ["#/a~1b~0%20%C3%A9 unknown_field"]),
        (#""limits":{"memorybytes":1}"#, ["#/limits/memorybytes unknown_field"]),
        (#""limits":[]"#, ["#/limits wrong_type"]),
        (#""limits":{"memoryBytes":0}"#, ["#/limits/memoryBytes out_of_range"]),
        (#""limits":{"memoryBytes":-1}"#, ["#/limits/memoryBytes out_of_range"]),
        (#""limits":{"memoryBytes":1073741825}"#, ["#/limits/memoryBytes out_of_range"]),
        (#""limits":{"memoryBytes":99999999999999999999}"#, ["#/limits/memoryBytes out_of_range"]),
        (#""limits":{"memoryBytes":1.5}"#, ["#/limits/memoryBytes wrong_type"]),
        (#""limits":{"memoryBytes":true}"#, ["#/limits/memoryBytes wrong_type"]),
        (#""limits":{"memoryBytes":"1"}"#, ["#/limits/memoryBytes wrong_type"]),
        (#""limits":{"memoryBytes":null}"#, ["#/limits/memoryBytes wrong_type"]),
        (#""limits":{"inodes":65537}"#, ["#/limits/inodes out_of_range"]),
        (#""limits":{"cpus":0}"#, ["#/limits/cpus out_of_range"]),
        (#""limits":{"cpus":2.01}"#, ["#/limits/cpus out_of_range"]),
        (#""limits":{"cpus":true}"#, ["#/limits/cpus wrong_type"]),
        (#""limits":{"wallTimeMs":1e400}"#, ["#/limits/wallTimeMs out_of_range"]),
        (#""timeout":0"#, ["#/timeout out_of_range"]),
        (#""timeout":60001"#, ["#/timeout out_of_range"]),
        (#""timeout":"2000""#, ["#/timeout wrong_type"]),
        (#""timeout":1,"limits":{"wallTimeMs":1}"#, ["#/timeout conflict"]),
        (#""timeout":NaN"#, ["#/timeout malformed_json"]),
        (#""stdin":"a","input":"a""#, ["#/input conflict"]),
        (#""stdin":1"#, ["#/stdin wrong_type"]),
        (#""args":"a""#, ["#/args wrong_type"]),
        (#""args":["a",1]"#, ["#/args/1 wrong_type"]),
        (#""args":["a\u0000"]"#, ["#/args/0 invalid_value"]),
        (#""env":{"PATH":"/"}"#, ["#/env/PATH invalid_value"]),
        (#""env":{"1A":"/"}"#, ["#/env/1A invalid_value"]),
        (#""env":{"":"/"}"#, ["#/env/ invalid_value"]),
        (#""env":{"A=B":"/"}"#, ["#/env/A%3DB invalid_value"]),
        (#""env":{"A":"\u0000"}"#, ["#/env/A invalid_value"]),
        (#""env":{"A":1}"#, ["#/env/A wrong_type"]),
        (#""env":[]"#, ["#/env wrong_type"]),
        (#""version":"new""#, ["#/version invalid_value"]),
        (#""version":"19""#, ["#/version unknown_version"]),
        (#""entrypoint":"a.js""#, ["#/entrypoint conflict"]),
        (#""collect":"*""#, ["#/collect wrong_type"]),
        (#""collect":null"#, ["#/collect wrong_type"]),
        (#""collect":["*",1,"/etc/passwd"]"#, ["#/collect/1 wrong_type", "#/collect/2 invalid_value"]),
        (#""collect":["a","../a","a\u0000"]"#, ["#/collect/1 invalid_value", "#/collect/2 invalid_value"]),
        (#""collect":[\#((0..<65).map { "\"\($0)\"" }.joined(separator: ","))]"#, ["#/collect too_many"]),
        (#""outputEncoding":"utf16""#, ["#/outputEncoding invalid_value"]),
        (#""onDisconnect":"Cancel""#, ["#/onDisconnect invalid_value"]),
        (#""interactive":"yes""#, ["#/interactive wrong_type"]),
        (#""metadata":[]"#, ["#/metadata wrong_type"]),
        (#""files":[{"path":"a","content":"x","mode":1}]"#, ["#/files/0/mode unknown_field"]),
        (#""files":[{"content":"x"}]"#, ["#/files/0/path required"]),
        (#""files":[{"path":"a"}]"#, ["#/files/0/content required"]),
        (#""files":[{"path":"a","content":"x","encoding":"hex"}]"#, ["#/files/0/encoding invalid_value"]),
        (#""files":[{"path":"a","content":"*","encoding":"base64"}]"#, ["#/files/0/content invalid_value"]),
        (#""files":["a"]"#, ["#/files/0 wrong_type"]),
        (#""files":[{"path":"main.js","content":"x"}]"#, ["#/files duplicate"]),
        (#""files":[{"path":"main.js/x","content":"x"}]"#, ["#/files conflict"]),
        (#""limits":{"diskBytes":4095}"#, ["#/limits/diskBytes too_large"]),
        (#""limits":{"inodes":2}"#, ["#/limits/inodes too_many"]),
    ])
    func refuses(field: String, expected: [String]) {
        #expect(Samples.problems(adding: field) == expected)
    }

    @Test func reportsAllProblemsAtOnce() {
        let json = #"{"language":"x","code":"","timeout":-1,"args":[1,2],"surprise":{}}"#
        #expect(
            Samples.problems(json) == [
                "#/language unknown_language", "#/timeout out_of_range", "#/code empty", "#/args/0 wrong_type",
                "#/args/1 wrong_type", "#/surprise unknown_field",
            ])
    }

    @Test func boundsTheListOfProblems() {
        let fields = (0..<500).map { "\"f\($0)\":1" }.joined(separator: ",")
        #expect(Samples.problems("{" + fields + "}").count == RequestProblems.most)
    }

    @Test func namesTheMaximum() {
        #expect(throws: RequestProblems.self) { try Samples.read(adding: #""timeout":60001"#) }
        do {
            _ = try Samples.read(adding: #""timeout":60001"#)
        } catch {
            #expect(error.problems.map(\.detail) == ["must be between 1 and 60000"])
        }
    }

    @Test(arguments: [
        ("codeBytes", #"{"language":"javascript","code":"123456"}"#, "#/code too_large"),
        (
            "files",
            #"{"language":"javascript","code":"1","files":[{"path":"a","content":""},{"path":"b","content":""}]}"#,
            "#/files too_many"
        ),
        (
            "fileBytes", #"{"language":"javascript","code":"1","files":[{"path":"a","content":"123456"}]}"#,
            "#/files too_large"
        ),
        ("entries", #"{"language":"javascript","code":"1","args":["",""]}"#, "#/args too_many"),
        ("entries", #"{"language":"javascript","code":"1","env":{"A":"","B":""}}"#, "#/env too_many"),
        ("entryBytes", #"{"language":"javascript","code":"1","args":["123456"]}"#, "#/args too_large"),
        ("entryBytes", #"{"language":"javascript","code":"1","env":{"A":"12345"}}"#, "#/env too_large"),
        ("stdinBytes", #"{"language":"javascript","code":"1","stdin":"123456"}"#, "#/stdin too_large"),
        ("stdinBytes", #"{"language":"javascript","code":"1","input":"123456"}"#, "#/input too_large"),
        ("metadataBytes", #"{"language":"javascript","code":"1","metadata":{"a":1}}"#, "#/metadata too_large"),
        ("bodyBytes", #"{"language":"javascript","code":"1"}"#, "# too_large"),
    ])
    func boundsEachPart(name: String, json: String, expected: String) {
        #expect(Samples.problems(json).isEmpty)
        var bounds = RequestBounds.standard
        let fields: [String: WritableKeyPath<RequestBounds, Int>] = [
            "codeBytes": \.codeBytes, "files": \.files, "fileBytes": \.fileBytes, "entries": \.entries,
            "entryBytes": \.entryBytes, "stdinBytes": \.stdinBytes, "metadataBytes": \.metadataBytes,
            "bodyBytes": \.bodyBytes,
        ]
        guard let field = fields[name] else {
            Issue.record("no bound \(name)")
            return
        }
        bounds[keyPath: field] = ["files", "entries"].contains(name) ? 1 : 5
        #expect(Samples.problems(json, bounds: bounds) == [expected])
    }

    @Test(arguments: [
        "", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/..", "a\u{0}", "a\nb", "a\u{7F}", "a\u{85}b",
        String(repeating: "a/", count: 16) + "a", String(repeating: "a", count: 256),
        String(repeating: String(repeating: "a", count: 200) + "/", count: 6) + "a",
    ])
    func refusesPath(path: String) {
        #expect(SourcePath.problem(with: path) != nil)
    }

    @Test(arguments: ["a", ".a", "...", "a b/ü\\c", "..a/b..", String(repeating: "a/", count: 15) + "a"])
    func acceptsPath(path: String) {
        #expect(SourcePath.problem(with: path) == nil)
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "./a", "a/..", "a\u{0}", "a**", "**b/c",
        "***", "a/**.png", String(repeating: "a/", count: 32) + "a", String(repeating: "a", count: 256),
        String(repeating: String(repeating: "a", count: 200) + "/", count: 6) + "a",
    ])
    func refusesPattern(pattern: String) {
        #expect(CollectPattern.problem(with: pattern) != nil)
    }

    @Test(arguments: [
        "a", ".a", "...", "*", "**", "**/*", "out/*.png", "a?b*c", "-rf", "a\nb", "[a]", "{a,b}", "\\*",
        String(repeating: "a/", count: 31) + "a", String(repeating: "*a", count: 127),
    ])
    func acceptsPattern(pattern: String) {
        #expect(CollectPattern.problem(with: pattern) == nil)
    }

    @Test func readsTheLanguageOfAnyRequest() {
        #expect(ExecutionRequest.languageName(in: Data(#"{"language":"go","x":1}"#.utf8)) == "go")
        #expect(ExecutionRequest.languageName(in: Data(#"{"language":1}"#.utf8)) == nil)
        #expect(ExecutionRequest.languageName(in: Data("{".utf8)) == nil)
    }
}
