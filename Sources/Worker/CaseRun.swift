import Isolation
import Jobs

/// One case that was run, and judged.
struct CaseRun: Sendable {
    var outcome: Outcome
    var verdict: Verdict
    var judgement: CaseVerdict

    init(_ outcome: Outcome, of testCase: TestCase, _ comparison: OutputComparison, _ limits: Limits) {
        self.outcome = outcome
        verdict = Verdict(outcome, limits: limits)
        guard verdict.status == .ok else {
            judgement = .status(verdict.status)
            return
        }
        let output = outcome.standardOutput
        // What is known in part alone is never what was expected.
        let isAccepted =
            testCase.expectedOutput.map { !output.isTruncated && comparison.accepts(output.bytes, expected: $0) }
            ?? true
        judgement = isAccepted ? .accepted : .wrongAnswer
    }
}
