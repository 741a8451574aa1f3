import Foundation
import Testing

extension EndToEnd {
    /// The page at `/`, in a browser, in front of a service that runs programs.
    @Suite("Page")
    struct PageTests {
        /// A Python that drives the system's Chromium. Nil, said aloud, without it.
        private static let python: String? = {
            do {
                guard FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium") else {
                    print("privileged suite skipped: needs /usr/bin/chromium (scripts/packages.sh test)")
                    return nil
                }
                let script = try Child(
                    ["\(Installation.sources)/scripts/playwright.sh"], environment: Installation.environment)
                guard try script.wait(atMost: .seconds(300)) == 0 else {
                    print("privileged suite skipped: no playwright from PyPI (\(script.standardError))")
                    return nil
                }
                return String(decoding: script.standardOutput, as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            } catch {
                print("privileged suite skipped: no playwright (\(error))")
                return nil
            }
        }()

        @Test(
            "what a person does with it works, and what a program or a link does with it does not",
            .timeLimit(.minutes(5)))
        func browser() throws {
            guard let python = Self.python, Installation.hasImage("default") else { return }
            let server = try Server(slots: 2)
            let run = try Child(
                [
                    python, "\(Installation.sources)/Tests/EndToEndTests/browser/page.py",
                    "http://127.0.0.1:\(server.port)/",
                ], environment: Installation.environment)
            let exitCode = try run.wait(atMost: .seconds(240))
            let report = String(decoding: run.standardOutput, as: UTF8.self)
            print(report)
            #expect(exitCode == 0, "\(report)\(run.standardError)")
            #expect(report.contains(" checks passed"))
            #expect(try server.stop() == 0)
        }
    }
}
