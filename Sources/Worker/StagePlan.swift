import Isolation
import Jobs

/// What a job comes to: perhaps a compilation, then the program, each in a sandbox of its own.
struct StagePlan {
    /// One run in one sandbox.
    struct Stage {
        /// The policy, by the engine's index.
        var policy: Int
        var arguments: [String]
        var environment: [String: String]
        var limits: Limits
        /// What lets the program be started before its job is there.
        var ahead: SandboxConfiguration.Ahead?
    }

    let language: Language
    let image: Int
    let compile: Stage?
    let run: Stage

    /// What every program finds in its environment; the language's own variables and the request's follow.
    static let fixedEnvironment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/box",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": "/tmp",
    ]

    init(
        request: ExecutionRequest, language: Language, placement: ServedLanguages.Placement, standard: Limits,
        compileLimits: Limits
    ) {
        self.language = language
        image = placement.image
        let environment = Self.fixedEnvironment.merging(language.environment) { _, own in own }
        let limits = request.limits(language: language, standard: standard)
        if let command = language.compile {
            let limits = compileLimits.adapted(toCompile: language)
            compile = Stage(
                policy: placement.compilePolicy,
                arguments: Self.expand(command, file: request.mainFile, memoryBytes: limits.memoryBytes),
                environment: environment, limits: limits)
        } else {
            compile = nil
        }
        run = Stage(
            policy: placement.policy,
            arguments: Self.expand(language.run, file: request.mainFile, memoryBytes: limits.memoryBytes)
                + request.arguments,
            // The request's last, over everything but PATH, which it may not set.
            environment: environment.merging(request.environment) { _, own in own }, limits: limits,
            ahead: Self.ahead(of: language, for: request, limits: limits, standard: standard))
    }

    /// Only what all jobs of the language have in common can be there before them: the recipe's own command line and
    /// variables. What a runtime found out about its limits as it came up must hold for the job, too.
    private static func ahead(
        of language: Language, for request: ExecutionRequest, limits: Limits, standard: Limits
    ) -> SandboxConfiguration.Ahead? {
        guard let ahead = language.ahead, request.arguments.isEmpty, request.environment.isEmpty,
            request.files.allSatisfy({ file in !ahead.unless.contains { file.path.isAtOrBelow($0) } })
        else { return nil }
        let usual = standard.adapted(to: language)
        func command(_ limits: Limits) -> [String] {
            expand(language.run, file: request.mainFile, memoryBytes: limits.memoryBytes)
        }
        guard request.mainFile == language.fileName, command(limits) == command(usual),
            limits.processes >= usual.processes, limits.openFiles >= usual.openFiles
        else { return nil }
        return .init(opens: ahead.opened(mainFile: request.mainFile), limits: usual.resources)
    }

    /// Puts the main file's name and the heap's size where the recipe has their places.
    private static func expand(_ command: [String], file: String, memoryBytes: Int) -> [String] {
        // A managed heap at the limit itself would be killed by its own runtime's overhead.
        let heap = max(1, (memoryBytes / 10 * 6) >> 20)
        return command.map { element in
            element == "{file}" ? file : element.replacing("{heapMiB}", with: "\(heap)")
        }
    }
}

extension String {
    /// Whether this path is that file or folder, or in it.
    fileprivate func isAtOrBelow(_ path: String) -> Bool { self == path || hasPrefix("\(path)/") }
}

extension Limits {
    /// What the compile stage of `language` gets.
    public func adapted(toCompile language: Language) -> Limits {
        var limits = self
        if let memory = language.compileMemoryBytes { limits.memoryBytes = max(limits.memoryBytes, memory) }
        return limits
    }

    /// As the engine takes them.
    public var resources: ResourceLimits {
        ResourceLimits(
            wallTime: UInt64(wallTimeMs) * 1_000_000, cpuTime: UInt64(cpuTimeMs) * 1_000_000,
            memory: UInt64(memoryBytes), processes: UInt32(processes), fileSize: UInt64(fileBytes),
            disk: UInt64(diskBytes), inodes: UInt32(inodes), openFiles: UInt32(openFiles),
            milliCPUs: UInt32((cpus * 1_000).rounded(.up)))
    }
}
