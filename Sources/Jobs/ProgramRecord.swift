/// How one program ended, what it wrote and what it took: the part that a job's result and that of each of its cases share.
public struct ProgramRecord: Sendable, Equatable {
    /// What the program wrote, as much of it as the result has room for, in the encoding that the request asked for.
    public var stdout: String
    public var stderr: String
    /// Nil where the program did not exit by itself.
    public var exitCode: Int?
    /// The name of the signal that ended the program (`SIGSEGV`), or nil.
    public var signal: String?
    /// For people: why the status is what it is, or nil.
    public var message: String?
    /// Milliseconds from the program's start to its end.
    public var wallTimeMs: Double
    /// Milliseconds of CPU, user and system, of all its processes.
    public var cpuTimeMs: Double
    /// The most memory in bytes that it held at once.
    public var memoryBytes: Int
    /// Bytes that came out of the pipe, before any decoding, also where fewer are kept.
    public var stdoutBytes: Int
    public var stderrBytes: Int
    /// Whether more came than is kept.
    public var stdoutTruncated: Bool
    public var stderrTruncated: Bool
    /// Whether bytes that are not UTF-8 were replaced by U+FFFD.
    public var stdoutLossy: Bool
    public var stderrLossy: Bool

    public init(
        stdout: String = "", stderr: String = "", exitCode: Int? = nil, signal: String? = nil, message: String? = nil,
        wallTimeMs: Double = 0, cpuTimeMs: Double = 0, memoryBytes: Int = 0, stdoutBytes: Int = 0,
        stderrBytes: Int = 0, stdoutTruncated: Bool = false, stderrTruncated: Bool = false, stdoutLossy: Bool = false,
        stderrLossy: Bool = false
    ) {
        self.stdout = stdout
        self.stderr = stderr
        self.exitCode = exitCode
        self.signal = signal
        self.message = message
        self.wallTimeMs = wallTimeMs
        self.cpuTimeMs = cpuTimeMs
        self.memoryBytes = memoryBytes
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.stdoutTruncated = stdoutTruncated
        self.stderrTruncated = stderrTruncated
        self.stdoutLossy = stdoutLossy
        self.stderrLossy = stderrLossy
    }

    /// Bytes of the texts in it.
    var textBytes: Int { stdout.utf8.count + stderr.utf8.count + (message?.utf8.count ?? 0) }
}

// The wire form, writing and reading side by side. A result of a job has fields of its own between the two runs.

extension ProgramRecord {
    /// From `stdout` to `memoryBytes`.
    var endMembers: [JSONObject.Member] {
        [
            .init(name: "stdout", value: .string(stdout)), .init(name: "stderr", value: .string(stderr)),
            .init(name: "exitCode", value: .optional(exitCode)), .init(name: "signal", value: .optional(signal)),
            .init(name: "message", value: .optional(message)), .init(name: "wallTimeMs", value: .double(wallTimeMs)),
            .init(name: "cpuTimeMs", value: .double(cpuTimeMs)),
            .init(name: "memoryBytes", value: .integer(memoryBytes)),
        ]
    }

    /// From `stdoutBytes` to `stderrLossy`.
    var streamMembers: [JSONObject.Member] {
        [
            .init(name: "stdoutBytes", value: .integer(stdoutBytes)),
            .init(name: "stderrBytes", value: .integer(stderrBytes)),
            .init(name: "stdoutTruncated", value: .bool(stdoutTruncated)),
            .init(name: "stderrTruncated", value: .bool(stderrTruncated)),
            .init(name: "stdoutLossy", value: .bool(stdoutLossy)),
            .init(name: "stderrLossy", value: .bool(stderrLossy)),
        ]
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            stdout: try fields.string("stdout"), stderr: try fields.string("stderr"),
            exitCode: try fields.optionalInteger("exitCode"), signal: try fields.optionalString("signal"),
            message: try fields.optionalString("message"), wallTimeMs: try fields.double("wallTimeMs"),
            cpuTimeMs: try fields.double("cpuTimeMs"), memoryBytes: try fields.integer("memoryBytes"),
            stdoutBytes: try fields.integer("stdoutBytes"), stderrBytes: try fields.integer("stderrBytes"),
            stdoutTruncated: try fields.bool("stdoutTruncated"), stderrTruncated: try fields.bool("stderrTruncated"),
            stdoutLossy: try fields.bool("stdoutLossy"), stderrLossy: try fields.bool("stderrLossy"))
    }
}
