import Foundation
import Glibc
import Synchronization

/// A process that a test started; what it writes goes to files without names.
final class Child: Sendable {
    let pid: pid_t
    private let output: Int32
    private let error: Int32
    private let status = Mutex<Int32?>(nil)

    /// What a test expected and did not get.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Starts a program, its path first among `arguments`. It finds `input` on its standard input, or /dev/null, and
    /// nothing in its environment but `environment`.
    init(_ arguments: [String], input: [UInt8]? = nil, environment: [String: String]) throws {
        output = try Self.namelessFile()
        error = try Self.namelessFile()
        var pipe: [Int32] = [-1, -1]
        if input != nil, Self.pipe(&pipe) != 0 { throw Failure(description: "pipe: \(errno)") }
        defer { for end in pipe where end >= 0 { close(end) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if input == nil {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, pipe[0], 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        // As a shell would start it: the threads of Swift's pools have nearly every signal blocked, and this process ignores
        // some.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var vector = arguments.map { strdup($0) }
        vector.append(nil)
        var variables = environment.map { strdup("\($0.key)=\($0.value)") }
        variables.append(nil)
        defer { for pointer in vector + variables { free(pointer) } }
        var pid: pid_t = -1
        let result = posix_spawn(&pid, arguments[0], &actions, &attributes, vector, variables)
        guard result == 0 else {
            throw Failure(description: "start \(arguments[0]): \(String(cString: strerror(result)))")
        }
        self.pid = pid
        if let input {
            Glibc.signal(SIGPIPE, SIG_IGN)
            // Small enough for the pipe itself, so that nobody has to read in the meantime.
            precondition(input.count <= 65_536)
            _ = write(pipe[1], input, input.count)
        }
    }

    deinit {
        // A test that failed may leave it running; what it drives ends with it.
        if status.withLock({ $0 }) == nil {
            kill(pid, SIGKILL)
            var ignored: Int32 = 0
            waitpid(pid, &ignored, 0)
        }
        close(output)
        close(error)
    }

    var standardOutput: [UInt8] { Self.contents(output) }
    var standardError: String { String(decoding: Self.contents(error), as: UTF8.self) }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Whether it has ended; then it is reaped.
    var hasEnded: Bool {
        status.withLock { status in
            if status != nil { return true }
            var value: Int32 = 0
            guard waitpid(pid, &value, WNOHANG) == pid else { return false }
            status = value
            return true
        }
    }

    /// Waits for its end.
    /// - Returns: the exit code, or 1000 + n where signal n ended it.
    func wait(atMost limit: Duration = .seconds(60)) throws -> Int {
        guard Eventually.holds(within: limit, { hasEnded }), let value = status.withLock({ $0 }) else {
            throw Failure(description: "process \(pid) did not end within \(limit); it said: \(standardError)")
        }
        return value & 0x7F == 0 ? Int((value >> 8) & 0xFF) : 1_000 + Int(value & 0x7F)
    }

    private static func namelessFile() throws -> Int32 {
        var name = Array("/tmp/bulkhead-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw Failure(description: "mkstemp: \(errno)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(name)
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            guard count > 0 else { return bytes }
            bytes += chunk[0..<count]
        }
    }

    private static func pipe(_ ends: inout [Int32]) -> Int32 {
        guard Glibc.pipe(&ends) == 0 else { return -1 }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return 0
    }
}

/// Waiting for what must come, without a guess at when.
enum Eventually {
    /// Looks until `condition` holds.
    /// - Returns: false when it did not within `limit`.
    static func holds(within limit: Duration, _ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            if try condition() { return true }
            if ContinuousClock.now >= deadline { return false }
            usleep(10_000)
        }
    }
}

/// Runs `body` for each of `range` at once, each on a thread of its own: it may block.
func concurrently<Value: Sendable>(
    _ range: Range<Int>, _ body: @escaping @Sendable (Int) throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        for index in range {
            group.addTask {
                let value = try await withCheckedThrowingContinuation { continuation in
                    Thread { continuation.resume(with: Result { try body(index) }) }.start()
                }
                return (index, value)
            }
        }
        var values: [(Int, Value)] = []
        for try await value in group { values.append(value) }
        return values.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
