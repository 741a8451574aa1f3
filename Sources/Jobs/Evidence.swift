/// What the supervisor itself saw, so that a verdict can be checked.
public struct Evidence: Sendable, Equatable {
    /// The limits that held; nil where no program ran.
    public var limits: Limits?
    public var peak: Peak
    public var events: Events
    /// The wire name of the limit that ended the program (`wallTimeMs`, `memoryBytes`), or nil.
    public var firedLimit: String?
    /// Milliseconds from the start of the program to the moment at which it was ended for a limit; nil where it came to its
    /// own end.
    public var firedAtMs: Double?
    /// System calls that the filter refused, by name.
    public var deniedSyscalls: [DeniedSyscall]
    /// What the program was started from; nil where none ran.
    public var start: Start?
    /// Whether the host was so busy that times may be longer than they should be.
    public var contended: Bool

    /// The most that was in use at once; nil where the host does not say.
    public struct Peak: Sendable, Equatable {
        public var memoryBytes: Int?
        public var processes: Int?
        /// Bytes and inodes in use on the job's own file systems at its end.
        public var diskBytes: Int?
        public var inodes: Int?

        public init(memoryBytes: Int? = nil, processes: Int? = nil, diskBytes: Int? = nil, inodes: Int? = nil) {
            self.memoryBytes = memoryBytes
            self.processes = processes
            self.diskBytes = diskBytes
            self.inodes = inodes
        }
    }

    /// The cgroup's counters.
    public struct Events: Sendable, Equatable {
        /// Processes that the kernel's OOM killer ended.
        public var oomKill: Int
        /// Forks refused because of the limit on processes.
        public var pidsMax: Int
        /// Milliseconds that the job was held back by the limit on CPUs.
        public var throttledMs: Double

        public init(oomKill: Int = 0, pidsMax: Int = 0, throttledMs: Double = 0) {
            self.oomKill = oomKill
            self.pidsMax = pidsMax
            self.throttledMs = throttledMs
        }
    }

    public struct DeniedSyscall: Sendable, Equatable {
        public var name: String
        public var count: Int

        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    /// What the program was started from. The raw values are part of the wire.
    public enum Start: String, Sendable, CaseIterable {
        /// Everything was set up for this job.
        case cold
        /// A sandbox that waited in a slot.
        case slot
        /// An interpreter that waited in one.
        case prestarted
    }

    public init(
        limits: Limits? = nil, peak: Peak = Peak(), events: Events = Events(), firedLimit: String? = nil,
        firedAtMs: Double? = nil, deniedSyscalls: [DeniedSyscall] = [], start: Start? = nil, contended: Bool = false
    ) {
        self.limits = limits
        self.peak = peak
        self.events = events
        self.firedLimit = firedLimit
        self.firedAtMs = firedAtMs
        self.deniedSyscalls = deniedSyscalls
        self.start = start
        self.contended = contended
    }
}
