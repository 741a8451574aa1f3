import Foundation
import Testing

extension EndToEnd {
    /// Interpreters that are started before their programs: no program can tell.
    @Suite("Started ahead")
    struct AheadTests {
        /// What a program is given, and what it says of itself.
        struct Program: CustomTestStringConvertible, Sendable {
            var language: String
            var name: String
            var code: String
            var stdin = ""
            var files: [String: String] = [:]

            var testDescription: String { "\(language): \(name)" }

            func json() throws -> String {
                let files = files.sorted { $0.key < $1.key }.map { ["path": $0.key, "content": $0.value] }
                return try request(language, code, ["stdin": stdin, "files": files])
            }
        }

        /// All that an answer says but for what no two runs have in common: addresses.
        private static func told(_ answer: Answer) -> [String] {
            [
                answer.status, "\(answer.exitCode ?? -1)", answer.signal ?? "", answer.stdout,
                answer.stderr.replacing(/0x[0-9a-f]{8,}/, with: "0x"),
                answer.message ?? "", answer.evidence.deniedSyscalls.map { "\($0.name) \($0.count)" }.joined(),
            ]
        }

        @Test("thirty programs and more say the same, started ahead or for themselves")
        func comparison() throws {
            #expect(Self.programs.count >= 30)
            try compare(Self.programs)
        }

        @Test("so do PHP's", .enabled(if: Installation.hasImage("scripting")))
        func comparisonOfPHP() throws { try compare(Self.php) }

        private func compare(_ programs: [Program]) throws {
            let cold = try Server(slots: 1, options: ["--ahead-memory", "0"])
            let ahead = try Server(slots: 1)
            for program in programs {
                let request = try program.json()
                let expected = Self.told(try cold.execute(request))
                var served = 0
                // The first of a language finds nothing that was started for it.
                for _ in 0..<4 where served < 2 {
                    let answer = try ahead.execute(request)
                    #expect(
                        Self.told(answer) == expected, "\(program.testDescription), from \(answer.evidence.start ?? "")"
                    )
                    if answer.evidence.start == "prestarted" { served += 1 }
                }
                #expect(served == 2, "\(program.testDescription) was not started ahead")
            }
            #expect(try cold.stop() == 0)
            #expect(try ahead.stop() == 0)
        }

        @Test("addresses and hash seeds are fresh in each", arguments: ["python", "javascript"])
        func randomness(language: String) throws {
            let server = try Server(slots: 1)
            let code =
                language == "python"
                ? "print(hash('a'), [l.split('-')[0] for l in open('/proc/self/maps') if 'stack' in l or 'libc.so' in l])"
                : "console.log(require('fs').readFileSync('/proc/self/maps', 'utf8').match(/.*stack.*/)[0], Math.random())"
            var seen: Set<String> = []
            var served = 0
            for _ in 0..<8 {
                let answer = try server.execute(try request(language, code))
                seen.insert(answer.stdout)
                if answer.evidence.start == "prestarted" { served += 1 }
            }
            #expect(seen.count == 8)
            #expect(served >= 7)
            #expect(try server.stop() == 0)
        }

        @Test("no stream is non-blocking before a program opens it", arguments: ["javascript", "python", "bash"])
        func blocking(language: String) throws {
            let server = try Server(slots: 1)
            let code =
                switch language {
                case "javascript":
                    """
                    const fs = require('fs');
                    fs.writeSync(1, [0, 1, 2].map(n => fs.readFileSync(`/proc/self/fdinfo/${n}`, 'utf8').split('\\n')[1]).join());
                    """
                case "python":
                    "import os; os.write(1, ','.join(open(f'/proc/self/fdinfo/{n}').read().split('\\n')[1] for n in range(3)).encode())"
                default: "grep -h flags /proc/$$/fdinfo/[012] | tr '\\n' ,"
                }
            for _ in 0..<3 {
                let answer = try server.execute(try request(language, code))
                let flags = answer.stdout.split(separator: ",").compactMap {
                    $0.split(whereSeparator: \.isWhitespace).last
                }
                #expect(flags.count == 3, "\(answer.stdout) \(answer.stderr)")
                for flag in flags {
                    // O_NONBLOCK.
                    #expect(try #require(Int(flag, radix: 8)) & 0o4000 == 0, "\(answer.stdout)")
                }
            }
            #expect(try server.stop() == 0)
        }

        @Test("what the interpreter used to come up is not charged, and its memory is, as in a run of its own")
        func charges() throws {
            let cold = try Server(slots: 1, options: ["--ahead-memory", "0"])
            let ahead = try Server(slots: 1)
            for (language, code) in [("javascript", "console.log(1)"), ("python", "print(1)")] {
                // The image's pages are in the cache after the first.
                _ = try cold.execute(try request(language, code))
                let base = try cold.execute(try request(language, code))
                _ = try ahead.execute(try request(language, code))
                let answer = try ahead.execute(try request(language, code))
                #expect(answer.evidence.start == "prestarted")
                #expect(answer.cpuTimeMs < base.cpuTimeMs / 2, "\(language): \(answer.cpuTimeMs) \(base.cpuTimeMs)")
                #expect(
                    (base.memoryBytes / 10 * 7...base.memoryBytes / 10 * 15).contains(answer.memoryBytes),
                    "\(language): \(answer.memoryBytes) \(base.memoryBytes)")
            }
            #expect(try cold.stop() == 0)
            #expect(try ahead.stop() == 0)
        }

        @Test("what an interpreter asks for before its program is left to be asked: package.json, arguments, variables")
        func without() throws {
            let server = try Server(slots: 1)
            for _ in 0..<2 { _ = try server.execute(try request("javascript", "1")) }
            let module = try server.execute(
                try request(
                    "javascript", "console.log(typeof require, import.meta.url)",
                    ["files": [["path": "package.json", "content": #"{"type":"module"}"#]]]))
            #expect(module.stdout == "undefined file:///box/main.js\n")
            #expect(module.evidence.start != "prestarted")
            for _ in 0..<2 { _ = try server.execute(try request("python", "1")) }
            let packages = try server.execute(
                try request(
                    "python", "import m; print(m.x)",
                    ["files": [["path": ".local/lib/python3.11/site-packages/m.py", "content": "x = 5"]]]))
            #expect(packages.stdout == "5\n", "\(packages.stderr)")
            #expect(packages.evidence.start != "prestarted")
            _ = try server.execute(try request("javascript", "1"))
            let argued = try server.execute(
                try request(
                    "javascript", "console.log(process.argv.slice(2), process.env.A)",
                    ["args": ["x"], "env": ["A": "b"]]))
            #expect(argued.stdout == "[ 'x' ] b\n")
            #expect(argued.evidence.start != "prestarted")
            #expect(try server.stop() == 0)
        }

        @Test("different languages in turn, and many at once, each get what is theirs")
        func mixed() async throws {
            let server = try Server(slots: 4)
            let programs = [
                ("javascript", "console.log('js', 6 * 7)", "js 42\n"), ("python", "print('py', 6 * 7)", "py 42\n"),
                ("bash", "echo sh $((6 * 7))", "sh 42\n"),
            ]
            let answers = try await concurrently(0..<60) { index -> (String, Answer) in
                let (language, code, output) = programs[index % 3]
                return (output, try server.execute(try request(language, code)))
            }
            for (output, answer) in answers {
                #expect(answer.stdout == output)
                #expect(answer.status == "ok")
            }
            #expect(try server.stop() == 0)
            #expect(server.survivors(of: []).isEmpty)
        }
    }
}
