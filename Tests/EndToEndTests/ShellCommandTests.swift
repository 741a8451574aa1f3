import Foundation
import Testing

extension EndToEnd {
    /// `bulkhead shell` at a real terminal.
    @Suite("bulkhead shell")
    struct ShellCommandTests {
        @Test(
            "what one types, sees and presses; what is told at the end; the terminal after it", .timeLimit(.minutes(3)))
        func terminal() throws {
            let sitting = try Child(
                [
                    "/usr/bin/python3", "\(Installation.sources)/Tests/EndToEndTests/shell/terminal.py",
                    Installation.bulkhead, "\(Installation.sources)/docs/operations.md",
                ], environment: Installation.environment)
            let exitCode = try sitting.wait(atMost: .seconds(150))
            let held = String(decoding: sitting.standardOutput, as: UTF8.self)
            #expect(exitCode == 0, "\(held)\(sitting.standardError)")
            #expect(held.hasSuffix("all held\n"), "\(held)")
            #expect(Instance.leftOvers().isEmpty)
        }
    }
}
