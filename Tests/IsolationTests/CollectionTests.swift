import Glibc
import Isolation
import LaunchProtocol
import Linux
import Testing

extension EngineTests {
    /// Files out of a sandbox, from trees that a job made to harm whoever reads them. The collector is root.
    @Suite("Collection")
    struct CollectionTests {
        private func engine() async throws -> TestEngine { try await .shared() }

        /// Runs Python in the default image, then collects.
        private func collect(
            _ patterns: [String], after script: String, bytes: Int = 8 << 20, count: Int = 64, always: Bool = true,
            outputLimit: Int = 1 << 20, change: (inout ResourceLimits) -> Void = { _ in }
        ) async throws -> Outcome {
            var limits = TestEngine.standard
            change(&limits)
            let prelude = "import os, sys, socket, time\nos.chdir('/box')\n"
            return try await engine().engine.run(
                SandboxConfiguration(
                    arguments: ["/usr/bin/python3", "-c", prelude + script],
                    environment: ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"], limits: limits,
                    outputLimit: outputLimit, collect: patterns, collectLimit: bytes, collectCount: count,
                    collectsAlways: always))
        }

        private func expectWell(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(outcome.ending == .exited(0), "\(outcome.errorText)", sourceLocation: sourceLocation)
        }

        /// Nothing that a job left may have hurt the slots.
        private func expectSoundEngine() async throws {
            for _ in 0..<3 { #expect(try await engine().probe("exit", "0").ending == .exited(0)) }
        }

        // MARK: what is asked for

        @Test("globs: one folder, any folders, hidden names, and what is not there")
        func globs() async throws {
            let tree = """
                for path in ['a.png', 'b.txt', '.h.png', 'out/c.png', 'out/d/e.png', 'out/d/f/g.png', 'out/.x/i.png']:
                    os.makedirs(os.path.dirname('/box/' + path), exist_ok=True)
                    open(path, 'w').write(path)
                """
            let expected: [([String], [String])] = [
                (["*.png"], ["a.png"]), (["out/*.png"], ["out/c.png"]),
                (["**/*.png"], ["a.png", "out/c.png", "out/d/e.png", "out/d/f/g.png"]),
                (["out/**"], ["out/c.png", "out/d/e.png", "out/d/f/g.png"]),
                (["out/*/*.png"], ["out/d/e.png"]), ([".*.png", "out/.x/*"], [".h.png", "out/.x/i.png"]),
                (["b.txt", "*.txt", "b.txt"], ["b.txt"]), (["out/d/e.png", "**/e*"], ["out/d/e.png"]),
                (["nothing/*", "*.jpg"], []),
            ]
            for (patterns, paths) in expected {
                let outcome = try await collect(patterns, after: tree)
                expectWell(outcome)
                #expect(outcome.files.map(\.path) == paths, "\(patterns)")
                #expect(outcome.files.allSatisfy { $0.contents == Array($0.path.utf8) })
                #expect(outcome.skippedFiles == [])
            }
            let outcome = try await collect(["x", "a.png/x", "out", "o*", "out/*"], after: tree)
            #expect(outcome.files.map(\.path) == ["out/c.png"])
            #expect(
                outcome.skippedFiles == [
                    .init(path: "x", reason: .noSuchFile), .init(path: "a.png/x", reason: .noSuchFile),
                    .init(path: "out", reason: .folder), .init(path: "out/d", reason: .folder),
                ])
        }

        @Test("whatever the verdict, the partial output comes back; a cancelled job's does not")
        func verdicts() async throws {
            let write = "open('x', 'w').write('so far')\n"
            let endings: [(String, Ending, (inout ResourceLimits) -> Void)] = [
                ("sys.exit(3)", .exited(3), { _ in }), ("os.abort()", .signaled(SIGABRT), { _ in }),
                ("time.sleep(60)", .wallTimeLimit, { $0.wallTime = TestHost.milliseconds(500) }),
                ("while True: pass", .cpuTimeLimit, { $0.cpuTime = TestHost.milliseconds(300) }),
                ("b = bytearray(256 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1", .memoryLimit, { _ in }),
                ("while True: print('x' * 4096)", .outputLimit, { _ in }),
                (
                    "while True: open(f'f{time.monotonic_ns()}', 'w').write('x' * 65536)", .diskLimit,
                    { $0.disk = 4 << 20 }
                ),
            ]
            for (script, ending, change) in endings {
                let outcome = try await collect(["x"], after: write + script, change: change)
                #expect(outcome.ending == ending, "\(script)")
                #expect(outcome.files == [.init(path: "x", contents: Array("so far".utf8))], "\(script)")
            }
            #expect(try await collect(["x"], after: write + "sys.exit(3)", always: false).files == [])
            let (started, note) = AsyncStream.makeStream(of: Void.self)
            let test = try await engine()
            let task = Task {
                defer { note.finish() }
                return try await test.engine.run(
                    SandboxConfiguration(
                        arguments: ["/bin/sh", "-c", "echo so far > /box/x; echo; sleep 60"],
                        environment: ["PATH": "/bin"], limits: TestEngine.standard, outputLimit: 100, collect: ["x"],
                        collectLimit: 100, collectsAlways: true), onOutput: { _, _ in note.yield() })
            }
            for await _ in started { break }
            task.cancel()
            let outcome = try await task.value
            #expect(outcome.ending == .cancelled)
            #expect(outcome.files == [] && outcome.skippedFiles == [])
        }

        // MARK: links and kinds

        @Test("no symbolic link is followed, at the end of a path or within it")
        func symbolicLinks() async throws {
            let outcome = try await collect(
                [
                    "passwd", "etc/passwd", "up/etc/passwd", "self/good", "near", "proc", "magic", "dangling", "loop",
                    "**", "*/passwd", "**/passwd", "etc/*", "up/**",
                ],
                after: """
                    open('good', 'w').write('good')
                    for target, name in [('/etc/passwd', 'passwd'), ('/etc', 'etc'), ('../../../..', 'up'), ('.', 'self'),
                                         ('good', 'near'), ('/proc/self/environ', 'proc'), ('/proc/1/root/etc', 'magic'),
                                         ('nowhere', 'dangling'), ('loop', 'loop')]:
                        os.symlink(target, name)
                    """)
            expectWell(outcome)
            #expect(outcome.files == [.init(path: "good", contents: Array("good".utf8))])
            let names = ["dangling", "etc", "loop", "magic", "near", "passwd", "proc", "self", "up"]
            for name in names + ["etc/passwd", "up/etc/passwd", "self/good"] {
                #expect(outcome.skippedFiles.contains(.init(path: name, reason: .symbolicLink)), "\(name)")
            }
            #expect(outcome.skippedFiles.count == 12)
        }

        @Test("only regular files with one link are read, and no FIFO keeps anybody waiting")
        func kinds() async throws {
            let script = """
                open('good', 'w').write('good')
                os.mkfifo('fifo')
                s = socket.socket(socket.AF_UNIX)
                s.bind('socket')
                open('hard1', 'w').write('x')
                os.link('hard1', 'hard2')
                os.mkdir('folder')
                for major, minor in [(1, 1), (1, 3), (8, 0)]:
                    try: os.mknod('device', 0o20666, os.makedev(major, minor))
                    except OSError as error: print(error.errno)
                """
            let names = ["fifo", "folder", "good", "hard1", "hard2", "socket"]
            for patterns in [["**", "folder"], ["*"], names] {
                let outcome = try await collect(patterns, after: script)
                expectWell(outcome)
                #expect(outcome.text == "1\n1\n1\n")
                #expect(outcome.files == [.init(path: "good", contents: Array("good".utf8))])
                let reasons = Dictionary(uniqueKeysWithValues: outcome.skippedFiles.map { ($0.path, $0.reason) })
                #expect(
                    reasons == [
                        "fifo": .notRegular, "folder": .folder, "hard1": .severalLinks, "hard2": .severalLinks,
                        "socket": .notRegular,
                    ], "\(patterns)")
            }
        }

        @Test("files and folders that nobody may read or enter come back: root reads them")
        func modes() async throws {
            let outcome = try await collect(
                ["**"],
                after: """
                    os.mkdir('locked')
                    open('locked/x', 'w').write('in')
                    open('secret', 'w').write('out')
                    os.chmod('locked/x', 0); os.chmod('locked', 0); os.chmod('secret', 0); os.chmod('/box', 0)
                    """)
            expectWell(outcome)
            #expect(outcome.files.map(\.path) == ["locked/x", "secret"])
            #expect(outcome.files.map(\.contents) == [Array("in".utf8), Array("out".utf8)])
            try await expectSoundEngine()
        }

        // MARK: names

        @Test("names are bytes: line ends, options, escapes, what is no UTF-8, and what only looks alike")
        func names() async throws {
            let outcome = try await collect(
                ["**"],
                after: """
                    names = [b'-rf', b'a\\nb', b'$(id)', b'%FF', b'\\x1b[2J', 'é'.encode(), 'e\\u0301'.encode(), b' ', b'x' * 255,
                             b'\\xff', b'\\xfe', b'\\xc3', b'%\\xff']
                    for name in names: open(b'/box/' + name, 'wb').write(name)
                    os.mkdir(b'/box/\\xfd'); open(b'/box/\\xfd/x', 'w')
                    """)
            expectWell(outcome)
            let paths = [
                "-rf", "a\nb", "$(id)", "%FF", "\u{1B}[2J", "é", "e\u{301}", " ", String(repeating: "x", count: 255),
            ]
            #expect(Set(outcome.files.map { Array($0.path.utf8) }) == Set(paths.map { Array($0.utf8) }))
            #expect(outcome.files.allSatisfy { $0.contents == Array($0.path.utf8) })
            #expect(
                Set(outcome.skippedFiles.map(\.path)) == ["%FF", "%FE", "%C3", "%25%FF", "%FD"],
                "\(outcome.skippedFiles)")
            #expect(outcome.skippedFiles.allSatisfy { $0.reason == .nameNotUTF8 })
        }

        // MARK: sizes

        @Test("caps on one file, on all together and on their number; a sparse file counts in full")
        func sizes() async throws {
            let outcome = try await collect(
                ["**"],
                after: """
                    def sparse(name, size):
                        with open(name, 'wb') as file: file.truncate(size)
                    import resource, signal
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                    try: sparse('a', 1 << 40)
                    except OSError as error: print(error.errno)
                    sparse('b', 1001); sparse('c', 600); sparse('d', 401); sparse('e', 400); sparse('f', 0); sparse('g', 0)
                    """, bytes: 1_000, count: 4)
            expectWell(outcome)
            #expect(outcome.text == "27\n")
            #expect(outcome.files.map(\.path) == ["a", "c", "e", "f"])
            #expect(outcome.files.map(\.contents.count) == [0, 600, 400, 0])
            #expect(
                outcome.skippedFiles == [
                    .init(path: "b", reason: .tooLarge, bytes: 1_001),
                    .init(path: "d", reason: .noRoomLeft, bytes: 401),
                    .init(path: "g", reason: .tooManyFiles),
                ])
            let large = try await collect(
                ["*"], after: "open('a', 'wb').truncate(64 << 20)\nopen('b', 'wb').truncate(8 << 20)"
            ) { $0.fileSize = 64 << 20 }
            #expect(large.files.map(\.contents) == [[UInt8](repeating: 0, count: 8 << 20)])
            #expect(large.skippedFiles == [.init(path: "a", reason: .tooLarge, bytes: 64 << 20)])
        }

        // An emulated CPU runs out of the collection's five seconds before it is through so many.
        @Test(
            "10,000 files: the first ones come back, the rest is counted; 20,000 are not all looked at",
            .enabled(if: !TestHost.isVirtual))
        func manyFiles() async throws {
            let many = "for i in range(10000): open(f'{i:05}.txt', 'w')"
            let outcome = try await collect(["*.txt"], after: many) { $0.inodes = 30_000 }
            expectWell(outcome)
            #expect(outcome.files.map(\.path) == (0..<64).map { "000" + ($0 < 10 ? "0" : "") + "\($0).txt" })
            #expect(outcome.skippedFiles.count == 256)
            #expect(outcome.skippedFiles.allSatisfy { $0.reason == .tooManyFiles })
            #expect(outcome.files.count + outcome.skippedFiles.count + outcome.unlistedFiles == 10_000)
            let more = try await collect(["**/none", "00001.txt"], after: many.replacing("10000", with: "20000")) {
                $0.inodes = 30_000
            }
            #expect(more.files.map(\.path) == ["00001.txt"])
            #expect(more.skippedFiles == [.init(path: ".", reason: .tooManyEntries)])
            try await expectSoundEngine()
        }

        @Test("3,000 levels: as far down as the bound, and the tree goes away with its sandbox")
        func deep() async throws {
            let outcome = try await collect(
                ["**/x", "d/**"],
                after: """
                    for i in range(3000):
                        open('x', 'w').write(str(i))
                        os.mkdir('d'); os.chdir('d')
                    """
            ) { $0.inodes = 30_000 }
            expectWell(outcome)
            #expect(outcome.files.count == 32)
            #expect(
                outcome.skippedFiles == [
                    .init(path: Array(repeating: "d", count: 32).joined(separator: "/"), reason: .tooDeep)
                ])
            // Fewer levels with long names are a long path.
            let long = try await collect(
                ["**"],
                after: """
                    for i in range(10):
                        open('x', 'w').write(str(i))
                        os.mkdir('d' * 250); os.chdir('d' * 250)
                    """)
            #expect(long.files.count == 5)
            #expect(long.skippedFiles.map(\.reason) == [.tooDeep])
            try await expectSoundEngine()
        }

        @Test("globs that make a naive matcher try every split, on names made for them", .timeLimit(.minutes(2)))
        func bombs() async throws {
            let folders = String(repeating: "**/", count: 29)
            let patterns = (0..<61).map { folders + "*a*a*a*a\($0)*b" }
            let outcome = try await collect(
                patterns + ["**/**/**/*a*a*a*b", "*/*/*/*/*/*a*a*a*b", "x"],
                after: """
                    for i in range(12):
                        os.mkdir('a' * 60 + str(i)); os.chdir('a' * 60 + str(i))
                        for j in range(300): open('a' * 250 + f'{j:05}', 'w')
                    open('/box/x', 'w').write('x')
                    """
            ) { $0.inodes = 30_000 }
            expectWell(outcome)
            #expect(outcome.files == [.init(path: "x", contents: Array("x".utf8))])
            try await expectSoundEngine()
        }

        // MARK: survivors

        @Test("nothing of the job is alive while files are read: no swap, no growth, no new file")
        func survivors() async throws {
            for _ in 0..<5 {
                let outcome = try await collect(
                    ["*"],
                    after: """
                        for i in range(7): open(f'm{i}', 'wb').truncate(1 << 20)
                        open('a', 'w'); open('z', 'w')
                        for n in range(3):
                            if os.fork() == 0:
                                os.setsid()
                                for fd in (0, 1, 2): os.close(fd)
                                if os.fork(): os._exit(0)
                                i = 0
                                a, z = os.open('a', os.O_WRONLY), os.open('z', os.O_WRONLY)
                                while True:
                                    i += 1
                                    if n == 0:
                                        os.pwrite(a, b'%016d' % i, 0); os.pwrite(z, b'%016d' % i, 0)
                                    elif n == 1:
                                        os.symlink('/etc/passwd', 't'); os.rename('t', 'swap')
                                        open('t', 'w').write('mine'); os.rename('t', 'swap')
                                    else:
                                        open('late', 'w').write(str(i)); os.unlink('late')
                        while os.path.getsize('z') == 0 or not os.path.lexists('swap'): time.sleep(0.01)
                        """)
                expectWell(outcome)
                let files = Dictionary(uniqueKeysWithValues: outcome.files.map { ($0.path, $0.contents) })
                func count(_ name: String) -> Int? {
                    files[name].flatMap { Int(String(decoding: $0, as: UTF8.self)) }
                }
                let (first, last) = (try #require(count("a")), try #require(count("z")))
                #expect(first > 0)
                #expect(first - last == 0 || first - last == 1)
                if let swapped = files["swap"] {
                    #expect(swapped == [] || swapped == Array("mine".utf8))
                } else {
                    #expect(outcome.skippedFiles.contains(.init(path: "swap", reason: .symbolicLink)))
                }
                for index in 0..<7 { #expect(files["m\(index)"]?.count == 1 << 20) }
            }
        }
    }
}
