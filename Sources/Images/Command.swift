import CLinux
import Glibc
import Synchronization

/// One external program, run to its end on the calling thread, its output read line by line with bounds.
///
/// The kernel kills the program when the thread that started it ends (`setpriv --pdeathsig`), so an interrupted build
/// leaves nothing running. For that reason nothing here hops threads, and it is posix_spawn and waitpid: Foundation's
/// Process waits by way of a socket pair of its own and was seen to wait for ever where the loopback device is down.
struct Command {
    /// The program's absolute path, and its arguments.
    var argv: [String]
    /// The whole environment; nothing of this process's goes along.
    var environment: [String: String] = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"]
    /// Seconds after which it is killed, or nil for a step that has its own time limits.
    var seconds: Int?

    struct Result {
        /// The exit code, or 128 and the signal's number.
        var status: Int32
        /// The last lines of stdout and stderr together, at most ``Command/keptLines``.
        var lines: [String]

        var text: String { lines.joined(separator: "\n") }
    }

    static let keptLines = 400
    static let keptLineBytes = 4_096
    /// The status of a program whose time ran out, as timeout(1) has it.
    static let timedOut: Int32 = 124

    /// Runs the program; `line` is called with each line of its output as it comes.
    func run(line: (String) -> Void = { _ in }) throws(ImageError) -> Result {
        let (child, output) = try start()
        defer { close(output) }
        let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
        var kept: [String] = []
        let readError = drain(output, until: deadline, group: child) { text in
            kept.append(text)
            if kept.count > Self.keptLines { kept.removeFirst() }
            line(text)
        }
        // What it started and left behind holds nothing that a build needs.
        kill(-child, SIGKILL)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw FileSystem.failure("waitpid", argv.first ?? "") }
        }
        guard readError == 0 else { throw .system(operation: "read", path: "output of \(argv)", errno: readError) }
        if let deadline, ContinuousClock.now >= deadline { return Result(status: Self.timedOut, lines: kept) }
        // The wait status as <sys/wait.h> reads it: the signal in the low seven bits, else the exit code above.
        let signal = status & 0x7f
        return Result(status: signal != 0 ? 128 + signal : (status >> 8) & 0xff, lines: kept)
    }

    /// Held from the making of a pipe until its writing end is closed here: a program started in between by another
    /// thread would inherit that end, and the reader would wait for it too. (Glibc's module has no pipe2.)
    private static let starting = Mutex(())

    /// Starts the program and returns its process id and the reading end of its output.
    private func start() throws(ImageError) -> (child: pid_t, output: Int32) {
        try Self.starting.withLock { _ throws(ImageError) in
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw FileSystem.failure("pipe for", argv.first ?? "") }
            defer { close(ends[1]) }
            do throws(ImageError) {
                for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 {
                    throw FileSystem.failure("fcntl for", argv.first ?? "")
                }
                return (try spawn(output: ends[1]), ends[0])
            } catch {
                close(ends[0])
                throw error
            }
        }
    }

    /// Starts the program in a process group of its own, stdin empty, stdout and stderr into `output`.
    private func spawn(output: Int32) throws(ImageError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var signals = sigset_t()
        sigfillset(&signals)
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        for result in [
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output, 1),
            posix_spawn_file_actions_adddup2(&actions, output, 2),
            // What whoever started this process left open, too: mmdebstrap fails where the first ten are taken, because dash
            // cannot name a descriptor of two digits.
            bk_spawn_close_from(&actions, 3),
            posix_spawnattr_setpgroup(&attributes, 0),
            posix_spawnattr_setsigdefault(&attributes, &signals),
            posix_spawnattr_setsigmask(&attributes, &unblocked),
            posix_spawnattr_setflags(&attributes, Int16(flags)),
        ] where result != 0 {
            throw .system(operation: "preparing", path: argv.first ?? "", errno: result)
        }
        let words = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] + argv
        let arguments = words.map { strdup($0) } + [nil]
        let variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, "/usr/bin/setpriv", &actions, &attributes, arguments, variables)
        guard result == 0 else { throw .system(operation: "starting", path: argv.first ?? "", errno: result) }
        return child
    }

    /// Reads to the end of the output, or to the deadline; at the deadline the whole group is killed.
    ///
    /// Returns the errno of a read that failed, or 0.
    private func drain(
        _ descriptor: Int32, until deadline: ContinuousClock.Instant?, group: pid_t, line: (String) -> Void
    ) -> Int32 {
        var splitter = LineSplitter(maximumBytes: Self.keptLineBytes)
        defer { if let text = splitter.rest() { line(text) } }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            var wait: Int32 = -1
            if let deadline {
                let left = (deadline - ContinuousClock.now) / .milliseconds(1)
                if left <= 0 {
                    kill(-group, SIGKILL)
                    return 0
                }
                wait = Int32(min(left.rounded(.up), 1_000_000))
            }
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&watched, 1, wait)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            if ready < 0 { return errno }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : 0 }
            for text in splitter.add(buffer[..<count]) { line(text) }
        }
    }

    /// Runs the program and fails, with its last lines, unless it exits with 0.
    func succeed(_ step: String, line: (String) -> Void = { _ in }) throws(ImageError) -> Result {
        let result = try run(line: line)
        guard result.status == 0 else {
            let tail = result.lines.suffix(12).joined(separator: "\n  ")
            let reason =
                result.status == Self.timedOut && seconds != nil
                ? "no end after \(seconds ?? 0) s" : "exit code \(result.status)"
            throw .step(name: step, detail: "\(reason)\(tail.isEmpty ? "" : "\n  \(tail)")")
        }
        return result
    }
}

/// Cuts a byte stream into lines; of a line that is too long the end is dropped.
struct LineSplitter {
    let maximumBytes: Int
    private var partial: [UInt8] = []

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// The lines that `bytes` complete. A carriage return ends a line too: progress bars are made of them.
    mutating func add(_ bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let line = rest() { lines.append(line) }
            } else if partial.count < maximumBytes {
                partial.append(byte)
            }
        }
        return lines
    }

    /// What came after the last line's end, or nil.
    mutating func rest() -> String? {
        guard !partial.isEmpty else { return nil }
        defer { partial.removeAll(keepingCapacity: true) }
        return String(decoding: partial, as: UTF8.self)
    }
}
