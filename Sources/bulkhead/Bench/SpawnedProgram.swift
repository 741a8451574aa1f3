import Foundation
import Glibc
import Isolation
import Linux
import Synchronization

/// A command that is started again and again by posix_spawn, without anything of the engine: what sandboxes are compared
/// with, and how other sandboxes are measured.
final class SpawnedProgram: Sendable {
    /// With the program's absolute path first.
    let arguments: [String]
    private let environment: [String]
    private let files: [(descriptor: Int32, path: String)]
    /// What it must write; nil where that is not looked at.
    private let expectation: String?

    /// - Parameters:
    ///   - arguments: with the program's absolute path first.
    ///   - environment: the whole of it.
    ///   - files: files to open for reading at each start, with the descriptors they get.
    ///   - expectation: what it must write to its standard output; nil where that is not looked at.
    init(
        _ arguments: [String], environment: [String: String] = [:], files: [(descriptor: Int32, path: String)] = [],
        expecting expectation: String? = nil
    ) {
        self.arguments = arguments
        self.environment = environment.map { "\($0.key)=\($0.value)" }.sorted()
        self.files = files
        self.expectation = expectation
    }

    /// Starts it and waits for its end.
    /// - Returns: microseconds from before the start to after the end.
    /// - Throws: `IsolationError` where it did not do what it should.
    func run() throws -> Double {
        let output = try Linux.Pipe()
        // What it writes is read after its end, so that no reader shares the processors with it: it must fit.
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writer.raw, 1)
        posix_spawn_file_actions_adddup2(&actions, output.writer.raw, 2)
        for file in files { posix_spawn_file_actions_addopen(&actions, file.descriptor, file.path, O_RDONLY, 0) }
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for pointer in vector + variables { free(pointer) } }
        var pid: pid_t = 0
        var start: UInt64 = 0
        let error = BenchCleanup.withUsualSignals {
            start = MonotonicClock.now
            return posix_spawn(&pid, arguments[0], &actions, $0, &vector, &variables)
        }
        guard error == 0 else { throw IsolationError(.host, "\(arguments[0]): \(SystemError.text(error))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemError("waitpid", errno: errno) }
        }
        let microseconds = Double(MonotonicClock.now - start) / 1_000
        let said = status == 0 && expectation == nil ? "" : Self.whatIsIn(output.reader.raw)
        guard status == 0, expectation == nil || said == expectation else {
            throw IsolationError(
                .host, "\(arguments.joined(separator: " ")): status \(status), said \"\(said.prefix(500))\"")
        }
        return microseconds
    }

    /// What has been written to a pipe so far, up to a pipe's size.
    private static func whatIsIn(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 0) == 1, poll.revents & Int16(POLLIN) != 0 else { return "" }
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Runs several at once for some time, each on a thread that starts the next when one has ended.
    /// - Parameters:
    ///   - programs: one for each thread.
    ///   - milliseconds: after which none is started any more.
    /// - Returns: how many ended per second.
    /// - Throws: the first that one of them throws.
    static func rate(of programs: [SpawnedProgram], for milliseconds: Int) throws -> Double {
        let state = Mutex<(count: Int, error: (any Error)?)>((0, nil))
        let threads = DispatchGroup()
        let start = MonotonicClock.now
        let end = start + UInt64(milliseconds) * 1_000_000
        for program in programs {
            threads.enter()
            Thread.detachNewThread {
                do {
                    while MonotonicClock.now < end {
                        _ = try program.run()
                        state.withLock { $0.count += 1 }
                    }
                } catch {
                    state.withLock { $0.error = error }
                }
                threads.leave()
            }
        }
        threads.wait()
        let (count, error) = state.withLock { $0 }
        if let error { throw error }
        return Double(count) * 1e9 / Double(MonotonicClock.now - start)
    }

    /// User and system time, in nanoseconds, of this process and of all its children that have ended.
    static var cpuTime: UInt64 {
        func time(_ who: __rusage_who_t) -> UInt64 {
            var usage = rusage()
            getrusage(who, &usage)
            return [usage.ru_utime, usage.ru_stime].reduce(0) {
                $0 + UInt64($1.tv_sec) * 1_000_000_000 + UInt64($1.tv_usec) * 1_000
            }
        }
        return time(__rusage_who_t(RUSAGE_SELF.rawValue)) + time(__rusage_who_t(RUSAGE_CHILDREN.rawValue))
    }
}
