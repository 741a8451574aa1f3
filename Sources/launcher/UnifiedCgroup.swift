import CLinux
import Glibc
import LaunchProtocol
import Linux

/// cgroup v2 (Documentation/admin-guide/cgroup-v2.rst).
struct UnifiedCgroupDriver: CgroupDriver {
    /// The instance's own folder, with memory, pids and cpu enabled for its children.
    let folder: Int32

    func makeLeaf(named name: String, limits: ResourceLimits) throws(StepFailure) -> any CgroupLeaf {
        try UnifiedCgroupLeaf(parent: folder, name: name, limits: limits)
    }

    func sweep(prefix: String, patience: UInt64) throws(StepFailure) {
        try under(.removeCgroup) { () throws(SystemError) in
            try CgroupTree.removeChildren(of: folder, prefix: prefix, patience: patience)
        }
    }
}

private final class UnifiedCgroupLeaf: CgroupLeaf {
    private let parent: Int32
    private let name: String
    private let folder: Descriptor
    private let cpuStat: Descriptor
    private var applied: ResourceLimits?

    init(parent: Int32, name: String, limits: ResourceLimits) throws(StepFailure) {
        self.parent = parent
        self.name = name
        try performC(.makeCgroup) { mkdirat(parent, name, 0o755) }
        folder = Descriptor(
            owning: try perform(.makeCgroup) { bk_openat(parent, name, O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0) })
        let folder = self.folder.raw
        cpuStat = Descriptor(
            owning: try perform(.makeCgroup) { bk_openat(folder, "cpu.stat", O_RDONLY | BK_O_CLOEXEC, 0) })
        try write("1", to: "memory.oom.group")
        // Without swap support in the kernel there is no such file, and nothing to limit.
        if SmallFile.exists("memory.swap.max", in: folder) { try write("0", to: "memory.swap.max") }
        try apply(limits)
    }

    private func write(_ value: String, to file: String) throws(StepFailure) {
        guard protecting(file, true, else: false) else { return }
        try under(.applyCgroupLimits) { () throws(SystemError) in
            try SmallFile.write(value, to: file, in: folder.raw)
        }
    }

    private func read(_ file: String) throws(StepFailure) -> String {
        try under(.readCgroup) { () throws(SystemError) in try SmallFile.read(file, in: folder.raw) }
    }

    var cloneTarget: Int32 { folder.raw }

    var outOfMemoryEvent: Int32 { -1 }

    func join() throws(StepFailure) {}

    func apply(_ limits: ResourceLimits) throws(StepFailure) {
        if applied?.memory != limits.memory { try write("\(limits.memory)", to: "memory.max") }
        if applied?.processes != limits.processes { try write("\(limits.processes)", to: "pids.max") }
        if applied?.milliCPUs != limits.milliCPUs {
            // A burst above the quota is refused, so it is lowered before and raised after.
            if applied != nil { try write("0", to: "cpu.max.burst") }
            try write("\(limits.cpuQuota) \(cpuPeriod)", to: "cpu.max")
            // Without a burst an interpreter that starts with several threads is throttled within its first period.
            try write("\(limits.cpuQuota)", to: "cpu.max.burst")
        }
        applied = limits
    }

    func cpuTime() throws(StepFailure) -> UInt64 {
        let stat = try under(.readCgroup) { () throws(SystemError) in
            try SmallFile.read(cpuStat.raw, name: "cpu.stat")
        }
        guard let microseconds = SmallFile.field("usage_usec", of: stat) else {
            throw StepFailure(.readCgroup, errno: ENODATA)
        }
        return microseconds * 1_000
    }

    func members() throws(StepFailure) -> [Int32] {
        try read("cgroup.procs").split(separator: "\n").compactMap { Int32($0) }
    }

    func isEmpty() throws(StepFailure) -> Bool { try read("pids.current").hasPrefix("0\n") }

    func counters() throws(StepFailure) -> CgroupCounters {
        let memoryEvents = try read("memory.events")
        guard let peak = UInt64(try read("memory.peak").dropLast()),
            let kills = SmallFile.field("oom_kill", of: memoryEvents),
            let hits = SmallFile.field("max", of: try read("pids.events")),
            let throttled = SmallFile.field(
                "throttled_usec",
                of: try under(.readCgroup) { () throws(SystemError) in
                    try SmallFile.read(cpuStat.raw, name: "cpu.stat")
                })
        else { throw StepFailure(.readCgroup, errno: ENODATA) }
        var processPeak: UInt64?
        if SmallFile.exists("pids.peak", in: folder.raw) { processPeak = UInt64(try read("pids.peak").dropLast()) }
        return CgroupCounters(
            memoryPeak: peak, oomKills: kills, processLimitHits: hits, processPeak: processPeak,
            throttled: throttled * 1_000)
    }

    func liftQuota() {
        // A failure only means that the wait for the end is longer.
        _ = try? SmallFile.write("max", to: "cpu.max", in: folder.raw)
    }

    func killAll() {
        // A group in which this was ever written kills whatever is cloned into it later: the leaf is removed next.
        _ = try? SmallFile.write("1", to: "cgroup.kill", in: folder.raw)
    }

    func remove() throws(StepFailure) -> Bool {
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        if errno == EBUSY { return false }
        throw StepFailure(.removeCgroup, errno: errno)
    }
}
