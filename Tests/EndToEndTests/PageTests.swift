import Foundation
import Glibc
import RedisTestServer
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
            try check(Server(slots: 2))
        }

        @Test("with a service that asks for keys it asks for one, and works with it", .timeLimit(.minutes(5)))
        func key() throws {
            let folder = try TemporaryFolder()
            let keys = folder.url("keys.json").path
            func add(_ name: String, _ options: String...) throws -> String {
                try Command.bulkhead(["keys", "add", name, "--keys", keys] + options).text
                    .trimmingCharacters(in: .newlines)
            }
            let key = try add("person")
            let admin = try add("operator", "--scope", "admin")
            try check(Server(slots: 2, options: ["--keys", keys]), "--key", key, "--admin-key", admin)
        }

        @Test(
            "in front of an API apart from its workers it shows them all, and sees one go", .timeLimit(.minutes(5)),
            .enabled(if: RedisTestServer.shared != nil))
        func workers() throws {
            guard Self.python != nil, let redis = RedisTestServer.shared, Installation.hasImage("default") else {
                return
            }
            let environment = Installation.environment.merging([
                "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)",
                "BULKHEAD_QUEUE_NAME": "page-\(UUID().uuidString)",
            ]) { $1 }
            func start(_ arguments: String...) throws -> Child {
                try Child([Installation.bulkhead] + arguments, environment: environment)
            }
            let api = try start("api", "--port", "0")
            let workers = try ["1", "3"].map { try start("worker", "--slots", $0) }
            var port: Int?
            let isThere = try Eventually.holds(within: .seconds(60)) {
                let url = api.standardError.firstMatch(of: /url=http:\/\/127\.0\.0\.1:(\d+)/)
                port = url.flatMap { Int($0.1) }
                let told = try port.map { try HTTP.get("/api/workers", port: $0).text } ?? ""
                return told.split(separator: #""host""#).count == 3 || api.hasEnded
            }
            #expect(isThere, "\(workers.map(\.standardError))")
            try check(port: try #require(port), ["--workers"] + workers.map { "\($0.pid)" })
            for child in [workers[1], api] { child.signal(SIGTERM) }
            for child in workers + [api] { #expect(try child.wait() == 0) }
        }

        private func check(_ server: @autoclosure () throws -> Server, _ options: String...) throws {
            guard Self.python != nil, Installation.hasImage("default") else { return }
            let server = try server()
            try check(port: server.port, options)
            #expect(try server.stop() == 0)
        }

        private func check(port: Int, _ options: [String]) throws {
            guard let python = Self.python else { return }
            let run = try Child(
                [
                    python, "\(Installation.sources)/Tests/EndToEndTests/browser/page.py",
                    "http://127.0.0.1:\(port)/",
                ] + options, environment: Installation.environment)
            let exitCode = try run.wait(atMost: .seconds(240))
            let report = String(decoding: run.standardOutput, as: UTF8.self)
            print(report)
            #expect(exitCode == 0, "\(report)\(run.standardError)")
            #expect(report.contains(" checks passed"))
        }
    }
}
