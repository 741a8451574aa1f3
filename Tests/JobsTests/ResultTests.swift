import Foundation
import Testing

@testable import Jobs

@Suite struct ResultTests {
    static let full = ExecutionResult(
        id: "j-1", status: .compileError, language: "c", version: "12.2.0",
        program: ProgramRecord(
            stdout: "a\n", stderr: "é", exitCode: 3, signal: "SIGSEGV", message: "m", wallTimeMs: 4.25, cpuTimeMs: 3,
            memoryBytes: 41_943_040, stdoutBytes: 2, stderrBytes: 3, stdoutTruncated: true, stderrTruncated: false,
            stdoutLossy: false, stderrLossy: true),
        queueTimeMs: 0.5, setupTimeMs: 0.125,
        files: [
            CollectedFile(path: "out/a.png", content: "AA==", encoding: .base64, bytes: 1),
            CollectedFile(path: "b", content: nil, bytes: 9, skipped: "too large"),
        ],
        compile: CompileResult(
            status: .nonzeroExit, exitCode: 1, signal: nil, stdout: "", stderr: "error", wallTimeMs: 1, cpuTimeMs: 2,
            memoryBytes: 3, cached: true),
        attempt: 2, worker: "host-1", metadata: ["k": .array([.integer(1)])],
        evidence: Evidence(
            limits: .standard, peak: Evidence.Peak(memoryBytes: 1, processes: nil, diskBytes: 2, inodes: 3),
            events: Evidence.Events(oomKill: 1, pidsMax: 2, throttledMs: 3.5), firedLimit: "memoryBytes",
            firedAtMs: 4.125, deniedSyscalls: [Evidence.DeniedSyscall(name: "bpf", count: 4)], start: .slot,
            contended: true))

    @Test func comesBackAsItWent() throws {
        #expect(try ExecutionResult(json: Self.full.json()) == Self.full)
        let bare = ExecutionResult(notRun: "j-2", status: .cancelled, message: "m", request: Data())
        #expect(try ExecutionResult(json: bare.json()) == bare)
    }

    @Test func readsTheResultOfAWorkerThatDoesNotSayWhen() throws {
        let text = String(decoding: Self.full.json(), as: UTF8.self)
        let older = text.replacingOccurrences(of: "\"firedAtMs\":4.125,", with: "")
        #expect(older != text)
        #expect(try ExecutionResult(json: Data(older.utf8)).evidence.firedAtMs == nil)
    }

    @Test(
        arguments: [
            ([], "", OutputEncoding.utf8), (Array("é\u{0}\n".utf8), "é\u{0}\n", .utf8),
            ([0xFF, 0xFE], "//4=", .base64),
            ([0xC3], "ww==", .base64), ([0xEF, 0xBB, 0xBF], "\u{FEFF}", .utf8),
        ] as [([UInt8], String, OutputEncoding)])
    func givesFilesAsTextWhereTheyAreText(contents: [UInt8], content: String, encoding: OutputEncoding) {
        let file = CollectedFile(path: "a", contents: contents)
        #expect(file == CollectedFile(path: "a", content: content, encoding: encoding, bytes: contents.count))
        #expect(file.contents == Data(contents))
        #expect(CollectedFile(path: "a", content: nil, bytes: 1, skipped: "too large").contents == nil)
    }

    @Test func hasEveryFieldOfTheContractInItsOrder() throws {
        let names = Self.full.jsonObject.members.map(\.name)
        #expect(
            names == [
                "id", "status", "language", "version", "stdout", "stderr", "exitCode", "signal", "message",
                "wallTimeMs",
                "cpuTimeMs", "memoryBytes", "queueTimeMs", "setupTimeMs", "stdoutBytes", "stderrBytes",
                "stdoutTruncated", "stderrTruncated", "stdoutLossy", "stderrLossy", "files", "compile", "attempt",
                "worker", "metadata", "evidence",
            ])
    }

    @Test func writesNullsOut() throws {
        let bare = ExecutionResult(
            id: "j-3", status: .ok, language: "c", version: "1", attempt: 1, worker: "w", evidence: Evidence())
        for name in ["exitCode", "signal", "message", "compile"] {
            #expect(bare.jsonObject[name] == .null, "\(name)")
        }
    }

    @Test func isReadableByFoundation() throws {
        let object = try #require(JSONSerialization.jsonObject(with: Self.full.json()) as? [String: Any])
        #expect(object["wallTimeMs"] as? Double == 4.25)
        #expect(object["stderr"] as? String == "é")
    }

    @Test func refusesAnUnknownStatusAndMissingFields() throws {
        let text = String(decoding: Self.full.json(), as: UTF8.self)
        let renamed = text.replacingOccurrences(of: "\"compile_error\"", with: "\"fine\"")
        #expect(throws: ResultError(field: "status", reason: "has an unknown value")) {
            try ExecutionResult(json: Data(renamed.utf8))
        }
        let cut = text.replacingOccurrences(of: "\"attempt\":2,", with: "")
        #expect(throws: ResultError(field: "attempt", reason: "is missing")) {
            try ExecutionResult(json: Data(cut.utf8))
        }
    }

    @Test func takesWhatItCanFromARequestThatNeverRan() {
        let request = Data(#"{"language":"go","metadata":{"a":1}}"#.utf8)
        let result = ExecutionResult(notRun: "j-4", status: .expired, message: "m", request: request)
        #expect(result.language == "go")
        #expect(result.metadata == ["a": .integer(1)])
        #expect(ExecutionResult(notRun: "j", status: .expired, message: "m", request: Data("x".utf8)).language.isEmpty)
    }

    @Test func countsWhatTheProgramCanMakeLarge() {
        var large = Self.full
        large.stdout = String(repeating: "x", count: 1_000_000)
        #expect(large.approximateBytes >= 1_000_000)
        #expect(Self.full.approximateBytes < 10_000)
    }

    @Test func namesTheStatusesOfTheContract() {
        #expect(
            Status.allCases.map(\.rawValue) == [
                "ok", "nonzero_exit", "signaled", "cpu_time_limit", "wall_time_limit", "memory_limit", "output_limit",
                "process_limit", "disk_limit", "compile_error", "cancelled", "expired", "internal_error",
            ])
        #expect(Status.allCases.filter { !$0.isVerdict } == [.cancelled, .expired, .internalError])
    }
}

@Suite struct OutputTextTests {
    @Test(
        arguments: [
            ([0x61, 0xC3, 0xA9], false, "aé", false),
            ([0x61, 0xFF, 0x62], false, "a\u{FFFD}b", true),
            // Cut in two by the program itself: not ours to hide.
            ([0x61, 0xC3], false, "a\u{FFFD}", true),
            // Cut in two by the cap.
            ([0x61, 0xC3], true, "a", false),
            ([0x61, 0xE2, 0x82], true, "a", false),
            ([0x61, 0xF0, 0x9F, 0x98], true, "a", false),
            ([0xF0], true, "", false),
            // Could not have become a character with any more bytes.
            ([0x61, 0xFF], true, "a\u{FFFD}", true),
            ([0x61, 0xE0, 0x80], true, "a\u{FFFD}\u{FFFD}", true),
            ([0x61, 0xED, 0xA0], true, "a\u{FFFD}\u{FFFD}", true),
            ([0xA9], true, "\u{FFFD}", true),
            // A whole character at the cut.
            ([0x61, 0xC3, 0xA9], true, "aé", false),
            ([], true, "", false),
        ] as [([UInt8], Bool, String, Bool)])
    func decodes(bytes: [UInt8], isTruncated: Bool, text: String, isLossy: Bool) {
        let output = OutputText(bytes, isTruncated: isTruncated)
        #expect(Array(output.text.unicodeScalars) == Array(text.unicodeScalars))
        #expect(output.isLossy == isLossy)
    }

    @Test func cutsEveryTextCleanly() {
        let bytes = Array("aé€😀".utf8)
        for length in 0...bytes.count {
            let output = OutputText(Array(bytes.prefix(length)), isTruncated: true)
            #expect(!output.isLossy)
            #expect("aé€😀".hasPrefix(output.text))
        }
    }

    @Test func keepsEveryByteInBase64() {
        let output = OutputText([0x00, 0xFF, 0xC3], isTruncated: true, encoding: .base64)
        #expect(output.text == "AP/D")
        #expect(!output.isLossy)
    }
}

@Suite struct JobIDTests {
    @Test func spellsAllBits() {
        #expect(JobID(bits: 0).description == "j-00000000000000000000000000")
        #expect(JobID(bits: .max).description == "j-7zzzzzzzzzzzzzzzzzzzzzzzzz")
        #expect(JobID(bits: 32).description == "j-00000000000000000000000010")
    }

    @Test func doesNotRepeat() {
        let ids = Set((0..<1_000).map { _ in JobID() })
        #expect(ids.count == 1_000)
        #expect(ids.allSatisfy { JobID($0.description) == $0 })
    }

    @Test(arguments: [
        "", "j-", "j-8zzzzzzzzzzzzzzzzzzzzzzzzz", "j-0000000000000000000000000", "j-000000000000000000000000000",
        "j-0000000000000000000000000u", "J-00000000000000000000000000", "j-0000000000000000000000000é",
        "j-../../../../../../../../etc",
    ])
    func refuses(text: String) {
        #expect(JobID(text) == nil)
    }
}
