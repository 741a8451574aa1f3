import LaunchProtocol
import Linux

/// What a slot knows from the launcher and keeps for all its sandboxes.
struct SlotContext: ~Copyable {
    let index: UInt16
    let configuration: LauncherConfiguration
    let cgroups: any CgroupDriver
    let initFilter: Filter
    let jobFilter: Filter
    let masks: ProcMasks
    let userNamespace: Descriptor
    let network: SlotNetwork
    let initStack: Birth.Stack
    let jobStack: Birth.Stack

    /// The host's uid of this slot's jobs.
    var jobUser: UInt32 { configuration.firstJobUser + UInt32(index) }

    /// What all leaves of a slot have in front of their names.
    static func leafPrefix(slot: UInt16) -> String { "s\(slot)-" }
}
