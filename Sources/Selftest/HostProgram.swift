import CLinux
import Glibc
import Isolation
import Linux

/// The attack program as a process of the host: for its table, and as the witness. Its standard input and output are
/// pipes; it inherits nothing else.
final class HostProgram {
    let pid: pid_t
    private let input: Int32
    private let output: Int32
    private var buffer: [UInt8] = []
    private var isReaped = false

    init(_ path: String, arguments: [String], environment: [String: String]) throws {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        try attempt("pipe") { bk_pipe(&toChild) }
        try attempt("pipe") { bk_pipe(&fromChild) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        var vector = ([path] + arguments).map { strdup($0) }
        vector.append(nil)
        var variables = environment.map { strdup("\($0.key)=\($0.value)") }
        variables.append(nil)
        defer { for pointer in vector + variables { free(pointer) } }
        var pid: pid_t = -1
        let result = posix_spawn(&pid, path, &actions, nil, vector, variables)
        close(toChild[0])
        close(fromChild[1])
        guard result == 0 else {
            close(toChild[1])
            close(fromChild[0])
            throw SystemError("start \(path)", errno: result)
        }
        self.pid = pid
        input = toChild[1]
        output = fromChild[0]
    }

    deinit {
        close(input)
        close(output)
        guard !isReaped else { return }
        // Its standard input has ended, and with it what it is for; it cleans up by itself.
        var status: Int32 = 0
        for _ in 0..<200 {
            if waitpid(pid, &status, WNOHANG) != 0 { return }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
    }

    /// The next line, without its end; nil at the end of the output.
    /// - Throws: `IsolationError` when nothing comes within `milliseconds`.
    func line(within milliseconds: Int32) throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard try fill(within: milliseconds) else { return nil }
        }
    }

    /// Everything up to the end of the output.
    func rest(within milliseconds: Int32) throws -> [UInt8] {
        while try fill(within: milliseconds) {
            guard buffer.count < 16 << 20 else {
                throw IsolationError(.host, "the attack program does not stop talking")
            }
        }
        return buffer
    }

    func send(_ line: String) throws {
        let bytes = Array("\(line)\n".utf8)
        guard write(input, bytes, bytes.count) == bytes.count else { throw SystemError("write", errno: errno) }
    }

    /// Waits for its end.
    /// - Returns: the exit code, or -1 where a signal ended it.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }

    private func fill(within milliseconds: Int32) throws -> Bool {
        var poll = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) > 0 else {
            throw IsolationError(.host, "the attack program does not answer")
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = read(output, &chunk, chunk.count)
        guard count >= 0 else { throw SystemError("read", errno: errno) }
        buffer.append(contentsOf: chunk[..<count])
        return count > 0
    }
}
