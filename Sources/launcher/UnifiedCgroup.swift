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
    private let cpuStat: CounterFile
    private let memoryPeak: CounterFile
    private let memoryEvents: CounterFile
    private let processes: CounterFile
    private let processEvents: CounterFile
    /// Linux 6.12 and later.
    private let processPeak: CounterFile?
    private var applied: ResourceLimits?
    private var throttledAtStart: UInt64 = 0

    init(parent: Int32, name: String, limits: ResourceLimits) throws(StepFailure) {
        self.parent = parent
        self.name = name
        folder = try CgroupFolder.make(named: name, in: parent)
        let folder = self.folder.raw
        cpuStat = try CgroupFolder.counter("cpu.stat", in: folder)
        memoryPeak = try CgroupFolder.counter("memory.peak", in: folder)
        memoryEvents = try CgroupFolder.counter("memory.events", in: folder)
        processes = try CgroupFolder.counter("pids.current", in: folder)
        processEvents = try CgroupFolder.counter("pids.events", in: folder)
        processPeak = try CgroupFolder.counterIfPresent("pids.peak", in: folder)
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
        let microseconds = try under(.readCgroup) { () throws(SystemError) in try cpuStat.field("usage_usec") }
        guard let microseconds else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return microseconds * 1_000
    }

    func members() throws(StepFailure) -> [Int32] {
        try under(.readCgroup) { () throws(SystemError) in try SmallFile.read("cgroup.procs", in: folder.raw) }
            .split(separator: "\n").compactMap { Int32($0) }
    }

    func isEmpty() throws(StepFailure) -> Bool {
        try under(.readCgroup) { () throws(SystemError) in try processes.number() } == 0
    }

    func counters() throws(StepFailure) -> CgroupCounters {
        let counters = try under(.readCgroup) { () throws(SystemError) -> CgroupCounters? in
            guard let kills = try memoryEvents.field("oom_kill"), let hits = try processEvents.field("max"),
                let throttled = try throttledTime()
            else { return nil }
            var peak: UInt64?
            if processPeak != nil { peak = try processPeak?.number() }
            return CgroupCounters(
                memoryPeak: try memoryPeak.number(), oomKills: kills, processLimitHits: hits, processPeak: peak,
                throttled: throttled > throttledAtStart ? throttled - throttledAtStart : 0)
        }
        guard let counters else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return counters
    }

    func beginCounting() throws(StepFailure) {
        let throttled = try under(.readCgroup) { () throws(SystemError) in try throttledTime() }
        guard let throttled else { throw StepFailure(.readCgroup, errno: ENODATA) }
        throttledAtStart = throttled
    }

    /// Nanoseconds since the group was made.
    private func throttledTime() throws(SystemError) -> UInt64? {
        try cpuStat.field("throttled_usec").map { $0 * 1_000 }
    }

    func liftQuota() {
        // A failure only means that the wait for the end is longer.
        _ = try? SmallFile.write("max", to: "cpu.max", in: folder.raw)
    }

    func killAll() {
        // A group in which this was ever written kills whatever is cloned into it later: the leaf is removed next.
        _ = try? SmallFile.write("1", to: "cgroup.kill", in: folder.raw)
    }

    var spent: SpentLeaf { SpentLeaf(parents: [parent], name: name) }
}
