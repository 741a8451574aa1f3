import Foundation
import Glibc
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

        @Test(
            "a service whose first slots cannot be set up says which step failed, serves nothing, and is not to be tried again",
            arguments: [
                Row(capability: "mknod", step: "make device: Operation not permitted"),
                Row(capability: "chown", step: "own pipes: Operation not permitted"),
                Row(capability: "sys_ptrace", step: "prepare user namespace: Permission denied"),
            ])
        func service(row: Row) throws {
            let child = try Child(
                [
                    "/usr/bin/setpriv", "--bounding-set=-\(row.capability)", "--inh-caps=-\(row.capability)",
                    Installation.bulkhead, "serve", "--port", "0", "--slots", "2",
                ], environment: Installation.environment)
            #expect(try child.wait(atMost: .seconds(60)) == 78)
            #expect(child.standardError.contains("no slot can be set up: \(row.step)"), "\(child.standardError)")
            #expect(!child.standardError.contains("url="), "\(child.standardError)")
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("a service that can set up no slot any more is not ready, keeps its jobs, and goes on when it can")
        func later() throws {
            let server = try Server(slots: 2)
            func status() throws -> Int { try HTTP.get("/readyz", port: server.port).status }
            #expect(try status() == 200)
            #expect(rmdir(server.instance.mountFolder) == 0)
            for slot in server.slots { kill(slot.pid, SIGKILL) }
            let codes = [3, 4, 5, 6]
            let ids = try codes.map { code in
                let response = try HTTP.post(
                    "/api/jobs", try request("bash", "exit \(code)"), port: server.port)
                #expect(response.status == 202)
                return try #require(response.text.firstMatch(of: /"id":"([^"]+)"/)?.1)
            }
            #expect(try Eventually.holds(within: .seconds(20)) { try status() == 503 })
            #expect(
                Eventually.holds(within: .seconds(20)) {
                    server.child.standardError.contains("slot tmpfs: No such file or directory")
                })
            #expect(mkdir(server.instance.mountFolder, 0o700) == 0)
            #expect(try Eventually.holds(within: .seconds(20)) { try status() == 200 })
            for (id, code) in zip(ids, codes) {
                #expect(
                    try Eventually.holds(within: .seconds(20)) {
                        try HTTP.get("/api/jobs/\(id)", port: server.port).text.contains("\"exitCode\":\(code),")
                    }, "\(code)")
            }
            #expect(server.child.standardError.contains("slots can be set up again"))
            #expect(try server.stop() == 0)
        }
    }
}
