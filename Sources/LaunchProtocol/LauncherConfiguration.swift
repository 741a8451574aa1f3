/// What the starter, while it is still root, hands to the launcher once, in a sealed memfd. Nothing that arrives later
/// can widen it: images and policies are taken by index, limits only up to `maximum`.
public struct LauncherConfiguration: Equatable, Sendable {
    /// Which control groups enforce the limits. The launcher finds each folder as an open descriptor.
    public enum CgroupHierarchy: UInt8, Sendable {
        /// cgroup v2: one folder.
        case unified = 2
        /// v1 hierarchies for memory, pids and cpu; CPU time from the v2 hierarchy, or from cpuacct where there is none.
        case legacy = 1
    }

    /// The instance's name, such as `i0`: a mark on each of its control groups.
    public var instance: String
    /// The host's uid (and gid) of PID 1 in each sandbox.
    public var initUser: UInt32
    /// The host's uid (and gid) of the job in slot 0; slot n has `firstJobUser + n`.
    public var firstJobUser: UInt32
    /// The most slots at once, and so the width of the range of job uids.
    public var slots: UInt16
    /// What no request can exceed.
    public var maximum: ResourceLimits
    /// What a parked sandbox has in force before its job is known; most jobs then need no further write.
    public var standard: ResourceLimits
    /// The hierarchy in use.
    public var hierarchy: CgroupHierarchy
    /// The instance's own folder in each hierarchy: unified alone, or memory, pids, cpu, and unified or cpuacct.
    public var cgroupFolders: [String]
    /// For `legacy`: whether the fourth folder is the v2 hierarchy (else it is v1's cpuacct).
    public var unifiedAccounting: Bool
    /// A folder of the instance's own, for the slots' mount points. No mount appears in it outside the slots.
    public var mountFolder: String
    /// The root file systems, by index: absolute paths.
    public var images: [String]
    /// How often a job may make the calls that its policy lets through but counts (SCMP_ACT_NOTIFY).
    public var mostWatchedCalls: UInt32
    /// Whether every job gets a core scheduling cookie of its own: where cores have several threads and the kernel can.
    public var coreScheduling: Bool
    /// Whether jobs get a terminal in place of three pipes: for an operator's own shell, never where strangers' jobs run.
    public var terminal: Bool
    /// How many filters follow as descriptors: PID 1's first, then the policies by index.
    public var filters: UInt8

    public init(
        instance: String, initUser: UInt32, firstJobUser: UInt32, slots: UInt16, maximum: ResourceLimits,
        standard: ResourceLimits, hierarchy: CgroupHierarchy, cgroupFolders: [String], unifiedAccounting: Bool,
        mountFolder: String, images: [String], mostWatchedCalls: UInt32, coreScheduling: Bool,
        terminal: Bool = false, filters: UInt8
    ) {
        self.instance = instance
        self.initUser = initUser
        self.firstJobUser = firstJobUser
        self.slots = slots
        self.maximum = maximum
        self.standard = standard
        self.hierarchy = hierarchy
        self.cgroupFolders = cgroupFolders
        self.unifiedAccounting = unifiedAccounting
        self.mountFolder = mountFolder
        self.images = images
        self.mostWatchedCalls = mostWatchedCalls
        self.coreScheduling = coreScheduling
        self.terminal = terminal
        self.filters = filters
    }

    /// Job uids start here at the least: no host account lives above (hardening: a distinct unprivileged uid a slot).
    public static let leastUser: UInt32 = 100_000

    private static let version: UInt16 = 4

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.version)
        writer.put(instance)
        writer.put(initUser)
        writer.put(firstJobUser)
        writer.put(slots)
        maximum.write(to: &writer)
        standard.write(to: &writer)
        writer.put(hierarchy.rawValue)
        writer.put(cgroupFolders)
        writer.put(unifiedAccounting)
        writer.put(mountFolder)
        writer.put(images)
        writer.put(mostWatchedCalls)
        writer.put(coreScheduling)
        writer.put(terminal)
        writer.put(filters)
        return writer.bytes
    }

    public init(decoding bytes: some Collection<UInt8>) throws(MalformedMessage) {
        var reader = ByteReader(bytes)
        guard try reader.number(UInt16.self) == Self.version else {
            throw MalformedMessage("bulkhead and bulkhead-launcher are of different versions")
        }
        instance = try reader.string()
        initUser = try reader.number()
        firstJobUser = try reader.number()
        slots = try reader.number()
        maximum = try ResourceLimits(from: &reader)
        standard = try ResourceLimits(from: &reader)
        guard let hierarchy = CgroupHierarchy(rawValue: try reader.number()) else {
            throw MalformedMessage("unknown cgroup hierarchy")
        }
        self.hierarchy = hierarchy
        cgroupFolders = try reader.strings(limit: 4)
        unifiedAccounting = try reader.boolean()
        mountFolder = try reader.string()
        images = try reader.strings(limit: 64)
        mostWatchedCalls = try reader.number()
        coreScheduling = try reader.boolean()
        terminal = try reader.boolean()
        filters = try reader.number()
        try reader.end()
        guard cgroupFolders.count == (hierarchy == .unified ? 1 : 4) else {
            throw MalformedMessage("wrong number of cgroup folders")
        }
        guard initUser >= Self.leastUser, firstJobUser > initUser, slots >= 1,
            UInt64(firstJobUser) + UInt64(slots) < UInt64(UInt32.max)
        else { throw MalformedMessage("uid range") }
        guard standard.isWithin(maximum) else { throw MalformedMessage("standard limits above the maximum") }
        guard filters >= 2, !images.isEmpty else { throw MalformedMessage("no filter or no image") }
    }
}

/// The descriptors that the launcher is started with, by number.
public enum LauncherDescriptor {
    /// SOCK_SEQPACKET to the driving process; its end means: stop everything.
    public static let control: Int32 = 3
    /// The sealed memfd with the configuration.
    public static let configuration: Int32 = 4
    /// The instance's lock; held by the launcher and its slots, so that it is free only when all of them are gone.
    public static let lock: Int32 = 5
    /// The first filter, a sealed memfd; the others follow.
    public static let firstFilter: Int32 = 6
}
