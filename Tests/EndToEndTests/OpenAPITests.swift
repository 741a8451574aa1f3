import Foundation
import Testing

extension EndToEnd {
    /// A generator of requests that reads the document and holds every answer to it.
    @Suite("OpenAPI")
    struct OpenAPITests {
        private static let schemathesis = PyPI.program("schemathesis", of: "schemathesis")

        @Test("schemathesis finds no answer that the document does not describe", .timeLimit(.minutes(15)))
        func schemathesis() throws {
            guard let program = Self.schemathesis else { return }
            let server = try Server(slots: 4)
            let run = try Child(
                [
                    program, "run", "http://127.0.0.1:\(server.port)/openapi.json", "--max-examples",
                    "\(Installation.count("BULKHEAD_SCHEMA_EXAMPLES", default: 40))", "--seed", "7",
                    // It reads an answer to its end, and that of a job that waits for somebody comes late.
                    "--exclude-operation-id", "followJob", "--request-timeout", "75", "--no-color",
                    "--suppress-health-check", "all",
                    // Sizes in bytes and paths that clash no schema can say: such requests are refused with 400. A job that was
                    // cancelled is not gone: it has that for its result.
                    "--exclude-checks", "positive_data_acceptance,use_after_free",
                ], environment: Installation.environment)
            let exitCode = try run.wait(atMost: .seconds(800))
            let report = String(decoding: run.standardOutput, as: UTF8.self)
            print(report)
            #expect(exitCode == 0, "\(run.standardError)")
            let tested = report.firstMatch(of: /Tested: +(\d+)/).flatMap { Int($0.1) } ?? 0
            #expect(tested >= 9)
            #expect(try server.stop() == 0)
        }
    }
}
