import Foundation
import Testing

extension EndToEnd {
    /// The page at `/`, in a browser, in front of a service that runs programs.
    @Suite("Page")
    struct PageTests {
        /// A Python that drives the system's Chromium. Nil, said aloud, without it.
        private static let python: String? = {
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium") else {
                print("privileged suite skipped: needs /usr/bin/chromium (scripts/packages.sh test)")
                return nil
            }
            return PyPI.program("python3", of: "playwright")
        }()

        @Test(
            "what a person does with it works, and what a program or a link does with it does not",
            .timeLimit(.minutes(5)))
        func browser() throws {
            try check(try Server(slots: 2))
        }

        @Test("with a service that asks for keys it asks for one, and works with it", .timeLimit(.minutes(5)))
        func key() throws {
            let folder = try TemporaryFolder()
            let keys = folder.url("keys.json").path
            let key = try Command.bulkhead(["keys", "add", "person", "--keys", keys]).text
                .trimmingCharacters(in: .newlines)
            try check(try Server(slots: 2, options: ["--keys", keys]), "--key", key)
        }

        private func check(_ server: Server, _ options: String...) throws {
            guard let python = Self.python, Installation.hasImage("default") else { return }
            let run = try Child(
                [
                    python, "\(Installation.sources)/Tests/EndToEndTests/browser/page.py",
                    "http://127.0.0.1:\(server.port)/",
                ] + options, environment: Installation.environment)
            let exitCode = try run.wait(atMost: .seconds(240))
            let report = String(decoding: run.standardOutput, as: UTF8.self)
            print(report)
            #expect(exitCode == 0, "\(report)\(run.standardError)")
            #expect(report.contains(" checks passed"))
            #expect(try server.stop() == 0)
        }
    }
}
