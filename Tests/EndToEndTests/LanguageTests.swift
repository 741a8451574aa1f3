import Foundation
import Testing

extension EndToEnd {
    /// The languages of the images beyond `default`, `java` and `go`, as `bulkhead run` has them.
    @Suite("Languages of further images")
    struct LanguageTests {
        /// A program that says hello and gives its input back in capitals, and one that does not compile.
        struct Program: Sendable, CustomTestStringConvertible {
            var language: String
            var ending: String
            var image: String
            var text: String
            var wrong: (text: String, words: String)?
            var testDescription: String { language }
        }

        static let samples = [
            Program(
                language: "ruby", ending: "rb", image: "scripting",
                text: "require 'json'\nputs 'hello'\nprint $stdin.read.upcase"),
            Program(
                language: "php", ending: "php", image: "scripting",
                text: "<?php echo \"hello\\n\", mb_strtoupper(stream_get_contents(STDIN));"),
            Program(
                language: "perl", ending: "pl", image: "scripting",
                text: "use strict; use List::Util; use JSON::PP;\nprint \"hello\\n\"; print uc while <STDIN>;"),
            Program(
                language: "lua", ending: "lua", image: "scripting",
                text: "print('hello')\nio.write(io.read('a'):upper())"),
            Program(
                language: "typescript", ending: "ts", image: "scripting",
                text: """
                    import * as fs from "fs";
                    const text: string = fs.readFileSync(0, "utf8");
                    console.log("hello");
                    process.stdout.write(text.toUpperCase());
                    """, wrong: ("const x: number = 'text';", "main.ts(1,7): error TS2322")),
            Program(
                language: "python-data", ending: "unknown", image: "python-data",
                text: "import sys\nprint('hello')\nsys.stdout.write(sys.stdin.read().upper())"),
            Program(
                language: "rust", ending: "rs", image: "rust",
                text: """
                    use std::io::Read;
                    fn main() {
                        let mut text = String::new();
                        std::io::stdin().read_to_string(&mut text).unwrap();
                        println!("{}", std::thread::spawn(|| "hello").join().unwrap());
                        print!("{}", text.to_uppercase());
                    }
                    """, wrong: ("fn main() { let x: i32 = \"text\"; }", "error[E0308]")),
            Program(
                language: "haskell", ending: "hs", image: "haskell",
                text: """
                    import Control.Concurrent
                    import Data.Char (toUpper)
                    main :: IO ()
                    main = do
                      said <- newEmptyMVar
                      _ <- forkIO (threadDelay 1000 >> putMVar said "hello")
                      takeMVar said >>= putStrLn
                      interact (map toUpper)
                    """, wrong: ("main = putStrLn (1 :: Int)", "Couldn't match type")),
        ]

        /// The images that are too large to be built each time.
        private static func isWanted(_ image: String) -> Bool {
            guard ["rust", "haskell"].contains(image) else { return Installation.hasImage(image) }
            guard Installation.variable("BULKHEAD_TEST_LARGE_IMAGES") != nil else {
                print("large image not tested: \(image) (BULKHEAD_TEST_LARGE_IMAGES=1; 20 s to build, 0.5 to 0.9 GiB)")
                return false
            }
            return Installation.hasImage(image)
        }

        @Test("hello world, standard input, and what does not compile", arguments: samples)
        func hello(program: Program) throws {
            guard Self.isWanted(program.image) else { return }
            let options = program.ending == "unknown" ? ["--language", program.language] : []
            let answer = try Command.result(
                of: Source(ending: program.ending, text: program.text), options, input: Array("input\n".utf8))
            #expect(answer.status == "ok", "\(answer.stderr)\(answer.compile?.stderr ?? "")")
            #expect(answer.stdout == "hello\nINPUT\n")
            #expect(answer.stderr.isEmpty)
            #expect(answer.language == program.language)
            #expect(answer.evidence.deniedSyscalls.isEmpty, "\(answer.evidence.deniedSyscalls)")
            if let wrong = program.wrong {
                let command = try Command.run(Source(ending: program.ending, text: wrong.text), options)
                #expect(command.exitCode == 125)
                #expect(command.error.contains("compile_error"))
                #expect((command.error + command.text).contains(wrong.words), "\(command.error)\(command.text)")
            }
        }

        @Test("an error at run time is told on standard error, once, and ends with an exit code")
        func runtimeErrors() throws {
            guard Self.isWanted("scripting") else { return }
            for (ending, text) in [
                ("rb", "raise 'wrong'"), ("php", "<?php throw new Exception('wrong');"), ("pl", "die 'wrong'"),
                ("lua", "error('wrong')"), ("ts", "throw new Error('wrong');"),
            ] {
                let answer = try Command.result(of: Source(ending: ending, text: text))
                #expect(answer.status == "nonzero_exit", "\(ending)")
                #expect(answer.stdout.isEmpty, "\(ending): \(answer.stdout)")
                #expect(answer.stderr.contains("wrong"), "\(ending)")
            }
        }

        @Test("numpy multiplies matrices and pandas adds up, under the default policy and limits, started ahead too")
        func numpy() throws {
            guard Self.isWanted("python-data") else { return }
            let code = """
                import numpy, pandas
                a = numpy.arange(250_000.0).reshape(500, 500)
                print((a @ (2 * numpy.eye(500)) == 2 * a).all(), numpy.__version__)
                print(pandas.DataFrame({"x": [1, 2, 3]}).x.sum())
                """
            let server = try Server(slots: 1)
            var starts: Set<String> = []
            for _ in 0..<6 where !starts.contains("prestarted") {
                let answer = try server.execute(request("python-data", code))
                #expect(answer.status == "ok", "\(answer.stderr)")
                #expect(answer.stdout == "True 1.26.4\n6\n")
                starts.insert(answer.evidence.start ?? "")
            }
            #expect(starts.contains("prestarted"), "\(starts)")
            #expect(try server.stop() == 0)
        }

        @Test("what pip has brought is in the manifest with its hashes, dependencies too")
        func wheels() throws {
            guard Self.isWanted("python-data") else { return }
            let command = try Command.bulkhead(["rootfs", "list"])
            #expect(command.exitCode == 0)
            for package in ["numpy-1.26.4", "pandas-2.2.3", "pytz-2024.2"] {
                let lines = command.text.split(separator: "\n").filter { $0.contains(package) }
                #expect(lines.count == 1)
                #expect(lines.first?.contains(/\.whl sha256:[0-9a-f]{64}$/) == true, "\(lines)")
            }
        }

        @Test(
            "what an import has brought is asked for its version in a job's sandbox, by a filter and as nobody of this host"
        )
        func importing() throws {
            let folder = try TemporaryFolder()
            let prepared = try Child(
                [
                    "/bin/sh", "-ec",
                    """
                    cd \(folder.path) && mkdir -p tree/bin state && chmod 755 state
                    cp /bin/busybox tree/bin/ && ln -s busybox tree/bin/sh && tar -C tree -cf tree.tar .
                    """,
                ], environment: Installation.environment)
            #expect(try prepared.wait(atMost: .seconds(20)) == 0, "\(prepared.standardError)")
            let script = "S=/proc/self/status; echo v$(grep -c '^Seccomp:.2' $S).$(grep -c '^NoNewPrivs:.1' $S).$$"
            try Data(
                """
                languages:
                  - name: ash
                    file: main.ash
                    run: [/bin/sh, "{file}"]
                    version: {command: [/bin/sh, -c, "\(script)"], pattern: 'v(\\d+\\.\\d+\\.\\d+)'}
                """.utf8
            ).write(to: folder.url("languages.yaml"))
            let command = try Command.bulkhead([
                "rootfs", "import", "probed", "--state-dir", "\(folder.path)/state", "--from",
                "\(folder.path)/tree.tar",
                "--languages", "\(folder.path)/languages.yaml",
            ])
            #expect(command.exitCode == 0, "\(command.error)")
            // The second process of its namespace, as every job.
            #expect(command.text.contains("\n  ash 1.1.2\n"), "\(command.text)\(command.error)")
        }
    }
}
