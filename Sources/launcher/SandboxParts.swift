import LaunchProtocol
import Linux

/// What init and the job of one sandbox take from the slot.
struct SandboxParts {
    /// Where both report to.
    let report: Int32
    /// The slot's end of that, which nobody else may keep: its end is how init learns that the slot is gone.
    let slotEndOfReport: Int32
    /// Where the job waits for its start.
    let start: Int32
    let standardInput: Int32
    let standardOutput: Int32
    let standardError: Int32
    /// Whether the three are a terminal, which the job then has for its controlling one.
    let isTerminal: Bool
    let leaf: any CgroupLeaf
    let work: WorkMount
    let userNamespace: Int32
    /// The job's filter.
    let filter: Filter
    let initFilter: Filter
    /// The host's uid of init.
    let initUser: UInt32
    let masks: ProcMasks
    /// What the job begins on, while init is stopped on its own.
    let jobStack: Birth.Stack
    /// Whether the job gets a core scheduling cookie of its own.
    let coreScheduling: Bool
}
