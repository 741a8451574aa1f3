/// What the supervisor of a sandbox saw of a job: the only ground of a verdict. Nothing in it comes from bytes that the
/// job wrote.
public struct SandboxReport: Equatable, Hashable, Sendable {
    /// The wait status of the job's main process (wait(2)); nil when the sandbox was killed before it ended.
    public var waitStatus: Int32?
    /// What the supervisor ended the job for.
    public var fired: Fired
    /// Nanoseconds from the start of the program to the moment at which the supervisor decided to end it, or saw it ended by
    /// the kernel for want of memory; nil where it ended by itself. What is left to `wallTime` is what dying took.
    public var firedAt: UInt64?
    /// Nanoseconds from the start of the program to its end.
    public var wallTime: UInt64
    /// Nanoseconds of CPU, user and system, of the whole tree since the start of the program.
    public var cpuTime: UInt64
    /// The most bytes of memory charged to the job at once.
    public var memoryPeak: UInt64
    /// Processes that the kernel's OOM killer ended in the job's control group.
    public var oomKills: UInt64
    /// How often a fork or clone failed on the limit of processes.
    public var processLimitHits: UInt64
    /// The most processes and threads at once, where the kernel counts them (pids.peak, Linux 6.12).
    public var processPeak: UInt64?
    /// Nanoseconds for which the CPU quota held the job back.
    public var throttled: UInt64
    /// Bytes that /box and /tmp could still take at the end.
    public var diskFree: UInt64
    /// Inodes that /box and /tmp could still take at the end.
    public var inodesFree: UInt64

    /// System calls that the job's filter refused, or let through but counted, by number.
    public var calls: [CallCount]

    /// The most entries of `calls`: more than there are system calls.
    public static let mostCallCounts = 1_024

    /// Several can hold: a limit may run out while another one's kill is under way.
    public struct Fired: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let cpuTime = Fired(rawValue: 1)
        public static let wallTime = Fired(rawValue: 2)
        public static let output = Fired(rawValue: 4)
        public static let memory = Fired(rawValue: 8)
        public static let cancelled = Fired(rawValue: 16)
        /// More refused system calls than a program makes by mistake.
        public static let deniedCalls = Fired(rawValue: 32)
        /// More of the calls that take uncounted memory of the kernel than a program needs.
        public static let watchedCalls = Fired(rawValue: 64)

        static let all: Fired = [.cpuTime, .wallTime, .output, .memory, .cancelled, .deniedCalls, .watchedCalls]
    }

    public init(
        waitStatus: Int32?, fired: Fired, firedAt: UInt64? = nil, wallTime: UInt64, cpuTime: UInt64,
        memoryPeak: UInt64, oomKills: UInt64, processLimitHits: UInt64, processPeak: UInt64?, throttled: UInt64,
        diskFree: UInt64, inodesFree: UInt64, calls: [CallCount] = []
    ) {
        self.waitStatus = waitStatus
        self.fired = fired
        self.firedAt = firedAt
        self.wallTime = wallTime
        self.cpuTime = cpuTime
        self.memoryPeak = memoryPeak
        self.oomKills = oomKills
        self.processLimitHits = processLimitHits
        self.processPeak = processPeak
        self.throttled = throttled
        self.diskFree = diskFree
        self.inodesFree = inodesFree
        self.calls = calls
    }

    func write(to writer: inout ByteWriter) {
        writer.put(waitStatus != nil)
        writer.put(waitStatus ?? 0)
        writer.put(fired.rawValue)
        writer.put(firedAt != nil)
        writer.put(firedAt ?? 0)
        writer.put(wallTime)
        writer.put(cpuTime)
        writer.put(memoryPeak)
        writer.put(oomKills)
        writer.put(processLimitHits)
        writer.put(processPeak != nil)
        writer.put(processPeak ?? 0)
        writer.put(throttled)
        writer.put(diskFree)
        writer.put(inodesFree)
        writer.put(UInt16(calls.count))
        for call in calls {
            writer.put(call.number)
            writer.put(call.count)
            writer.put(call.isDenied)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedMessage) {
        let exited = try reader.boolean()
        let status = try reader.number(Int32.self)
        guard exited || status == 0 else { throw MalformedMessage("a wait status of what has not ended") }
        waitStatus = exited ? status : nil
        fired = Fired(rawValue: try reader.number())
        guard fired.isSubset(of: .all) else { throw MalformedMessage("unknown reason for an end") }
        let told = try reader.boolean()
        let moment = try reader.number(UInt64.self)
        guard told || moment == 0 else { throw MalformedMessage("a moment at which nothing fired") }
        firedAt = told ? moment : nil
        wallTime = try reader.number()
        cpuTime = try reader.number()
        memoryPeak = try reader.number()
        oomKills = try reader.number()
        processLimitHits = try reader.number()
        let counted = try reader.boolean()
        let peak = try reader.number(UInt64.self)
        guard counted || peak == 0 else { throw MalformedMessage("a peak that was not counted") }
        processPeak = counted ? peak : nil
        throttled = try reader.number()
        diskFree = try reader.number()
        inodesFree = try reader.number()
        let count = Int(try reader.number(UInt16.self))
        guard count <= Self.mostCallCounts else { throw MalformedMessage("more system calls than there are") }
        calls = []
        for _ in 0..<count {
            calls.append(
                CallCount(
                    number: try reader.number(), count: try reader.number(), isDenied: try reader.boolean()))
        }
    }
}

/// How often a job made one system call that its filter asks the supervisor about.
public struct CallCount: Equatable, Hashable, Sendable {
    /// The call's number on x86-64.
    public var number: Int32
    public var count: UInt32
    /// Whether it was refused; else it was carried out.
    public var isDenied: Bool

    public init(number: Int32, count: UInt32, isDenied: Bool) {
        self.number = number
        self.count = count
        self.isDenied = isDenied
    }
}
