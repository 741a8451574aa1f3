import Foundation
import Testing

@testable import Jobs

@Suite("Limits added to a request")
struct LimitCeilingsTests {
    private let added = LimitOverrides(wallTimeMs: 1, cpus: 0.5)

    private func problem(of json: Data, _ bounds: RequestBounds) -> FieldProblem.Code? {
        do throws(RequestProblems) {
            _ = try ExecutionRequest.json(json, adding: added, bounds: bounds)
            return nil
        } catch {
            return error.problems.first?.code
        }
    }

    @Test("what is within the bounds without them and not with them is refused here, not by the worker")
    func staysWithinTheBounds() throws {
        // DEL takes one byte as it came, and six as it is written.
        let json = Data("{\"stdin\":\"\(String(repeating: "\u{7F}", count: 100))\"}".utf8)
        let written = try ExecutionRequest.json(json, adding: added)
        #expect(written.count > json.count + 500)
        #expect(problem(of: json, RequestBounds(bodyBytes: written.count)) == nil)
        #expect(problem(of: json, RequestBounds(bodyBytes: written.count - 1)) == .tooLarge)

        // Two values, and three with the limits and the object around them.
        #expect(problem(of: json, RequestBounds(json: JSONBounds(values: 5))) == nil)
        #expect(problem(of: json, RequestBounds(json: JSONBounds(values: 4))) == .tooMany)
        #expect(throws: Never.self) { try JSONValue(parsing: Array(written), bounds: JSONBounds(values: 5)) }
    }
}
