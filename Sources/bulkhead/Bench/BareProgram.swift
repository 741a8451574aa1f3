import Glibc
import Isolation
import Linux

/// A program started by posix_spawn with no isolation: what a measurement of a sandbox is compared with. One whose
/// measurement fails is killed and reaped.
final class BareProgram {
    private let pid: pid_t
    private let output: Pipe
    private let startedAt: UInt64
    private var isReaped = false

    /// - Parameters:
    ///   - path: the program's, as an absolute path.
    ///   - arguments: without the name.
    /// - Throws: `SystemError`.
    init(_ path: String, _ arguments: [String]) throws {
        let output = try Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output.writer.raw, 1)
        var vector: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in vector { free(pointer) } }
        var pid: pid_t = 0
        startedAt = MonotonicClock.now
        let error = posix_spawn(&pid, path, &actions, nil, &vector, nil)
        guard error == 0 else { throw SystemError("posix_spawn", errno: error) }
        self.pid = pid
        self.output = output
    }

    deinit {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Waits until `nanoseconds` after its start, kills it, and waits for its end.
    /// - Returns: milliseconds by which the end was later.
    /// - Throws: `SystemError`.
    func lateness(ofKillAfter nanoseconds: UInt64) throws -> Double {
        let deadline = startedAt + nanoseconds
        var moment = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        // EINTR comes back early.
        while MonotonicClock.now < deadline { clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nil) }
        kill(pid, SIGKILL)
        _ = try reap()
        return Double(MonotonicClock.now - deadline) / 1e6
    }

    /// Waits for its end.
    /// - Returns: nanoseconds of CPU time by its rusage, and as it said last itself.
    /// - Throws: `SystemError`, or `IsolationError` where it said nothing.
    func cpuTime() throws -> (used: UInt64, said: UInt64) {
        let usage = try reap()
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(output.reader.raw, &bytes, bytes.count)
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard let said = words.split(separator: "\n").last.flatMap({ UInt64($0) }) else {
            throw IsolationError(.host, "the test program said \"\(words.prefix(100))\"")
        }
        func nanoseconds(_ time: timeval) -> UInt64 {
            UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1_000
        }
        return (nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime), said)
    }

    private func reap() throws -> rusage {
        var usage = rusage()
        var status: Int32 = 0
        while wait4(pid, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw SystemError("wait4", errno: errno) }
        }
        isReaped = true
        return usage
    }
}
