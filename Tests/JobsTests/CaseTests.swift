import Foundation
import Testing

@testable import Jobs

@Suite struct CaseTests {
    @Test func readsCases() throws {
        let request = try Samples.read(
            adding: #"""
                "cases":[{"name":"one","stdin":"1\n","args":["-v"],"expectedOutput":"é"},{},{"expectedOutput":""}],
                "compare":"tokens","stopOnFailure":true
                """#)
        #expect(
            request.cases
                == TestCases(
                    [
                        TestCase(
                            name: "one", stdin: Array("1\n".utf8), arguments: ["-v"],
                            expectedOutput: Array("é".utf8)),
                        TestCase(), TestCase(expectedOutput: []),
                    ], comparison: .tokens, stopsOnFailure: true))
        #expect(request.stdin.isEmpty && request.arguments.isEmpty)
        // What goes into a queue comes out the same.
        let again = try ExecutionRequest(json: request.json(), languages: Samples.languages, maxima: Samples.maxima)
        #expect(again == request)
    }

    @Test func hasNoneUnlessAsked() throws {
        let request = try Samples.read(adding: #""stdin":"""#)
        #expect(request.cases == nil)
        #expect(!String(decoding: request.json(), as: UTF8.self).contains("cases"))
        #expect(try Samples.read(adding: #""cases":[{}]"#).cases == TestCases([TestCase()]))
    }

    @Test(
        arguments: [
            (#""trimmed""#, .trimmed), (#""exact""#, .exact), (#""tokens""#, .tokens),
            (#""floats""#, .floats(absolute: 1e-6, relative: 1e-6)),
            (#"{"mode":"tokens"}"#, .tokens),
            (#"{"mode":"floats"}"#, .floats(absolute: 1e-6, relative: 1e-6)),
            (#"{"mode":"floats","absolute":0.01}"#, .floats(absolute: 0.01, relative: 0)),
            (#"{"mode":"floats","relative":1}"#, .floats(absolute: 0, relative: 1)),
            (#"{"mode":"floats","absolute":0,"relative":0}"#, .floats(absolute: 0, relative: 0)),
        ] as [(String, OutputComparison)])
    func readsHowToCompare(json: String, comparison: OutputComparison) throws {
        let request = try Samples.read(adding: #""cases":[{}],"compare":\#(json)"#)
        #expect(request.cases?.comparison == comparison)
        let again = try ExecutionRequest(json: request.json(), languages: Samples.languages, maxima: Samples.maxima)
        #expect(again.cases?.comparison == comparison)
    }

    @Test(arguments: [
        (#""cases":[]"#, ["#/cases empty"]),
        (#""cases":null"#, ["#/cases wrong_type"]),
        (#""cases":{}"#, ["#/cases wrong_type"]),
        (#""cases":[{},"a"]"#, ["#/cases/1 wrong_type"]),
        (#""cases":[{"stdin":1}]"#, ["#/cases/0/stdin wrong_type"]),
        (#""cases":[{"stdin":null}]"#, ["#/cases/0/stdin wrong_type"]),
        (#""cases":[{"expectedOutput":["a"]}]"#, ["#/cases/0/expectedOutput wrong_type"]),
        (#""cases":[{},{"args":"a"}]"#, ["#/cases/1/args wrong_type"]),
        (#""cases":[{},{"args":["a",1]}]"#, ["#/cases/1/args/1 wrong_type"]),
        (#""cases":[{"args":["\u0000"]}]"#, ["#/cases/0/args/0 invalid_value"]),
        (#""cases":[{"name":1}]"#, ["#/cases/0/name wrong_type"]),
        (#""cases":[{"input":""}]"#, ["#/cases/0/input unknown_field"]),
        (#""cases":[{"expected_output":""}]"#, ["#/cases/0/expected_output unknown_field"]),
        (#""case":[{}]"#, ["#/case unknown_field"]),
        (#""cases":[{}],"stdin":"a""#, ["#/stdin conflict"]),
        (#""cases":[{}],"input":"""#, ["#/input conflict"]),
        (#""cases":[{}],"args":[]"#, ["#/args conflict"]),
        (#""cases":[{}],"collect":["a"]"#, ["#/collect conflict"]),
        (#""compare":"exact""#, ["#/compare conflict"]),
        (#""stopOnFailure":false"#, ["#/stopOnFailure conflict"]),
        (#""cases":[{}],"stopOnFailure":1"#, ["#/stopOnFailure wrong_type"]),
        (#""cases":[{}],"compare":null"#, ["#/compare wrong_type"]),
        (#""cases":[{}],"compare":"fuzzy""#, ["#/compare invalid_value"]),
        (#""cases":[{}],"compare":{}"#, ["#/compare/mode required"]),
        (#""cases":[{}],"compare":{"mode":"x"}"#, ["#/compare/mode invalid_value"]),
        (#""cases":[{}],"compare":{"mode":"exact","absolute":1}"#, ["#/compare/absolute conflict"]),
        (#""cases":[{}],"compare":{"mode":"floats","epsilon":1}"#, ["#/compare/epsilon unknown_field"]),
        (#""cases":[{}],"compare":{"mode":"floats","absolute":-1}"#, ["#/compare/absolute out_of_range"]),
        (#""cases":[{}],"compare":{"mode":"floats","relative":1.1}"#, ["#/compare/relative out_of_range"]),
        (#""cases":[{}],"compare":{"mode":"floats","absolute":"1"}"#, ["#/compare/absolute wrong_type"]),
        (#""cases":[{}],"compare":{"mode":"floats","absolute":1e400}"#, ["#/compare/absolute out_of_range"]),
    ])
    func refuses(fields: String, expected: [String]) {
        #expect(Samples.problems(adding: fields) == expected)
    }

    @Test func boundsEachAndAllTogether() {
        let text = String(repeating: "x", count: 1 << 20)
        func cases(_ field: String, _ count: Int) -> String {
            let list = Array(repeating: #"{"\#(field)":"\#(text)"}"#, count: count).joined(separator: ",")
            return #""cases":[\#(list)]"#
        }
        #expect(Samples.problems(adding: cases("stdin", 4)).isEmpty)
        // Once, at the one that goes over.
        #expect(Samples.problems(adding: cases("stdin", 6)) == ["#/cases/4/stdin too_large"])
        #expect(Samples.problems(adding: cases("expectedOutput", 8)).isEmpty)
        #expect(Samples.problems(adding: cases("expectedOutput", 9)) == ["#/cases/8/expectedOutput too_large"])
        let many = { (count: Int) in
            #""cases":[\#(Array(repeating: "{}", count: count).joined(separator: ","))]"#
        }
        #expect(Samples.problems(adding: many(100)).isEmpty)
        #expect(Samples.problems(adding: many(101)) == ["#/cases too_many"])
        let name = { (count: Int) in #""cases":[{"name":"\#(String(repeating: "n", count: count))"}]"# }
        #expect(Samples.problems(adding: name(128)).isEmpty)
        #expect(Samples.problems(adding: name(129)) == ["#/cases/0/name too_large"])
        let arguments = Array(repeating: "\"a\"", count: 65).joined(separator: ",")
        #expect(Samples.problems(adding: #""cases":[{"args":[\#(arguments)]}]"#) == ["#/cases/0/args too_many"])
    }

    // MARK: Results

    static let results = CaseResults([
        CaseResult(
            name: "one", status: .ok, verdict: .accepted,
            program: ProgramRecord(
                stdout: "a\n", stderr: "é", exitCode: 0, wallTimeMs: 1.5, cpuTimeMs: 0.1, memoryBytes: 7,
                stdoutBytes: 2, stderrBytes: 2),
            evidence: CaseEvidence(start: .prestarted, contended: true)),
        CaseResult(
            status: .ok, verdict: .wrongAnswer,
            program: ProgramRecord(cpuTimeMs: 0.2, stdoutTruncated: true, stderrLossy: true)),
        CaseResult(
            status: .memoryLimit, verdict: .status(.memoryLimit),
            program: ProgramRecord(signal: "SIGKILL", message: "m"),
            evidence: CaseEvidence(firedLimit: "memoryBytes", firedAtMs: 2.5)),
        CaseResult(skipped: TestCase(name: "last")),
    ])

    @Test func comesBackAsItWent() throws {
        var full = ResultTests.full
        full.cases = Self.results
        #expect(try ExecutionResult(json: full.json()) == full)
        for status in Status.allCases where status != .ok {
            full.cases = CaseResults([CaseResult(status: status, verdict: .status(status))])
            #expect(try ExecutionResult(json: full.json()) == full)
        }
        #expect(full.jsonObject.members.suffix(2).map(\.name) == ["results", "summary"])
    }

    /// Clients and other versions' workers read it: not a byte of it may change by accident.
    @Test func hasItsText() {
        var full = ResultTests.full
        full.cases = Self.results
        #expect(String(decoding: full.json(), as: UTF8.self) == Self.text)
    }

    private static let text = #"""
        {"id":"j-1","status":"compile_error","language":"c","version":"12.2.0","stdout":"a\n","stderr":"é",\#
        "exitCode":3,"signal":"SIGSEGV","message":"m","wallTimeMs":4.25,"cpuTimeMs":3.0,"memoryBytes":41943040,\#
        "queueTimeMs":0.5,"setupTimeMs":0.125,"stdoutBytes":2,"stderrBytes":3,"stdoutTruncated":true,\#
        "stderrTruncated":false,"stdoutLossy":false,"stderrLossy":true,"files":[{"path":"out/a.png",\#
        "content":"AA==","encoding":"base64","bytes":1},{"path":"b","content":null,"encoding":"utf8","bytes":9,\#
        "skipped":"too large"}],"compile":{"status":"nonzero_exit","exitCode":1,"signal":null,"stdout":"",\#
        "stderr":"error","wallTimeMs":1.0,"cpuTimeMs":2.0,"memoryBytes":3,"cached":true},"attempt":2,\#
        "worker":"host-1","metadata":{"k":[1]},"evidence":{"limits":{"wallTimeMs":10000,"cpuTimeMs":5000,\#
        "memoryBytes":134217728,"processes":64,"outputBytes":1048576,"fileBytes":16777216,"diskBytes":67108864,\#
        "inodes":4096,"openFiles":256,"cpus":1.0},"peak":{"memoryBytes":1,"processes":null,"diskBytes":2,\#
        "inodes":3},"events":{"oomKill":1,"pidsMax":2,"throttledMs":3.5},"firedLimit":"memoryBytes",\#
        "firedAtMs":4.125,"deniedSyscalls":[{"name":"bpf","count":4}],"start":"slot","contended":true},\#
        "results":[{"name":"one","status":"ok","verdict":"accepted","stdout":"a\n","stderr":"é","exitCode":0,\#
        "signal":null,"message":null,"wallTimeMs":1.5,"cpuTimeMs":0.1,"memoryBytes":7,"stdoutBytes":2,\#
        "stderrBytes":2,"stdoutTruncated":false,"stderrTruncated":false,"stdoutLossy":false,"stderrLossy":false,\#
        "evidence":{"firedLimit":null,"firedAtMs":null,"start":"prestarted","contended":true}},{"name":null,\#
        "status":"ok","verdict":"wrong_answer","stdout":"","stderr":"","exitCode":null,"signal":null,"message":null,\#
        "wallTimeMs":0.0,"cpuTimeMs":0.2,"memoryBytes":0,"stdoutBytes":0,"stderrBytes":0,"stdoutTruncated":true,\#
        "stderrTruncated":false,"stdoutLossy":false,"stderrLossy":true,"evidence":{"firedLimit":null,\#
        "firedAtMs":null,"start":null,"contended":false}},{"name":null,"status":"memory_limit",\#
        "verdict":"memory_limit","stdout":"","stderr":"","exitCode":null,"signal":"SIGKILL","message":"m",\#
        "wallTimeMs":0.0,"cpuTimeMs":0.0,"memoryBytes":0,"stdoutBytes":0,"stderrBytes":0,"stdoutTruncated":false,\#
        "stderrTruncated":false,"stdoutLossy":false,"stderrLossy":false,"evidence":{"firedLimit":"memoryBytes",\#
        "firedAtMs":2.5,"start":null,"contended":false}},{"name":"last","status":null,"verdict":"skipped",\#
        "stdout":"","stderr":"","exitCode":null,"signal":null,"message":null,"wallTimeMs":0.0,"cpuTimeMs":0.0,\#
        "memoryBytes":0,"stdoutBytes":0,"stderrBytes":0,"stdoutTruncated":false,"stderrTruncated":false,\#
        "stdoutLossy":false,"stderrLossy":false,"evidence":{"firedLimit":null,"firedAtMs":null,"start":null,\#
        "contended":false}}],"summary":{"total":4,"accepted":1,"failed":2,"skipped":1,"firstFailed":1,\#
        "cpuTimeMs":0.3}}
        """#

    @Test func sumsUp() {
        let summary = Self.results.summary
        #expect(summary.total == 4)
        #expect(summary.accepted == 1)
        #expect(summary.failed == 2)
        #expect(summary.skipped == 1)
        #expect(summary.firstFailed == 1)
        #expect(summary.cpuTimeMs == 0.3)
        #expect(CaseResults(skipped: TestCases([TestCase(), TestCase()])).summary.firstFailed == nil)
    }

    @Test func countsWhatCasesCanMakeLarge() {
        var large = ResultTests.full
        large.cases = Self.results
        #expect(large.approximateBytes < 12_000)
        large.cases?.results[0].stdout = String(repeating: "x", count: 1_000_000)
        #expect(large.approximateBytes >= 1_000_000)
    }
}
