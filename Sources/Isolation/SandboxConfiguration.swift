import LaunchProtocol

/// One program to run in a fresh sandbox.
public struct SandboxConfiguration: Sendable {
    /// A file for /box.
    public struct File: Equatable, Sendable {
        /// Relative to /box, without `.` or `..`.
        public var path: String
        public var contents: [UInt8]
        public var isExecutable: Bool

        public init(path: String, contents: [UInt8], isExecutable: Bool = false) {
            self.path = path
            self.contents = contents
            self.isExecutable = isExecutable
        }
    }

    /// Where the program's standard input comes from.
    public enum Input: Sendable {
        /// These bytes, then the end of file.
        case bytes([UInt8])
        /// Whatever can be read from a descriptor of this process, as it arrives; the caller keeps it open.
        case descriptor(Int32)
        /// What somebody adds to while the program runs.
        case live(LiveInput)
    }

    /// What lets the program be started before the job is there.
    public struct Ahead: Equatable, Hashable, Sendable {
        /// The name in /box of the file that it opens once it has come up, and that is the first thing it wants to know of
        /// the job. It is among the job's files.
        public var opens: String
        /// What the program may use while it comes up. The job's own limits hold from its start on.
        public var limits: ResourceLimits

        public init(opens: String, limits: ResourceLimits) {
            self.opens = opens
            self.limits = limits
        }
    }

    /// The image, by the index of `EngineConfiguration.images`.
    public var image: Int
    /// The policy, by the index of `EngineConfiguration.policies`.
    public var policy: Int
    /// The program's absolute path within the image, then its arguments.
    public var arguments: [String]
    /// The whole environment; nothing of this process's is added.
    public var environment: [String: String]
    public var files: [File]
    public var standardInput: Input
    /// The terminal that the program runs on; nil for pipes. Only for an engine that was started for it.
    public var terminal: Terminal?
    /// Where others may look at the output while the program runs; nil where nobody does.
    public var tap: OutputTap?
    public var limits: ResourceLimits
    /// Bytes of stdout and stderr together that are kept.
    public var outputLimit: Int
    /// Whether one byte more ends the job, as it does for programs; a compiler may go on, its further diagnostics dropped.
    public var endsAtOutputLimit: Bool
    /// Files to take out of /box afterwards, as `PathPattern` has it.
    public var collect: [String]
    /// Bytes of all collected files together.
    public var collectLimit: Int
    /// The most files to take.
    public var collectCount: Int
    /// Whether files are taken whatever the program came to, unless it was cancelled; else only after exit code 0.
    public var collectsAlways: Bool
    /// Where the program may have been started ahead; nil where it is always started for the job.
    public var ahead: Ahead?

    public init(
        image: Int = 0, policy: Int = 0, arguments: [String], environment: [String: String] = [:], files: [File] = [],
        standardInput: Input = .bytes([]), limits: ResourceLimits, outputLimit: Int, endsAtOutputLimit: Bool = true,
        collect: [String] = [], collectLimit: Int = 0, collectCount: Int = 256, collectsAlways: Bool = false,
        ahead: Ahead? = nil, tap: OutputTap? = nil, terminal: Terminal? = nil
    ) {
        self.image = image
        self.policy = policy
        self.arguments = arguments
        self.environment = environment
        self.files = files
        self.standardInput = standardInput
        self.limits = limits
        self.outputLimit = outputLimit
        self.endsAtOutputLimit = endsAtOutputLimit
        self.collect = collect
        self.collectLimit = collectLimit
        self.collectCount = collectCount
        self.collectsAlways = collectsAlways
        self.ahead = ahead
        self.tap = tap
        self.terminal = terminal
    }
}

extension SandboxConfiguration {
    /// The request that starts the program.
    ///
    /// Checked before a slot is taken: a slot that got a message without the agreed form would end, for the sender of such
    /// a thing is not to be trusted, and a message above the limit could not be sent at all.
    func start() throws(IsolationError) -> SlotRequest {
        func demand(_ isMet: Bool, _ reason: String) throws(IsolationError) {
            if !isMet { throw IsolationError(.invalid, reason) }
        }
        func isText(_ value: String) -> Bool { !value.utf8.contains(0) }
        try demand(arguments.first?.hasPrefix("/") == true, "the program's path is not absolute")
        try demand(arguments.count <= JobStart.maximumElements, "too many arguments")
        try demand(environment.count <= JobStart.maximumElements, "too many environment variables")
        try demand(arguments.allSatisfy(isText), "NUL within an argument")
        try demand(
            environment.allSatisfy { !$0.key.isEmpty && !$0.key.contains("=") && isText($0.key) && isText($0.value) },
            "an environment variable without a proper name or value")
        try demand(outputLimit >= 0 && collectLimit >= 0, "a limit below zero")
        // tmpfs counts whole pages, and an inode for each file and folder; it cannot be made smaller than what is in it.
        let bytes = files.reduce(UInt64(0)) { $0 + (UInt64($1.contents.count) + 4_095) / 4_096 * 4_096 }
        try demand(bytes <= limits.disk, "the files are larger than the disk limit")
        let entries = Set(
            files.flatMap { file in
                let names = file.path.split(separator: "/")
                return names.indices.map { names[...$0].joined(separator: "/") }
            })
        try demand(entries.count <= limits.inodes, "more files and folders than the limit of inodes")
        try demand(files.allSatisfy { $0.path.utf8.count < 4_096 }, "a file path that is too long")
        _ = try patterns()
        let start = SlotRequest.start(JobStart(arguments: arguments, environment: environment, limits: limits))
        try demand(
            start.encoded().count <= maximumMessageSize, "arguments and environment are larger than a message can be")
        return start
    }

    /// What to collect, in the form in which a slot takes it.
    func patterns() throws(IsolationError) -> [PathPattern] {
        guard collect.count <= SlotRequest.maximumPatterns, collectLimit >= 0, (0...1_024).contains(collectCount) else {
            throw IsolationError(.invalid, "too many patterns or files to collect")
        }
        var patterns: [PathPattern] = []
        for text in collect {
            do throws(MalformedMessage) {
                patterns.append(try PathPattern(text))
            } catch {
                throw IsolationError(.invalid, "to collect: \(error.reason)")
            }
        }
        return patterns
    }
}
