import Testing

extension EndToEnd {
    /// Programs that end in every way there is, each with the status that the contract promises.
    @Suite("Verdicts")
    struct VerdictTests {
        /// A program, and what must come of it.
        struct Row: Sendable, CustomTestStringConvertible {
            var name: String
            var source: Source
            var options: [String] = []
            var status: String
            var exitCode: Int?
            var signal: String?
            var firedLimit: String?
            var testDescription: String { name }
        }

        static let rows = [
            Row(
                name: "while(true) {} with 2 s of wall time", source: .javascript("while (true) {}"),
                options: ["--time", "2s"], status: "wall_time_limit", firedLimit: "wallTimeMs"),
            Row(
                name: "while(true) {} with 500 ms of CPU time", source: .javascript("while (true) {}"),
                options: ["--cpu-time", "500ms"], status: "cpu_time_limit", firedLimit: "cpuTimeMs"),
            Row(
                name: "1 GB of memory", source: .python("x = bytearray(1 << 30)\nprint('not reached')"),
                status: "memory_limit", firedLimit: "memoryBytes"),
            Row(
                name: "a fork bomb", source: .bash(":(){ :|:& };:; sleep 60"), options: ["--time", "1s"],
                status: "process_limit", firedLimit: "processes"),
            Row(name: "yes", source: .bash("yes"), status: "output_limit", firedLimit: "outputBytes"),
            Row(
                name: "a full disk",
                source: .bash("for i in 1 2 3 4 5 6 7 8; do head -c 10M /dev/zero > $i || exit 1; done"),
                options: ["--memory", "256M"], status: "disk_limit", exitCode: 1, firedLimit: "diskBytes"),
            Row(
                name: "no inode left", source: .bash("for i in {1..5000}; do : > $i || exit 1; done"),
                status: "disk_limit", exitCode: 1, firedLimit: "inodes"),
            Row(
                name: "abort()", source: .c("#include <stdlib.h>\nint main(void) { abort(); }"), status: "signaled",
                signal: "SIGABRT"),
            Row(
                name: "a segfault", source: .c("int main(void) { *(volatile int *)0 = 1; }"), status: "signaled",
                signal: "SIGSEGV"),
            Row(name: "exit 3", source: .bash("exit 3"), status: "nonzero_exit", exitCode: 3),
            Row(
                name: "closes its output and sleeps", source: .bash("exec >&- 2>&-; sleep 60"),
                options: ["--time", "1s"], status: "wall_time_limit", firedLimit: "wallTimeMs"),
            // kill(2) with -1 spares the caller; what it may signal are its own processes, and it goes on.
            Row(
                name: "kills everything it sees", source: .bash("sleep 60 & kill -9 -1; echo still here"), status: "ok",
                exitCode: 0),
            Row(name: "kills itself", source: .bash("kill -9 $$"), status: "signaled", signal: "SIGKILL"),
            Row(
                name: "kills everything it sees from a child",
                source: .python(
                    "import os, time\nif os.fork() == 0:\n    os.kill(-1, 9)\n    os._exit(0)\ntime.sleep(60)"),
                status: "signaled", signal: "SIGKILL"),
            Row(
                name: "ignores SIGTERM", source: .bash("trap '' TERM INT HUP; while :; do sleep 1; done"),
                options: ["--time", "1s"], status: "wall_time_limit", firedLimit: "wallTimeMs"),
        ]

        @Test("status, exit code, signal and the limit that fired", arguments: rows)
        func verdict(row: Row) throws {
            let answer = try Command.result(of: row.source, row.options)
            #expect(answer.status == row.status, "\(answer)")
            #expect(answer.signal == row.signal)
            #expect(answer.evidence.firedLimit == row.firedLimit)
            // A full disk ends nothing, the program does; after failed forks it may be either.
            if row.status != "process_limit" {
                #expect((answer.evidence.firedAtMs != nil) == (row.firedLimit != nil && row.status != "disk_limit"))
            }
            if let moment = answer.evidence.firedAtMs {
                #expect(moment >= 0)
                #expect(moment <= answer.wallTimeMs)
            }
            if row.exitCode != nil || row.status == "signaled" { #expect(answer.exitCode == row.exitCode) }
            #expect((answer.message == nil) == ["ok", "nonzero_exit"].contains(row.status))
        }

        @Test("output is kept up to the limit, and counted")
        func output() throws {
            let answer = try Command.result(of: .bash("yes"), ["--output", "10K"])
            #expect(answer.status == "output_limit")
            #expect(answer.stdoutBytes == 10_240)
            #expect(answer.stdoutTruncated)
            #expect(answer.stdout == String(repeating: "y\n", count: 5_120))
        }

        @Test("what killed a program is in the evidence")
        func evidence() throws {
            let memory = try Command.result(of: .python("x = bytearray(1 << 30)"))
            // With cgroup v1 the supervisor may be there before the kernel has killed anything.
            #expect(memory.status == "memory_limit")
            #expect((memory.evidence.peak.memoryBytes ?? 0) <= 128 << 20)
            #expect((memory.evidence.peak.memoryBytes ?? 0) > 100 << 20)
            let forks = try Command.result(of: .bash(":(){ :|:& };:; sleep 60"), ["--time", "1s"])
            #expect(forks.evidence.events.pidsMax > 0)
        }

        @Test("a program that does not compile: compile_error with the compiler's words, and no output of its own")
        func compileError() throws {
            let answer = try Command.result(of: .c("int main(void) { return undeclared; }"))
            #expect(answer.status == "compile_error")
            #expect(answer.stdout.isEmpty)
            #expect(answer.stderr.isEmpty)
            #expect(answer.exitCode == nil)
            #expect(answer.compile?.status == "nonzero_exit")
            #expect(answer.compile?.exitCode == 1)
            #expect(answer.compile?.stderr.contains("undeclared") == true)
        }
    }
}
