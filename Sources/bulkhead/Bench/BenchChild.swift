import Foundation
import Glibc
import Isolation
import Linux

/// A process that the bench has started and asks by lines: a line to its standard input, a line from its standard output.
final class BenchChild {
    let pid: Int32
    let name: String
    private let input: Descriptor
    private let output: Descriptor
    private var buffer: [UInt8] = []
    private var isReaped = false

    /// An answer may hold a compiled program in base64.
    private static let longestLine = 64 << 20

    /// Starts `arguments`, the program's path first.
    /// - Throws: `IsolationError`.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        self.name = name
        let toChild = try Linux.Pipe()
        let fromChild = try Linux.Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.reader.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.writer.raw, 1)
        var pid: pid_t = 0
        try Self.spawn(&pid, &actions, arguments, environment)
        self.pid = pid
        BenchCleanup.add(process: pid)
        input = toChild.writer
        output = fromChild.reader
    }

    /// Starts a service that is not asked by lines: what it says goes to a file.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:], log: String) throws {
        self.name = name
        let toChild = try Linux.Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.reader.raw, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var pid: pid_t = 0
        try Self.spawn(&pid, &actions, arguments, environment)
        self.pid = pid
        BenchCleanup.add(process: pid)
        input = toChild.writer
        output = try Descriptor.open("/dev/null", O_RDONLY)
    }

    private static func spawn(
        _ pid: inout pid_t, _ actions: inout posix_spawn_file_actions_t, _ arguments: [String],
        _ environment: [String: String]
    ) throws {
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in vector + variables { free(pointer) } }
        let error = BenchCleanup.withUsualSignals {
            posix_spawnp(&pid, arguments[0], &actions, $0, &vector, &variables)
        }
        guard error == 0 else { throw IsolationError(.host, "\(arguments[0]): \(SystemError.text(error))") }
    }

    deinit { stop() }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        guard !isReaped else { return true }
        var status: Int32 = 0
        if waitpid(pid, &status, WNOHANG) == pid {
            isReaped = true
            BenchCleanup.remove(process: pid)
        }
        return isReaped
    }

    /// SIGTERM, the wait for its end, and SIGKILL where that does not come.
    func stop(within milliseconds: Int = 30_000) {
        guard !hasEnded else { return }
        kill(pid, SIGTERM)
        for _ in 0..<(milliseconds / 10) {
            if hasEnded { return }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        isReaped = true
        BenchCleanup.remove(process: pid)
    }

    /// Sends a line and waits for the line that answers it.
    /// - Throws: `IsolationError` where it ended instead; what it had to say of that is on standard error.
    func ask(_ line: String) throws -> String {
        var rest = Array("\(line)\n".utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(input.raw, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw IsolationError(.host, "\(name) has ended") }
            rest = rest.dropFirst(count)
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if buffer.last == UInt8(ascii: "\n") {
                defer { buffer.removeAll() }
                return String(decoding: buffer.dropLast(), as: UTF8.self)
            }
            let count = read(output.raw, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0, buffer.count + count <= Self.longestLine else {
                throw IsolationError(.host, "\(name) has ended")
            }
            buffer += chunk[0..<count]
        }
    }
}

/// The engine of a bench, in a process of its own.
final class EngineProcess {
    let child: BenchChild

    /// - Throws: `IsolationError` where it does not start; what it says of that goes to standard error.
    init(_ options: EngineOptions, images: [String], slots: Int, aheadMemory: Int = 0) throws {
        let arguments =
            [
                Installation.executable, "bench-engine", "--slots", "\(slots)", "--images",
                images.joined(separator: ","),
                "--ahead-memory", "\(aheadMemory)",
            ] + options.arguments
        child = try BenchChild("the engine's process", arguments, environment: ProcessInfo.processInfo.environment)
    }

    func ask(_ request: EngineExchange.Request) throws -> EngineExchange.Reply {
        let line = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
        let reply = try JSONDecoder().decode(EngineExchange.Reply.self, from: Data(try child.ask(line).utf8))
        if let error = reply.error { throw IsolationError(.host, error) }
        return reply
    }

    /// Ends the engine.
    /// - Returns: what it left on the host.
    @discardableResult
    func end() throws -> [String] {
        let left = try ask(.end).findings
        child.stop()
        return left
    }

    /// User and system time so far of the engine's process, its launcher, its slots and their jobs, in nanoseconds.
    var cpuTime: UInt64 { get throws { try ProcessFamily.cpuTime(of: child.pid) } }
}

extension EngineOptions {
    /// The same again for another process.
    var arguments: [String] {
        let given = [
            ("--config", configuration.config), ("--state-dir", stateDir), ("--recipes", recipes),
            ("--policies", policies), ("--launcher", launcher),
        ]
        return given.flatMap { name, value in value.map { [name, $0] } ?? [] }
    }
}
