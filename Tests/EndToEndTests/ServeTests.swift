import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// `bulkhead serve` over its port, from the outside.
    @Suite("bulkhead serve")
    struct ServeTests {
        @Test("the sample of the README answers its line")
        func sample() throws {
            let server = try Server(slots: 1)
            let response = try HTTP.post(
                "/api/execute",
                #"{"language":"javascript","code":"console.log(\"Hello from sandbox\")","timeout":2000}"#,
                port: server.port)
            #expect(response.status == 200)
            #expect(response.headers["content-type"]?.hasPrefix("application/json") == true)
            #expect(try Answer.missingFields(in: response.body) == ["compile is no object"])
            let answer = try Answer(response.body)
            #expect(answer.status == "ok")
            #expect(answer.stdout == "Hello from sandbox\n")
            #expect(answer.exitCode == 0)
            #expect(answer.id.hasPrefix("j-"))
            #expect(answer.attempt == 1)
            #expect(try HTTP.get("/health", port: server.port).text == #"{"status":"healthy"}"#)
            #expect(try HTTP.get("/healthz", port: server.port).status == 200)
            #expect(try server.stop() == 0)
        }

        @Test("stdin, arguments, files, timeout and limits have their effect")
        func fields() throws {
            let server = try Server(slots: 2)
            let echo = try server.execute(
                try request(
                    "python", "import os, sys, lib.a\nprint(sys.argv[1:], sys.stdin.read(), os.environ['E'], lib.a.x)",
                    [
                        "stdin": "in", "args": ["a b", "c"], "env": ["E": "e"],
                        "files": [["path": "lib/a.py", "content": "x = 7"]],
                    ]))
            #expect(echo.stdout == "['a b', 'c'] in e 7\n")
            let late = try server.execute(try request("bash", "echo begun; sleep 60", ["timeout": 400]))
            #expect(late.status == "wall_time_limit")
            #expect(late.stdout == "begun\n")
            #expect(late.message?.contains("400") == true)
            let loud = try server.execute(try request("bash", "yes", ["limits": ["outputBytes": 4_096]]))
            #expect(loud.status == "output_limit")
            #expect(loud.stdoutBytes == 4_096)
            let wrong = try server.execute(try request("c", "int main(void) { return x; }"))
            #expect(wrong.status == "compile_error")
            #expect(wrong.compile?.stderr.contains("main.c") == true)
            #expect(try server.stop() == 0)
        }

        @Test("a bad request is a problem+json that points at each bad field")
        func problems() throws {
            let server = try Server(slots: 1)
            for (json, pointers) in [
                (
                    #"{"language":"javascript","code":"1","limits":{"memoryBytes":1e12,"procesess":3}}"#,
                    ["#/limits/memoryBytes", "#/limits/procesess"]
                ),
                (#"{"language":"cobol","code":"1"}"#, ["#/language"]), (#"{"language":"javascript"}"#, ["#/code"]),
                (#"{"language":"javascript","code":"1","timeout":0}"#, ["#/timeout"]), ("{", ["#"]),
                (String(repeating: "[", count: 100_000), ["#" + String(repeating: "/0", count: 32)]),
                (
                    #"{"language":"bash","code":"1","files":[{"path":"../a","content":""},{"path":"/a","content":""}]}"#,
                    ["#/files/0/path", "#/files/1/path"]
                ),
            ] {
                let response = try HTTP.post("/api/execute", json, port: server.port)
                #expect(response.status == 400)
                #expect(response.headers["content-type"] == "application/problem+json")
                let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
                let errors = object?["errors"] as? [[String: Any]] ?? []
                #expect(Set(errors.compactMap { $0["pointer"] as? String }) == Set(pointers), "\(response.text)")
                #expect(try server.execute(try request("bash", "echo next")).stdout == "next\n")
            }
            #expect(try HTTP.get("/api/jobs/j-00000000000000000000000000", port: server.port).status == 404)
            #expect(try HTTP.get("/api/execute", port: server.port).status == 405)
            #expect(try server.stop() == 0)
        }

        @Test(
            "the process that serves is not root in any thread; the launcher is root, has one thread and no environment"
        )
        func privileges() throws {
            let server = try Server(slots: 2)
            _ = try server.execute(try request("bash", "true"))
            let threads = server.driver.threads
            #expect(threads.count > 1)
            for thread in threads {
                for field in ["Uid", "Gid"] {
                    let ids = (server.driver.status(field, thread: thread) ?? "").split(whereSeparator: \.isWhitespace)
                    #expect(ids.count == 4)
                    #expect(ids.allSatisfy { (UInt32($0) ?? 0) >= 100_000 }, "\(field) \(ids)")
                }
                for field in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                    let mask = try #require(server.driver.status(field, thread: thread))
                    #expect(mask.allSatisfy { $0 == "0" }, "\(field) \(mask)")
                }
                #expect(server.driver.status("NoNewPrivs", thread: thread) == "1")
                #expect(server.driver.status("Groups", thread: thread)?.isEmpty == true)
            }
            let launcher = server.launcher
            #expect(launcher.status("Uid")?.split(whereSeparator: \.isWhitespace) == ["0", "0", "0", "0"])
            for process in [launcher] + server.slots {
                #expect(process.threads.count == 1)
                let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(process.pid)/environ"))
                #expect(environment.isEmpty)
            }
            #expect(server.slots.count == 2)
            #expect(try server.stop() == 0)
        }

        @Test("SIGTERM lets a job end, answers it, and leaves nothing behind")
        func terminates() async throws {
            let server = try Server(slots: 2)
            let processes = server.processes
            let answers = try await concurrently(0..<2) { index -> Answer? in
                if index == 0 { return try server.execute(try request("bash", "echo begun; sleep 2; echo ended")) }
                // Once the job runs: something sleeps under the uid of a job.
                _ = Eventually.holds(within: .seconds(20)) { server.processes.contains { $0.name == "sleep" } }
                server.child.signal(SIGTERM)
                return nil
            }
            #expect(answers[0]?.stdout == "begun\nended\n")
            #expect(try server.child.wait(atMost: .seconds(30)) == 0)
            #expect(server.survivors(of: processes).isEmpty)
            #expect(!server.instance.isLive)
            #expect(server.instance.cgroups().isEmpty)
            #expect(access(server.instance.mountFolder, F_OK) != 0)
        }

        @Test("two services share a host, each with its own number, uids and groups")
        func two() throws {
            let first = try Server(slots: 1)
            let second = try Server(slots: 1)
            #expect(first.instance.number != second.instance.number)
            #expect(first.driver.user != second.driver.user)
            for server in [first, second] {
                #expect(try server.execute(try request("bash", "id -u")).stdout == "1000\n")
                #expect(!server.instance.cgroups().isEmpty)
            }
            #expect(try first.stop() == 0)
            #expect(try second.execute(try request("bash", "echo alone")).stdout == "alone\n")
            #expect(second.instance.isLive)
            #expect(try second.stop() == 0)
        }

        @Test("thirty requests at once, in mixed languages: everyone gets their own answer")
        func concurrent() async throws {
            let server = try Server(slots: 4)
            let answers = try await concurrently(0..<30) { index in
                let (language, code) =
                    switch index % 4 {
                    case 0: ("javascript", "console.log('mine ' + require('fs').readFileSync(0) + \(index))")
                    case 1: ("python", "import sys\nprint('mine ' + sys.stdin.read() + str(\(index)))")
                    case 2: ("bash", "echo \"mine $(cat)\(index)\"")
                    default:
                        index == 3
                            ? ("c", "#include <stdio.h>\nint main(void) { puts(\"mine in \(index)\"); }")
                            : ("bash", "read -r x; echo mine $x \(index); exit \(index)")
                    }
                return try server.execute(try request(language, code, ["stdin": "in "]))
            }
            for (index, answer) in answers.enumerated() {
                #expect(answer.stdout == "mine in \(index)\n", "\(answer)")
                #expect(answer.exitCode == (index % 4 == 3 && index != 3 ? index : 0))
            }
            #expect(Set(answers.map(\.id)).count == 30)
            #expect(try server.stop() == 0)
        }

        @Test("what cannot be served is said at the start")
        func refusals() throws {
            let taken = try Server(slots: 1)
            let second = try Command.bulkhead(["serve", "--port", "\(taken.port)", "--slots", "1"])
            #expect(second.exitCode != 0)
            #expect(
                second.error.contains("cannot listen on 127.0.0.1:\(taken.port): Address already in use"),
                "\(second.error)")
            #expect(try taken.stop() == 0)
            let nowhere = try Command.bulkhead(
                ["serve", "--port", "0", "--slots", "1", "--without-keys", "--host", "nowhere.invalid"])
            #expect(nowhere.exitCode != 0)
            #expect(
                nowhere.error.contains("cannot listen on nowhere.invalid:0: no address is known by this name"),
                "\(nowhere.error)")
            let empty = try TemporaryFolder()
            let nothing = try Command.bulkhead(["serve", "--port", "0", "--state-dir", empty.path])
            #expect(nothing.exitCode != 0)
            #expect(nothing.error.contains("bulkhead rootfs build default"), "\(nothing.error)")
            let slots = try Command.bulkhead(["serve", "--slots", "0"])
            #expect(slots.exitCode != 0)
            #expect(slots.error.contains("--slots"))
        }
    }
}
