/// What a job may use. Every field has a value once a request has been validated; nothing is ever "unlimited".
///
/// The names are those of the wire (`limits` in a request, `evidence.limits` in an answer).
public struct Limits: Sendable, Equatable, Codable {
    /// Wall time in milliseconds, from the start of the program to its end.
    public var wallTimeMs: Int
    /// CPU time in milliseconds, user and system, of all processes and threads together.
    public var cpuTimeMs: Int
    /// Memory in bytes, file systems of the job (tmpfs) and page cache included; swap is never used.
    public var memoryBytes: Int
    /// Processes and threads alive at once.
    public var processes: Int
    /// Bytes of stdout and stderr together.
    public var outputBytes: Int
    /// Size in bytes that any one file may grow to.
    public var fileBytes: Int
    /// Bytes that /box and /tmp may hold together.
    public var diskBytes: Int
    /// Inodes that /box and /tmp may hold together.
    public var inodes: Int
    /// Descriptors open at once in one process.
    public var openFiles: Int
    /// CPUs' worth of time per period: 1.0 is one whole CPU.
    public var cpus: Double

    public init(
        wallTimeMs: Int, cpuTimeMs: Int, memoryBytes: Int, processes: Int, outputBytes: Int, fileBytes: Int,
        diskBytes: Int, inodes: Int, openFiles: Int, cpus: Double
    ) {
        self.wallTimeMs = wallTimeMs
        self.cpuTimeMs = cpuTimeMs
        self.memoryBytes = memoryBytes
        self.processes = processes
        self.outputBytes = outputBytes
        self.fileBytes = fileBytes
        self.diskBytes = diskBytes
        self.inodes = inodes
        self.openFiles = openFiles
        self.cpus = cpus
    }

    /// What a program gets when its request says nothing.
    public static let standard = Limits(
        wallTimeMs: 10_000, cpuTimeMs: 5_000, memoryBytes: 128 << 20, processes: 64, outputBytes: 1 << 20,
        fileBytes: 16 << 20, diskBytes: 64 << 20, inodes: 4_096, openFiles: 256, cpus: 1)

    /// What the compile stage gets; its `outputBytes` bound the diagnostics.
    public static let compile = Limits(
        wallTimeMs: 20_000, cpuTimeMs: 10_000, memoryBytes: 512 << 20, processes: 64, outputBytes: 64 << 10,
        fileBytes: 64 << 20, diskBytes: 256 << 20, inodes: 4_096, openFiles: 256, cpus: 1)

    /// The most that a request may ask for, on a host with `cores` processors.
    public static func maximum(cores: Int) -> Limits {
        Limits(
            wallTimeMs: 60_000, cpuTimeMs: 60_000, memoryBytes: 1 << 30, processes: 256, outputBytes: 8 << 20,
            fileBytes: 64 << 20, diskBytes: 256 << 20, inodes: 65_536, openFiles: 1_024, cpus: Double(max(1, cores)))
    }

    /// Field by field the larger of the two.
    public func largest(_ other: Limits) -> Limits {
        Limits(
            wallTimeMs: max(wallTimeMs, other.wallTimeMs), cpuTimeMs: max(cpuTimeMs, other.cpuTimeMs),
            memoryBytes: max(memoryBytes, other.memoryBytes), processes: max(processes, other.processes),
            outputBytes: max(outputBytes, other.outputBytes), fileBytes: max(fileBytes, other.fileBytes),
            diskBytes: max(diskBytes, other.diskBytes), inodes: max(inodes, other.inodes),
            openFiles: max(openFiles, other.openFiles), cpus: max(cpus, other.cpus))
    }
}
