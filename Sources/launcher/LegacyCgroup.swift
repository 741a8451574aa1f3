import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The v1 hierarchies of hybrid and v1 hosts (Documentation/admin-guide/cgroup-v1): the same limits through other files.
struct LegacyCgroupDriver: CgroupDriver {
    /// The instance's own folder in each hierarchy.
    struct Folders {
        var memory: Int32
        var pids: Int32
        var cpu: Int32
        /// The v2 hierarchy, which counts CPU time without any controller, or v1's cpuacct.
        var accounting: Int32

        var all: [Int32] { [memory, pids, cpu, accounting] }
    }

    let folders: Folders
    let unifiedAccounting: Bool

    func makeLeaf(named name: String, limits: ResourceLimits) throws(StepFailure) -> any CgroupLeaf {
        try LegacyCgroupLeaf(parents: folders, unifiedAccounting: unifiedAccounting, name: name, limits: limits)
    }

    func sweep(prefix: String, patience: UInt64) throws(StepFailure) {
        for folder in folders.all {
            try under(.removeCgroup) { () throws(SystemError) in
                try CgroupTree.removeChildren(of: folder, prefix: prefix, patience: patience)
            }
        }
    }
}

private final class LegacyCgroupLeaf: CgroupLeaf {
    private let parents: LegacyCgroupDriver.Folders
    private let unifiedAccounting: Bool
    private let name: String
    private let memory: Descriptor
    private let pids: Descriptor
    private let cpu: Descriptor
    private let accounting: Descriptor
    private let usage: CounterFile
    private let memoryPeak: CounterFile
    private let memoryEvents: CounterFile
    private let processes: CounterFile
    private let processEvents: CounterFile
    /// Linux 6.12 and later.
    private let processPeak: CounterFile?
    private let cpuStat: CounterFile
    private let outOfMemory: Descriptor
    private var applied: ResourceLimits?

    init(
        parents: LegacyCgroupDriver.Folders, unifiedAccounting: Bool, name: String, limits: ResourceLimits
    ) throws(StepFailure) {
        self.parents = parents
        self.unifiedAccounting = unifiedAccounting
        self.name = name
        func make(_ parent: Int32) throws(StepFailure) -> Descriptor {
            try performC(.makeCgroup) { mkdirat(parent, name, 0o755) }
            return Descriptor(
                owning: try perform(.makeCgroup) {
                    bk_openat(parent, name, O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0)
                })
        }
        memory = try make(parents.memory)
        pids = try make(parents.pids)
        cpu = try make(parents.cpu)
        accounting = try make(parents.accounting)
        func counter(_ name: StaticString, _ folder: borrowing Descriptor) throws(StepFailure) -> CounterFile {
            let folder = folder.raw
            return try under(.makeCgroup) { () throws(SystemError) in try CounterFile(name, in: folder) }
        }
        usage = try counter(unifiedAccounting ? "cpu.stat" : "cpuacct.usage", accounting)
        memoryPeak = try counter("memory.max_usage_in_bytes", memory)
        memoryEvents = try counter("memory.oom_control", memory)
        processes = try counter("pids.current", pids)
        processEvents = try counter("pids.events", pids)
        processPeak = SmallFile.exists("pids.peak", in: pids.raw) ? try counter("pids.peak", pids) : nil
        cpuStat = try counter("cpu.stat", cpu)
        outOfMemory = Descriptor(owning: try perform(.makeCgroup) { bk_eventfd() })
        // v1 has no memory.oom.group: the supervisor is told, and ends the whole sandbox itself.
        try write("\(outOfMemory.raw) \(memoryEvents.raw)", to: "cgroup.event_control", in: memory.raw)
        try apply(limits)
    }

    private func write(_ value: String, to file: String, in folder: Int32) throws(StepFailure) {
        guard protecting(file, true, else: false) else { return }
        try under(.applyCgroupLimits) { () throws(SystemError) in try SmallFile.write(value, to: file, in: folder) }
    }

    var cloneTarget: Int32 { unifiedAccounting ? accounting.raw : -1 }

    var outOfMemoryEvent: Int32 { outOfMemory.raw }

    func join() throws(StepFailure) {
        // 0 stands for the writer; a number would be looked up in the writer's PID namespace.
        var folders = [memory.raw, pids.raw, cpu.raw]
        if !unifiedAccounting { folders.append(accounting.raw) }
        for folder in folders {
            try under(.joinCgroup) { () throws(SystemError) in
                try SmallFile.write("0", to: "cgroup.procs", in: folder)
            }
        }
    }

    func apply(_ limits: ResourceLimits) throws(StepFailure) {
        if applied?.memory != limits.memory {
            // Memory with swap may never be below memory alone, so the order depends on the direction. Where the kernel
            // does not count swap, the starter has made sure that there is none.
            let counted = SmallFile.exists("memory.memsw.limit_in_bytes", in: memory.raw)
            let value = "\(limits.memory)"
            let raises = applied.map { $0.memory < limits.memory } ?? false
            if raises, counted { try write(value, to: "memory.memsw.limit_in_bytes", in: memory.raw) }
            try write(value, to: "memory.limit_in_bytes", in: memory.raw)
            if !raises, counted { try write(value, to: "memory.memsw.limit_in_bytes", in: memory.raw) }
        }
        if applied?.processes != limits.processes { try write("\(limits.processes)", to: "pids.max", in: pids.raw) }
        if applied?.milliCPUs != limits.milliCPUs {
            // A burst above the quota is refused, so it is lowered before and raised after.
            if applied != nil { try write("0", to: "cpu.cfs_burst_us", in: cpu.raw) }
            try write("\(cpuPeriod)", to: "cpu.cfs_period_us", in: cpu.raw)
            try write("\(limits.cpuQuota)", to: "cpu.cfs_quota_us", in: cpu.raw)
            try write("\(limits.cpuQuota)", to: "cpu.cfs_burst_us", in: cpu.raw)
        }
        applied = limits
    }

    func cpuTime() throws(StepFailure) -> UInt64 {
        let unified = unifiedAccounting
        let value = try under(.readCgroup) { () throws(SystemError) in
            unified ? try usage.field("usage_usec").map { $0 * 1_000 } : try usage.number()
        }
        guard let value else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return value
    }

    func members() throws(StepFailure) -> [Int32] {
        try under(.readCgroup) { () throws(SystemError) in try SmallFile.read("cgroup.procs", in: pids.raw) }.split(
            separator: "\n"
        ).compactMap { Int32($0) }
    }

    func isEmpty() throws(StepFailure) -> Bool {
        try under(.readCgroup) { () throws(SystemError) in try processes.number() } == 0
    }

    func counters() throws(StepFailure) -> CgroupCounters {
        let counters = try under(.readCgroup) { () throws(SystemError) -> CgroupCounters? in
            guard let kills = try memoryEvents.field("oom_kill"), let hits = try processEvents.field("max"),
                let throttled = try cpuStat.field("throttled_time")
            else { return nil }
            var peak: UInt64?
            if processPeak != nil { peak = try processPeak?.number() }
            return CgroupCounters(
                memoryPeak: try memoryPeak.number(), oomKills: kills, processLimitHits: hits, processPeak: peak,
                throttled: throttled)
        }
        guard let counters else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return counters
    }

    func liftQuota() {
        // A failure only means that the wait for the end is longer.
        _ = try? SmallFile.write("-1", to: "cpu.cfs_quota_us", in: cpu.raw)
    }

    func killAll() {
        // Numbers as this process's PID namespace has them, which is the host's; a number may be reused between the
        // read and the kill only if the process was reaped, and then it is not listed at the next round.
        guard let members = try? members() else { return }
        for pid in members where pid > 1 { kill(pid, SIGKILL) }
    }

    var spent: SpentLeaf { SpentLeaf(parents: parents.all, name: name) }
}
