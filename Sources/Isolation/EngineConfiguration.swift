import LaunchProtocol
import Seccomp

/// What an engine is started with; after the start nothing of it can change.
public struct EngineConfiguration: Sendable {
    /// The static binary that becomes the launcher.
    public var launcher: String
    /// Where the instances of this host meet.
    public var runtimeFolder: String
    /// The root file systems, by index.
    public var images: [String]
    /// The filter of each sandbox's PID 1.
    public var initPolicy: SeccompPolicy
    /// The filters of jobs, by index.
    public var policies: [SeccompPolicy]
    /// How many jobs run at once.
    public var slots: Int
    /// What no job can exceed, whatever it asks for.
    public var maximum: ResourceLimits
    /// What most jobs ask for: sandboxes are parked with these in force.
    public var standard: ResourceLimits

    public init(
        launcher: String, runtimeFolder: String = "/run/bulkhead", images: [String], initPolicy: SeccompPolicy,
        policies: [SeccompPolicy], slots: Int, maximum: ResourceLimits, standard: ResourceLimits
    ) {
        self.launcher = launcher
        self.runtimeFolder = runtimeFolder
        self.images = images
        self.initPolicy = initPolicy
        self.policies = policies
        self.slots = slots
        self.maximum = maximum
        self.standard = standard
    }
}
