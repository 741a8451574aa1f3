import CLinux
import LaunchProtocol
import Linux

/// How control groups enforce the limits of one job, on one kind of host. A job gets a leaf of its own: what an earlier
/// job left charged to a group, its page cache above all, would become the next one's peak.
protocol CgroupDriver {
    /// Makes a fresh leaf with `limits` in force.
    func makeLeaf(named name: String, limits: ResourceLimits) throws(StepFailure) -> any CgroupLeaf

    /// Kills what is left in the leaves of `prefix` and removes them, waiting `patience` nanoseconds for each to be empty.
    func sweep(prefix: String, patience: UInt64) throws(StepFailure)
}

/// The control group of one job.
protocol CgroupLeaf: AnyObject {
    /// The folder for CLONE_INTO_CGROUP, or -1.
    var cloneTarget: Int32 { get }

    /// Called in the job: enters the groups that CLONE_INTO_CGROUP does not cover.
    func join() throws(StepFailure)

    /// Puts other limits in force, before the job is executed.
    func apply(_ limits: ResourceLimits) throws(StepFailure)

    /// Nanoseconds of CPU used by everything that ever ran in the leaf.
    func cpuTime() throws(StepFailure) -> UInt64

    /// Begins to count what is told of the job and had been counted before it: the time for which it was held back.
    func beginCounting() throws(StepFailure)

    /// The processes in the leaf, by the numbers that the caller's PID namespace has for them.
    func members() throws(StepFailure) -> [Int32]

    /// Whether no process is left in the leaf.
    func isEmpty() throws(StepFailure) -> Bool

    /// Ready to read when the group has run out of memory, or -1 where the kernel ends the whole group by itself.
    var outOfMemoryEvent: Int32 { get }

    /// What the group has counted.
    func counters() throws(StepFailure) -> CgroupCounters

    /// Takes the CPU quota off a leaf whose processes have been killed. To die is work too: held to a hundredth of a CPU,
    /// giving back a gigabyte took half a minute, and so long nothing else could have the slot.
    func liftQuota()

    /// Kills every process in the leaf: the second line, after the kill of init.
    func killAll()

    /// What is left to do when nothing of the job is alive.
    var spent: SpentLeaf { get }
}

/// What a job's group counted, in the units of `SandboxReport`.
struct CgroupCounters {
    var memoryPeak: UInt64
    var oomKills: UInt64
    var processLimitHits: UInt64
    var processPeak: UInt64?
    var throttled: UInt64
}

/// The period of the CPU quota in microseconds (the kernel's default).
let cpuPeriod: UInt64 = 100_000

extension ResourceLimits {
    /// Microseconds of CPU in each period; the kernel takes no quota below 1,000 (Documentation/scheduler/sched-bwc).
    var cpuQuota: UInt64 { max(1_000, UInt64(milliCPUs) * cpuPeriod / 1_000) }
}
