import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The v1 groups of CPU quota and CPU time that a job is in. They are used again, by one job after the other of a slot, for
/// all that a job can leave in them is counted up: CPU time and throttled time are differences, and a quota that is written
/// begins anew (tg_set_cfs_bandwidth in kernel/sched/core.c). What a job leaves charged in a memory group, and its peak of
/// processes, cannot be told from the next one's: those groups are made for each job.
final class LegacyProcessorGroup {
    private let cpu: Descriptor
    private let accounting: Descriptor
    private let unifiedAccounting: Bool
    private let processes: Descriptor
    private let quotaFile: Descriptor
    private let burstFile: Descriptor
    private let cpuStat: CounterFile
    private let usage: CounterFile
    /// Microseconds, as it was last written for a job.
    private var quota: UInt64 = 0
    private var throttledAtStart: UInt64 = 0

    init(cpu cpuParent: Int32, accounting accountingParent: Int32, unifiedAccounting: Bool, name: String)
        throws(StepFailure)
    {
        func open(_ file: String, in folder: Int32) throws(StepFailure) -> Descriptor {
            Descriptor(owning: try perform(.makeCgroup) { bk_openat(folder, file, O_WRONLY | BK_O_CLOEXEC, 0) })
        }
        self.unifiedAccounting = unifiedAccounting
        cpu = try CgroupFolder.make(named: name, in: cpuParent)
        accounting = try CgroupFolder.make(named: name, in: accountingParent)
        processes = try open(Self.processesName, in: cpu.raw)
        quotaFile = try open(Self.quotaName, in: cpu.raw)
        burstFile = try open(Self.burstName, in: cpu.raw)
        cpuStat = try CgroupFolder.counter("cpu.stat", in: cpu.raw)
        usage = try CgroupFolder.counter(unifiedAccounting ? "cpu.stat" : "cpuacct.usage", in: accounting.raw)
        let folder = cpu.raw
        try under(.applyCgroupLimits) { () throws(SystemError) in
            try SmallFile.write("\(cpuPeriod)", to: "cpu.cfs_period_us", in: folder)
        }
    }

    private static let processesName = "cgroup.procs"
    private static let quotaName = "cpu.cfs_quota_us"
    private static let burstName = "cpu.cfs_burst_us"

    private func write(_ value: String, to file: borrowing Descriptor, named name: String) throws(StepFailure) {
        guard protecting(name, true, else: false) else { return }
        let file = file.raw
        try under(.applyCgroupLimits) { () throws(SystemError) in try SmallFile.write(value, to: file, name: name) }
    }

    var cloneTarget: Int32 { unifiedAccounting ? accounting.raw : -1 }

    /// Called in the job: enters the groups that CLONE_INTO_CGROUP does not cover.
    func join() throws(StepFailure) {
        let file = processes.raw
        try under(.joinCgroup) { () throws(SystemError) in
            try SmallFile.write("0", to: file, name: Self.processesName)
        }
        guard !unifiedAccounting else { return }
        let folder = accounting.raw
        try under(.joinCgroup) { () throws(SystemError) in
            try SmallFile.write("0", to: Self.processesName, in: folder)
        }
    }

    /// Puts a quota in force, and begins to count: only while no job runs in the group.
    func apply(quota: UInt64) throws(StepFailure) {
        // A burst above the quota is refused, so it is lowered before and raised after. Also where both are the same: each
        // write fills what the last job has used of its period up by a quota, as for a group that is new.
        if self.quota != 0 { try write("0", to: burstFile, named: Self.burstName) }
        try write("\(quota)", to: quotaFile, named: Self.quotaName)
        try write("\(quota)", to: burstFile, named: Self.burstName)
        self.quota = quota
        try beginCounting()
    }

    /// Begins to count the time for which the job is kept from running.
    func beginCounting() throws(StepFailure) { throttledAtStart = try throttledTime() }

    func liftQuota() {
        // A failure only means that the wait for the end is longer.
        _ = try? SmallFile.write("-1", to: quotaFile.raw, name: Self.quotaName)
    }

    /// Nanoseconds of CPU used by everything that ever ran in the group: for differences.
    func cpuTime() throws(StepFailure) -> UInt64 {
        let unified = unifiedAccounting
        let value = try under(.readCgroup) { () throws(SystemError) in
            unified ? try usage.field("usage_usec").map { $0 * 1_000 } : try usage.number()
        }
        guard let value else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return value
    }

    /// Nanoseconds for which the job was kept from running.
    func throttled() throws(StepFailure) -> UInt64 {
        let total = try throttledTime()
        return total > throttledAtStart ? total - throttledAtStart : 0
    }

    private func throttledTime() throws(StepFailure) -> UInt64 {
        let value = try under(.readCgroup) { () throws(SystemError) in try cpuStat.field("throttled_time") }
        guard let value else { throw StepFailure(.readCgroup, errno: ENODATA) }
        return value
    }
}

/// The processor groups of a slot: two, for the next sandbox is set up while the last is taken down, and another for each
/// job that does not die in time. The launcher removes them with whatever else a slot leaves.
final class LegacyProcessorGroups {
    private let cpu: Int32
    private let accounting: Int32
    private let unifiedAccounting: Bool
    private var unused: [LegacyProcessorGroup] = []
    private var isFirst = true

    init(cpu: Int32, accounting: Int32, unifiedAccounting: Bool) {
        self.cpu = cpu
        self.accounting = accounting
        self.unifiedAccounting = unifiedAccounting
    }

    /// One that no process is in.
    func take(orMakeNamed name: String) throws(StepFailure) -> LegacyProcessorGroup {
        if let group = unused.popLast() { return group }
        let group = try make(named: name)
        // Both at once, so that a slot that has run a job has no more groups than one that has not.
        if isFirst { unused.append(try make(named: "\(name)-other")) }
        isFirst = false
        return group
    }

    /// Called when the other groups of its job are removed, which no process of it can have survived.
    func giveBack(_ group: LegacyProcessorGroup) {
        if !unused.contains(where: { $0 === group }) { unused.append(group) }
    }

    private func make(named name: String) throws(StepFailure) -> LegacyProcessorGroup {
        try LegacyProcessorGroup(
            cpu: cpu, accounting: accounting, unifiedAccounting: unifiedAccounting, name: name)
    }
}
