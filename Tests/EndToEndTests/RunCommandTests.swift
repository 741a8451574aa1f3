import Foundation
import Testing

extension EndToEnd {
    /// `bulkhead run` as a newcomer uses it.
    @Suite("bulkhead run")
    struct RunCommandTests {
        /// Hello world in one language.
        struct Hello: Sendable, CustomTestStringConvertible {
            var language: String
            var source: Source
            var aliases: [String] = []
            var image = "default"
            var testDescription: String { language }
        }

        static let hellos = [
            Hello(language: "javascript", source: .javascript("console.log('hello')"), aliases: ["node", "js"]),
            Hello(language: "python", source: .python("print('hello')"), aliases: ["py"]),
            Hello(language: "c", source: .c("#include <stdio.h>\nint main(void) { puts(\"hello\"); }")),
            Hello(
                language: "c++",
                source: Source(
                    ending: "cpp", text: "#include <iostream>\nint main() { std::cout << \"hello\" << std::endl; }"),
                aliases: ["cpp"]),
            Hello(language: "bash", source: .bash("echo hello")),
            Hello(
                language: "java",
                source: Source(
                    ending: "java",
                    text: "public class Main { public static void main(String[] a) { System.out.println(\"hello\"); } }"
                ),
                image: "java"),
            Hello(
                language: "go",
                source: Source(
                    ending: "go", text: "package main\nimport \"fmt\"\nfunc main() { fmt.Println(\"hello\") }"),
                aliases: ["golang"], image: "go"),
        ]

        @Test("hello world, the language by the file's ending and by each of its names", arguments: hellos)
        func hello(hello: Hello) throws {
            guard Installation.hasImage(hello.image) else { return }
            let command = try Command.run(hello.source)
            #expect(command.text == "hello\n")
            #expect(command.error.isEmpty)
            #expect(command.exitCode == 0)
            for name in [hello.language] + hello.aliases where hello.image == "default" || name != hello.language {
                var unnamed = hello.source
                unnamed.ending = "unknown"
                let answer = try Command.result(of: unnamed, ["--language", name])
                #expect(answer.status == "ok")
                #expect(answer.stdout == "hello\n")
                #expect(answer.language == hello.language)
                #expect(!answer.version.isEmpty)
            }
        }

        @Test("the program's exit code is passed on, 128 + n for signal n")
        func exitCodes() throws {
            #expect(try Command.run(.bash("exit 3")).exitCode == 3)
            #expect(try Command.run(.python("import sys; sys.exit(255)")).exitCode == 255)
            let crash = try Command.run(.c("int main(void) { *(volatile int *)0 = 1; }"))
            #expect(crash.exitCode == 139)
            #expect(crash.error.contains("SIGSEGV"))
            let abort = try Command.run(.c("#include <stdlib.h>\nint main(void) { abort(); }"))
            #expect(abort.exitCode == 134)
            #expect(abort.error.contains("SIGABRT"))
        }

        @Test("a limit of time ends with 124, another one and a compile error with 125")
        func limitCodes() throws {
            let late = try Command.run(.bash("sleep 60"), ["--time", "300ms"])
            #expect(late.exitCode == 124)
            #expect(late.error.contains("wall_time_limit"))
            let loud = try Command.run(.bash("yes"), ["--output", "4K"])
            #expect(loud.exitCode == 125)
            #expect(loud.output.count == 4_096)
            let wrong = try Command.run(.c("int main(void) { return x; }"))
            #expect(wrong.exitCode == 125)
            #expect(wrong.error.contains("main.c:1"))
            #expect(wrong.error.contains("compile_error"))
        }

        @Test("the source from standard input")
        func fromStandardInput() throws {
            let command = try Command.bulkhead(
                ["run", "--language", "python", "--memory", "64M", "-"], input: Array("print('hello')".utf8))
            #expect(command.text == "hello\n")
            #expect(command.exitCode == 0)
        }

        @Test("a command of an image")
        func command() throws {
            let command = try Command.bulkhead(["run", "--image", "default", "--", "/bin/ls", "/"])
            #expect(command.exitCode == 0)
            let names = command.text.split(separator: "\n")
            for name in ["bin", "box", "dev", "proc", "tmp", "usr"] { #expect(names.contains(Substring(name))) }
            let failing = try Command.bulkhead(["run", "--image", "default", "/bin/ls", "/nowhere"])
            #expect(failing.exitCode == 2)
            #expect(failing.error.contains("/nowhere"))
        }

        @Test("--json has every field of the contract, with and without a compilation")
        func json() throws {
            for source in [Source.bash("echo out; echo err >&2"), .c("int main(void) { return 0; }")] {
                let command = try Command.run(source, ["--json"])
                #expect(command.exitCode == 0)
                #expect(command.error.isEmpty)
                var missing = try Answer.missingFields(in: command.output)
                if source.ending == "sh" { missing.removeAll { $0 == "compile is no object" } }
                #expect(missing.isEmpty)
                #expect(try Answer(command.output).status == "ok")
            }
            let answer = try Command.result(of: .bash("echo out; echo err >&2; exit 3"))
            #expect(answer.status == "nonzero_exit")
            #expect(answer.exitCode == 3)
            #expect(answer.stdout == "out\n")
            #expect(answer.stderr == "err\n")
            #expect(answer.stdoutBytes == 4)
            #expect(answer.wallTimeMs > 0)
            #expect(answer.memoryBytes > 0)
        }

        @Test("arguments, environment and standard input reach the program word for word")
        func passedThrough() throws {
            let source = Source.python(
                "import os, sys\nprint(sys.argv[1:], os.environ['MINE'], sys.stdin.read(), sep='|')")
            let command = try Command.run(
                source, ["--env", "MINE=a=b c"], arguments: ["one", "two three", "--json", "-x", ""],
                input: Array("line 1\nline 2".utf8))
            #expect(command.text == "['one', 'two three', '--json', '-x', '']|a=b c|line 1\nline 2\n")
            #expect(command.exitCode == 0)
        }

        @Test("nothing of the caller's environment gets in")
        func environment() throws {
            let command = try Command.bulkhead(
                ["run", "--image", "default", "--", "/usr/bin/env"], environment: ["SECRET": "s3cret"])
            #expect(command.exitCode == 0)
            #expect(!command.text.contains("s3cret"))
            #expect(
                Set(command.text.split(separator: "\n").compactMap { $0.split(separator: "=").first }) == [
                    "PATH", "HOME", "LANG", "TZ", "TMPDIR",
                ])
        }

        private static let makesFiles = Source.python(
            """
            import os
            os.makedirs('out/sub')
            open('out/a.txt', 'w').write('new')
            open('out/sub/b.bin', 'wb').write(b'\\xff\\x00')
            open('-rf', 'w').write('dashes')
            os.symlink('/etc/passwd', 'link')
            """)

        @Test("--collect writes what the program left below a folder, and nothing else")
        func collect() throws {
            let folder = try TemporaryFolder()
            let command = try Command.run(
                Self.makesFiles,
                ["--collect", "out/**", "--collect=-rf", "--collect", "link", "--collect-to", folder.path])
            #expect(command.exitCode == 0)
            #expect(command.error == "bulkhead: not collected: link: symbolic link\n")
            #expect(try Data(contentsOf: folder.url("out/a.txt")) == Data("new".utf8))
            #expect(try Data(contentsOf: folder.url("out/sub/b.bin")) == Data([0xFF, 0]))
            #expect(try Data(contentsOf: folder.url("-rf")) == Data("dashes".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["-rf", "out"])
        }

        @Test("files that are there stay unless --force replaces them, and no link is written through")
        func collectOverOthers() throws {
            let folder = try TemporaryFolder()
            let other = try TemporaryFolder()
            try Data("old".utf8).write(to: other.url("target"))
            try FileManager.default.createDirectory(at: folder.url("out"), withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/out/a.txt", withDestinationPath: "\(other.path)/target")
            let options = ["--collect", "out/**", "--collect-to", folder.path]
            let command = try Command.run(Self.makesFiles, options)
            #expect(command.exitCode == 73)
            #expect(command.error.contains("out/a.txt") && command.error.contains("--force"))
            #expect(try Data(contentsOf: folder.url("out/sub/b.bin")) == Data([0xFF, 0]))
            #expect(try Data(contentsOf: other.url("target")) == Data("old".utf8))
            #expect(try Command.run(Self.makesFiles, options + ["--force"]).exitCode == 0)
            #expect(try Data(contentsOf: other.url("target")) == Data("old".utf8))
            #expect(try Data(contentsOf: folder.url("out/a.txt")) == Data("new".utf8))
            // A folder of the caller's that is a link leads elsewhere.
            try FileManager.default.removeItem(at: folder.url("out"))
            try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/out", withDestinationPath: other.path)
            #expect(try Command.run(Self.makesFiles, options + ["--force"]).exitCode == 73)
            #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["target"])
        }

        @Test("files are written as the owner of the folder, or as the user who called sudo")
        func collectAs() throws {
            for environment in [[:], ["SUDO_UID": "12345", "SUDO_GID": "12346"]] {
                let folder = try TemporaryFolder()
                #expect(chown(folder.path, 12_345, 12_346) == 0)
                let command = try Command.bulkhead(
                    [
                        "run", "--image", "default", "--collect", "x", "--collect-to", folder.path, "--", "/bin/sh",
                        "-c",
                        "echo x > x",
                    ], environment: environment)
                #expect(command.exitCode == 0, "\(command.error)")
                var status = stat()
                #expect(stat("\(folder.path)/x", &status) == 0)
                #expect(status.st_uid == 12_345 && status.st_gid == 12_346)
                #expect(status.st_mode & 0o7777 == 0o644)
            }
        }

        @Test("with --json the files are in the result")
        func collectInResult() throws {
            let answer = try Command.result(of: Self.makesFiles, ["--collect", "**", "--collect", "none"])
            #expect(
                answer.files == [
                    .init(path: "-rf", content: "dashes", encoding: "utf8", bytes: 6),
                    .init(
                        path: "main.py", content: Self.makesFiles.text, encoding: "utf8",
                        bytes: Self.makesFiles.text.utf8.count),
                    .init(path: "out/a.txt", content: "new", encoding: "utf8", bytes: 3),
                    .init(path: "out/sub/b.bin", content: "/wA=", encoding: "base64", bytes: 2),
                    .init(path: "none", content: nil, encoding: "utf8", bytes: 0, skipped: "no such file"),
                    .init(path: "link", content: nil, encoding: "utf8", bytes: 0, skipped: "symbolic link"),
                ])
        }

        /// A command line that cannot be obeyed, and words that must be in the answer.
        struct Refusal: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            var words: [String]
            var testDescription: String { arguments.joined(separator: " ") }
        }

        @Test(
            "what cannot be done is said, and nothing is left running",
            arguments: [
                Refusal(arguments: ["PROGRAM.xyz"], words: ["say which language", "--language"]),
                Refusal(arguments: ["/nowhere/main.py"], words: ["/nowhere/main.py", "No such file"]),
                Refusal(arguments: ["--language", "cobol", "PROGRAM.py"], words: ["cobol", "python"]),
                Refusal(arguments: ["--memory", "4G", "PROGRAM.py"], words: ["--memory", "1073741824"]),
                Refusal(arguments: ["--time", "2h", "PROGRAM.py"], words: ["--time", "2h"]),
                Refusal(arguments: ["--time", "90s", "PROGRAM.py"], words: ["--time", "60000"]),
                Refusal(arguments: ["--processes", "0", "PROGRAM.py"], words: ["--processes"]),
                Refusal(arguments: ["--cpus", "nan", "PROGRAM.py"], words: ["--cpus must be a number"]),
                Refusal(arguments: ["--env", "PATH=/box", "PROGRAM.py"], words: ["PATH"]),
                Refusal(arguments: ["--collect", "../x", "PROGRAM.py"], words: ["--collect", ".."]),
                Refusal(arguments: ["--image", "default", "--collect", "/x", "--", "/bin/ls"], words: ["absolute"]),
                Refusal(arguments: ["--collect-to", "/tmp", "PROGRAM.py"], words: ["--collect"]),
                Refusal(
                    arguments: ["--collect", "x", "--collect-to", "/nowhere", "PROGRAM.py"],
                    words: ["--collect-to", "/nowhere"]),
                Refusal(arguments: ["--memroy", "64M", "PROGRAM.py"], words: ["--memroy"]),
                Refusal(arguments: ["--image", "nowhere", "--", "/bin/ls"], words: ["nowhere", "rootfs build"]),
                Refusal(arguments: ["--image", "default", "--memory", "4G", "--", "/bin/ls"], words: ["memory 1024M"]),
                Refusal(arguments: ["--image", "default", "--", "ls"], words: ["absolute path"]),
                Refusal(arguments: [], words: ["source file"]),
            ])
        func refusals(refusal: Refusal) throws {
            let folder = try TemporaryFolder()
            for ending in ["xyz", "py"] {
                try Data("print()".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/program.\(ending)"))
            }
            let before = Set(Self.ownProcesses())
            let command = try Command.bulkhead(
                ["run"] + refusal.arguments.map { $0.replacing("PROGRAM", with: "\(folder.path)/program") })
            #expect(command.exitCode != 0)
            #expect(command.output.isEmpty)
            for word in refusal.words { #expect(command.error.contains(word), "\(command.error)") }
            // Words for people, no dump of a structure.
            #expect(!command.error.contains("NSError") && !command.error.contains("Domain="))
            #expect(Eventually.holds(within: .seconds(5)) { Set(Self.ownProcesses()).isSubset(of: before) })
        }

        @Test("nothing is left of a run, whether it ended well, was killed, or was interrupted")
        func nothingLeft() throws {
            let before = Set(Self.ownProcesses())
            _ = try Command.run(.bash("(setsid sleep 60 &) ; (sleep 60 &) ; true"))
            for signal in [SIGINT, SIGTERM, SIGKILL] {
                try Source.bash("echo begun; sleep 60 & sleep 60").withFile { path in
                    let child = try Child(
                        [Installation.bulkhead, "run", path], environment: Installation.environment)
                    #expect(Eventually.holds(within: .seconds(30)) { !child.standardOutput.isEmpty })
                    child.signal(signal)
                    let exitCode = try child.wait(atMost: .seconds(10))
                    #expect(signal == SIGKILL ? exitCode == 1_009 : exitCode != 0)
                }
            }
            #expect(Eventually.holds(within: .seconds(5)) { Set(Self.ownProcesses()).isSubset(of: before) })
        }

        /// Processes of the binaries under test, and of their jobs.
        private static func ownProcesses() -> [ProcessEntry] {
            let binaries = [Installation.bulkhead, Installation.launcher].map {
                URL(fileURLWithPath: $0).resolvingSymlinksInPath().path
            }
            return ProcessTable.all().filter { binaries.contains($0.executable ?? "") }
        }

        @Test("every command has a help that names its options", arguments: helps)
        func help(help: (arguments: [String], words: [String])) throws {
            let command = try Command.bulkhead(help.arguments + ["--help"])
            #expect(command.exitCode == 0)
            for word in help.words + ["USAGE"] { #expect(command.text.contains(word), "\(command.text)") }
        }

        static let helps: [(arguments: [String], words: [String])] = [
            ([], ["serve", "run", "check", "rootfs", "First steps"]),
            (["run"], ["--language", "--memory", "--json", "--image", "hello.js"]),
            (["serve"], ["--port", "--slots", "--max-wait", "api/execute"]),
            (["check"], ["--state-dir"]), (["rootfs"], ["build", "list"]),
            (["rootfs", "build"], ["--refresh"]),
        ]
    }
}
