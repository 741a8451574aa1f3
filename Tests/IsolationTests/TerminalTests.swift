import Isolation
import LaunchProtocol
import Testing

extension EngineTests {
    /// Terminals are for engines that root started for them.
    @Suite("Terminals")
    struct TerminalTests {
        @Test("an engine that runs jobs gives no terminal, and the sandbox goes to the next")
        func refused() async throws {
            let engine = try await TestEngine.shared()
            var configuration = SandboxConfiguration(
                arguments: ["/bin/sh", "-c", "test -t 0 || test -t 1 || test -t 2 || echo none; : </dev/tty"],
                limits: TestEngine.standard, outputLimit: 1 << 10)
            configuration.terminal = try Terminal(size: .init(rows: 24, columns: 80))
            await #expect(throws: IsolationError.self) { try await engine.engine.run(configuration) }
            configuration.terminal = nil
            let outcome = try await engine.engine.run(configuration)
            #expect(outcome.text == "none\n")
            // ENXIO: there is no controlling terminal.
            #expect(outcome.ending != .exited(0))
        }
    }
}
