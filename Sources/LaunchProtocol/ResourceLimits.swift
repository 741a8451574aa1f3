/// The limits of one run in a sandbox. Every one is finite and greater than zero.
public struct ResourceLimits: Equatable, Hashable, Sendable {
    /// Wall time in nanoseconds, from the start of the program.
    public var wallTime: UInt64
    /// CPU time in nanoseconds, user and system, of the whole process tree.
    public var cpuTime: UInt64
    /// Memory in bytes: memory.max, with no swap.
    public var memory: UInt64
    /// Processes and threads: pids.max.
    public var processes: UInt32
    /// Bytes that any one file may grow to: RLIMIT_FSIZE.
    public var fileSize: UInt64
    /// Bytes of the tmpfs behind /box and /tmp.
    public var disk: UInt64
    /// Inodes that the job may have in /box and /tmp, files handed to it included.
    public var inodes: UInt32
    /// Descriptors of one process: RLIMIT_NOFILE.
    public var openFiles: UInt32
    /// CPU time per period, in thousandths of a CPU.
    public var milliCPUs: UInt32

    public init(
        wallTime: UInt64, cpuTime: UInt64, memory: UInt64, processes: UInt32, fileSize: UInt64, disk: UInt64,
        inodes: UInt32, openFiles: UInt32, milliCPUs: UInt32
    ) {
        self.wallTime = wallTime
        self.cpuTime = cpuTime
        self.memory = memory
        self.processes = processes
        self.fileSize = fileSize
        self.disk = disk
        self.inodes = inodes
        self.openFiles = openFiles
        self.milliCPUs = milliCPUs
    }

    /// Whether every limit is at least one and none is above `maximum`.
    public func isWithin(_ maximum: ResourceLimits) -> Bool {
        func fits<Number: FixedWidthInteger>(_ value: Number, _ most: Number) -> Bool { value >= 1 && value <= most }
        return fits(wallTime, maximum.wallTime) && fits(cpuTime, maximum.cpuTime) && fits(memory, maximum.memory)
            && fits(processes, maximum.processes) && fits(fileSize, maximum.fileSize) && fits(disk, maximum.disk)
            && fits(inodes, maximum.inodes) && fits(openFiles, maximum.openFiles)
            && fits(milliCPUs, maximum.milliCPUs)
    }

    func write(to writer: inout ByteWriter) {
        writer.put(wallTime)
        writer.put(cpuTime)
        writer.put(memory)
        writer.put(processes)
        writer.put(fileSize)
        writer.put(disk)
        writer.put(inodes)
        writer.put(openFiles)
        writer.put(milliCPUs)
    }

    init(from reader: inout ByteReader) throws(MalformedMessage) {
        wallTime = try reader.number()
        cpuTime = try reader.number()
        memory = try reader.number()
        processes = try reader.number()
        fileSize = try reader.number()
        disk = try reader.number()
        inodes = try reader.number()
        openFiles = try reader.number()
        milliCPUs = try reader.number()
    }
}
