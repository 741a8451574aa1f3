/// What the driving process asks of a slot. For one job: perhaps `startAhead`, long before; any number of `file`, one
/// `start`, perhaps `stop`; after `ended`, any number of `collect`; then `release`.
public enum SlotRequest: Equatable, Sendable {
    /// Bytes of a file below /box. A chunk with `begins` makes the file (it must not exist) and the folders above it;
    /// the chunks that follow are appended to it.
    case file(path: String, begins: Bool, executable: Bool, bytes: [UInt8])
    /// Runs a program in the parked sandbox.
    case start(JobStart)
    /// Ends the running job. The reason comes back in the report, so that the verdict is the supervisor's own.
    case stop(StopReason)
    /// Sends back regular files from /box, at most so many and so many bytes in all. Only after `ended`.
    case collect(patterns: [PathPattern], maximumBytes: UInt64, maximumFiles: UInt16)
    /// Takes the sandbox down and parks the next one, which answers by this number: what was on its way from another is
    /// told from it.
    case release(next: UInt32)
    /// Executes a program that the coming job is to have, but for its files: it comes up and is held as it opens its main
    /// file, a name in /box, until the `start` of just this program.
    case startAhead(JobStart, opens: String)

    /// Why the driving process ended a job.
    public enum StopReason: UInt8, Sendable {
        case output = 1
        case cancelled = 2
    }

    /// The most patterns of one `collect`: with the longest of them the message stays below `maximumMessageSize`.
    public static let maximumPatterns = 64

    /// The most bytes of one `file` chunk: the message around it stays below `maximumMessageSize`.
    public static let chunkSize = 64 << 10

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .file(let path, let begins, let executable, let bytes):
            writer.put(UInt8(1))
            writer.put(path)
            writer.put(begins)
            writer.put(executable)
            writer.put(bytes)
        case .start(let start):
            writer.put(UInt8(2))
            start.write(to: &writer)
        case .stop(let reason):
            writer.put(UInt8(3))
            writer.put(reason.rawValue)
        case .collect(let patterns, let maximumBytes, let maximumFiles):
            writer.put(UInt8(4))
            writer.put(patterns.map(\.text))
            writer.put(maximumBytes)
            writer.put(maximumFiles)
        case .release(let next):
            writer.put(UInt8(5))
            writer.put(next)
        case .startAhead(let start, let opens):
            writer.put(UInt8(6))
            start.write(to: &writer)
            writer.put(opens)
        }
        return writer.bytes
    }

    public init(decoding bytes: some Collection<UInt8>) throws(MalformedMessage) {
        var reader = ByteReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1:
            self = .file(
                path: try reader.string(), begins: try reader.boolean(), executable: try reader.boolean(),
                bytes: try reader.byteArray())
        case 2: self = .start(try JobStart(from: &reader))
        case 3:
            guard let reason = StopReason(rawValue: try reader.number()) else { throw MalformedMessage("stop reason") }
            self = .stop(reason)
        case 4:
            var patterns: [PathPattern] = []
            for text in try reader.strings(limit: Self.maximumPatterns) { patterns.append(try PathPattern(text)) }
            self = .collect(
                patterns: patterns, maximumBytes: try reader.number(),
                maximumFiles: try reader.number())
        case 5: self = .release(next: try reader.number())
        case 6:
            self = .startAhead(try JobStart(from: &reader), opens: try reader.string())
            guard case .startAhead(_, let opens) = self, !opens.isEmpty, !opens.contains("/") else {
                throw MalformedMessage("main file of a runtime")
            }
        default: throw MalformedMessage("unknown request to a slot")
        }
        try reader.end()
    }
}

/// The program to run, and its limits.
public struct JobStart: Equatable, Sendable {
    /// The absolute path of the program, then its arguments. NUL ends a C string, so no element holds one.
    public var arguments: [[UInt8]]
    /// `NAME=value` elements.
    public var environment: [[UInt8]]
    public var limits: ResourceLimits

    public init(arguments: [[UInt8]], environment: [[UInt8]], limits: ResourceLimits) {
        self.arguments = arguments
        self.environment = environment
        self.limits = limits
    }

    /// The most elements of the arguments and of the environment.
    public static let maximumElements = 256

    public func write(to writer: inout ByteWriter) {
        writer.put(arguments)
        writer.put(environment)
        limits.write(to: &writer)
    }

    public init(from reader: inout ByteReader) throws(MalformedMessage) {
        arguments = try reader.byteArrays(limit: Self.maximumElements)
        environment = try reader.byteArrays(limit: Self.maximumElements)
        limits = try ResourceLimits(from: &reader)
        guard arguments.first?.first == UInt8(ascii: "/") else { throw MalformedMessage("program path not absolute") }
        guard !arguments.joined().contains(0), !environment.joined().contains(0) else {
            throw MalformedMessage("NUL within an argument")
        }
    }
}

/// What a slot tells the driving process.
public enum SlotReply: Equatable, Sendable {
    /// A sandbox waits for its job, the one of that number. The write end of stdin and the read ends of stdout and stderr
    /// come with it.
    case parked(number: UInt32)
    /// A step failed; the job did not run. The driving process answers with `release`.
    case failed(StepFailure)
    /// The job has ended, nothing of it is alive, and its output pipes will end.
    case ended(SandboxReport)
    /// Bytes of a collected file, as with `SlotRequest.file`.
    case file(name: String, begins: Bool, executable: Bool, bytes: [UInt8])
    /// A file that `collect` asked for and that is left out, with its size where it has one. The path is bytes: a job
    /// chose it.
    case skipped(path: [UInt8], reason: SkipReason, bytes: UInt64)
    /// Everything that `collect` asked for has been sent, but so many further files that are left out as well.
    case collected(unlisted: UInt32)
    /// The runtime of `startAhead` has come up in the sandbox of that number; the most memory that it took.
    case startedAhead(number: UInt32, memory: UInt64)
    /// It has not; nothing is left of it, and the sandbox is of no more use.
    case notStartedAhead(number: UInt32, StepFailure)
    /// The slot itself could not be set up, and ends: nothing that was sent to it has been read.
    case notSetUp(StepFailure)

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .parked(let number):
            writer.put(UInt8(1))
            writer.put(number)
        case .failed(let failure):
            writer.put(UInt8(2))
            failure.write(to: &writer)
        case .ended(let report):
            writer.put(UInt8(3))
            report.write(to: &writer)
        case .file(let name, let begins, let executable, let bytes):
            writer.put(UInt8(4))
            writer.put(name)
            writer.put(begins)
            writer.put(executable)
            writer.put(bytes)
        case .collected(let unlisted):
            writer.put(UInt8(5))
            writer.put(unlisted)
        case .skipped(let path, let reason, let bytes):
            writer.put(UInt8(6))
            writer.put(path)
            writer.put(reason.rawValue)
            writer.put(bytes)
        case .startedAhead(let number, let memory):
            writer.put(UInt8(7))
            writer.put(number)
            writer.put(memory)
        case .notStartedAhead(let number, let failure):
            writer.put(UInt8(8))
            writer.put(number)
            failure.write(to: &writer)
        case .notSetUp(let failure):
            writer.put(UInt8(9))
            failure.write(to: &writer)
        }
        return writer.bytes
    }

    public init(decoding bytes: some Collection<UInt8>) throws(MalformedMessage) {
        var reader = ByteReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1: self = .parked(number: try reader.number())
        case 2: self = .failed(try StepFailure(from: &reader))
        case 3: self = .ended(try SandboxReport(from: &reader))
        case 4:
            self = .file(
                name: try reader.string(), begins: try reader.boolean(), executable: try reader.boolean(),
                bytes: try reader.byteArray())
        case 5: self = .collected(unlisted: try reader.number())
        case 6:
            let path = try reader.byteArray()
            guard let reason = SkipReason(rawValue: try reader.number()) else { throw MalformedMessage("skip reason") }
            self = .skipped(path: path, reason: reason, bytes: try reader.number())
        case 7: self = .startedAhead(number: try reader.number(), memory: try reader.number())
        case 8: self = .notStartedAhead(number: try reader.number(), try StepFailure(from: &reader))
        case 9: self = .notSetUp(try StepFailure(from: &reader))
        default: throw MalformedMessage("unknown reply of a slot")
        }
        try reader.end()
    }
}
