import Foundation
import Testing

extension EndToEnd {
    /// Root that lacks one capability (capabilities(7)): a step of the set-up then fails in the kernel itself.
    @Suite("Fail closed")
    struct FailClosedTests {
        struct Row: Sendable, CustomTestStringConvertible {
            /// As setpriv(1) names it.
            var capability: String
            /// What could not be done, as the error says it.
            var step: String
            var testDescription: String { "without \(capability): \(step)" }
        }

        static let rows = [
            Row(capability: "sys_admin", step: "private mounts"), Row(capability: "setuid", step: "give up root"),
            Row(capability: "setgid", step: "give up root"), Row(capability: "mknod", step: "make device"),
            Row(capability: "chown", step: "own pipes"), Row(capability: "dac_override", step: "mkdir"),
            Row(capability: "sys_ptrace", step: "prepare user namespace"),
        ]

        @Test("a step that fails means no job, and is named", arguments: rows)
        func step(row: Row) throws {
            let child = try Child(
                [
                    "/usr/bin/setpriv", "--bounding-set=-\(row.capability)", "--inh-caps=-\(row.capability)",
                    Installation.bulkhead, "run", "--image", "default", "--", "/bin/echo", "ran",
                ], environment: Installation.environment)
            let exitCode = try child.wait(atMost: .seconds(60))
            #expect(exitCode != 0)
            #expect(child.standardOutput.isEmpty)
            #expect(child.standardError.contains(row.step), "\(child.standardError)")
        }
    }
}
