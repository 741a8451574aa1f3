import Glibc
import Testing

@testable import Images

@Suite("External programs")
struct CommandTests {
    @Test("output comes line by line, with its exit code, and nothing of this environment")
    func run() throws {
        var lines: [String] = []
        let command = Command(argv: ["/bin/sh", "-c", "echo one; echo two >&2; env | grep -c . ; exit 7"])
        let result = try command.run { lines.append($0) }
        #expect(result.status == 7)
        #expect(lines == result.lines)
        #expect(lines.prefix(2) == ["one", "two"])
        // PATH, LC_ALL, and the two that the shell adds (PWD, and SHLVL or _ where it does).
        #expect((Int(lines.last ?? "") ?? 99) <= 5)
    }

    @Test("a program has three descriptors, whatever whoever started this process left open")
    func descriptors() throws {
        let left = fcntl(1, F_DUPFD, 40)
        #expect(left >= 40)
        defer { close(left) }
        // The fourth is of the folder that ls reads.
        let result = try Command(argv: ["/bin/ls", "/proc/self/fd"]).run()
        #expect(result.lines == ["0", "1", "2", "3"])
    }

    @Test("a failing step names itself and what was said last")
    func failure() {
        let error = #expect(throws: ImageError.self) {
            try Command(argv: ["/bin/sh", "-c", "echo E: no such thing; exit 3"]).succeed("the step")
        }
        #expect(error?.description == "the step failed: exit code 3\n  E: no such thing")
    }

    @Test("a program that hangs is ended in time, also one that ignores SIGTERM")
    func timeout() throws {
        let start = ContinuousClock.now
        let result = try Command(argv: ["/bin/sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"], seconds: 1).run()
        #expect(result.status != 0)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("a flood of output is kept in bounds")
    func bounds() throws {
        let result = try Command(argv: ["/bin/sh", "-c", "yes | head -c 3000000; yes '' | head -c 1000 | tr -d '\\n'"])
            .run()
        #expect(result.lines.count == Command.keptLines)
    }

    @Test("lines are cut at newlines and carriage returns, and shortened")
    func splitter() {
        var splitter = LineSplitter(maximumBytes: 4)
        #expect(splitter.add(Array("ab\ncdef".utf8)[...]) == ["ab"])
        #expect(splitter.add(Array("gh\r\n\nx".utf8)[...]) == ["cdef"])
        #expect(splitter.rest() == "x")
        #expect(splitter.rest() == nil)
    }
}
