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
    private let processorGroups: LegacyProcessorGroups

    init(folders: Folders, unifiedAccounting: Bool) {
        self.folders = folders
        processorGroups = LegacyProcessorGroups(
            cpu: folders.cpu, accounting: folders.accounting, unifiedAccounting: unifiedAccounting)
    }

    func makeLeaf(named name: String, limits: ResourceLimits) throws(StepFailure) -> any CgroupLeaf {
        try LegacyCgroupLeaf(
            memoryParent: folders.memory, pidsParent: folders.pids, processorGroups: processorGroups, name: name,
            limits: limits)
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
    private let memoryParent: Int32
    private let pidsParent: Int32
    private let processorGroups: LegacyProcessorGroups
    private let name: String
    private let memory: Descriptor
    private let pids: Descriptor
    private let processor: LegacyProcessorGroup
    private let memoryPeak: CounterFile
    private let memoryEvents: CounterFile
    private let processes: CounterFile
    private let processEvents: CounterFile
    /// Linux 6.12 and later.
    private let processPeak: CounterFile?
    private let outOfMemory: Descriptor
    private var applied: ResourceLimits?

    init(
        memoryParent: Int32, pidsParent: Int32, processorGroups: LegacyProcessorGroups, name: String,
        limits: ResourceLimits
    ) throws(StepFailure) {
        self.memoryParent = memoryParent
        self.pidsParent = pidsParent
        self.processorGroups = processorGroups
        self.name = name
        memory = try CgroupFolder.make(named: name, in: memoryParent)
        pids = try CgroupFolder.make(named: name, in: pidsParent)
        memoryPeak = try CgroupFolder.counter("memory.max_usage_in_bytes", in: memory.raw)
        memoryEvents = try CgroupFolder.counter("memory.oom_control", in: memory.raw)
        processes = try CgroupFolder.counter("pids.current", in: pids.raw)
        processEvents = try CgroupFolder.counter("pids.events", in: pids.raw)
        processPeak = try CgroupFolder.counterIfPresent("pids.peak", in: pids.raw)
        outOfMemory = Descriptor(owning: try perform(.makeCgroup) { bk_eventfd() })
        // v1 has no memory.oom.group: the supervisor is told, and ends the whole sandbox itself.
        let registration = "\(outOfMemory.raw) \(memoryEvents.raw)"
        let memoryFolder = memory.raw
        try under(.applyCgroupLimits) { () throws(SystemError) in
            try SmallFile.write(registration, to: "cgroup.event_control", in: memoryFolder)
        }
        // Last, for what fails before leaves no group taken.
        processor = try processorGroups.take(orMakeNamed: name)
        try apply(limits)
    }

    private func write(_ value: String, to file: String, in folder: Int32) throws(StepFailure) {
        guard protecting(file, true, else: false) else { return }
        try under(.applyCgroupLimits) { () throws(SystemError) in try SmallFile.write(value, to: file, in: folder) }
    }

    var cloneTarget: Int32 { processor.cloneTarget }

    var outOfMemoryEvent: Int32 { outOfMemory.raw }

    func join() throws(StepFailure) {
        // 0 stands for the writer; a number would be looked up in the writer's PID namespace.
        for folder in [memory.raw, pids.raw] {
            try under(.joinCgroup) { () throws(SystemError) in
                try SmallFile.write("0", to: "cgroup.procs", in: folder)
            }
        }
        try processor.join()
    }

    func apply(_ limits: ResourceLimits) throws(StepFailure) {
        if applied?.memory != limits.memory {
            // Memory with swap may never be below memory alone, so the order depends on the direction. Where the kernel
            // does not count swap, the starter has made sure that there is none.
            let value = "\(limits.memory)"
            let raises = applied.map { $0.memory < limits.memory } ?? false
            if raises { try limitSwap(value) }
            try write(value, to: "memory.limit_in_bytes", in: memory.raw)
            if !raises { try limitSwap(value) }
        }
        if applied?.processes != limits.processes { try write("\(limits.processes)", to: "pids.max", in: pids.raw) }
        if applied?.milliCPUs != limits.milliCPUs { try processor.apply(quota: limits.cpuQuota) }
        applied = limits
    }

    private func limitSwap(_ value: String) throws(StepFailure) {
        do throws(StepFailure) {
            try write(value, to: "memory.memsw.limit_in_bytes", in: memory.raw)
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
    }

    func cpuTime() throws(StepFailure) -> UInt64 { try processor.cpuTime() }

    func beginCounting() throws(StepFailure) { try processor.beginCounting() }

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
            guard let kills = try memoryEvents.field("oom_kill"), let hits = try processEvents.field("max")
            else { return nil }
            var peak: UInt64?
            if processPeak != nil { peak = try processPeak?.number() }
            return CgroupCounters(
                memoryPeak: try memoryPeak.number(), oomKills: kills, processLimitHits: hits, processPeak: peak,
                throttled: 0)
        }
        guard var counters else { throw StepFailure(.readCgroup, errno: ENODATA) }
        counters.throttled = try processor.throttled()
        return counters
    }

    func liftQuota() {
        processor.liftQuota()
    }

    func killAll() {
        // Numbers as this process's PID namespace has them, which is the host's; a number may be reused between the
        // read and the kill only if the process was reaped, and then it is not listed at the next round.
        guard let members = try? members() else { return }
        for pid in members where pid > 1 { kill(pid, SIGKILL) }
    }

    var spent: SpentLeaf {
        let groups = processorGroups
        let group = processor
        return SpentLeaf(parents: [memoryParent, pidsParent], name: name) { groups.giveBack(group) }
    }
}
