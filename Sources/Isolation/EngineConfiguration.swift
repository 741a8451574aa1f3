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
    /// How many more sandboxes than that may wait for jobs, so that programs of several languages can be started ahead.
    public var spareSlots: Int
    /// What no job can exceed, whatever it asks for.
    public var maximum: ResourceLimits
    /// What most jobs ask for: sandboxes are parked with these in force.
    public var standard: ResourceLimits
    /// How often one job may make the calls that its policy lets through but counts (SCMP_ACT_NOTIFY).
    public var mostWatchedCalls: UInt32
    /// Whether programs get a terminal in place of three pipes (`Terminal`): for an operator's own shell. It holds for all that
    /// this engine will ever run.
    public var terminal: Bool

    /// Enough for a database in /box that commits all the time, and 50 MB of locks at the most: each holds about 200 bytes
    /// of the kernel's memory that no control group counts.
    public static let usualWatchedCalls: UInt32 = 250_000

    public init(
        launcher: String, runtimeFolder: String = "/run/bulkhead", images: [String], initPolicy: SeccompPolicy,
        policies: [SeccompPolicy], slots: Int, spareSlots: Int = 0, maximum: ResourceLimits, standard: ResourceLimits,
        mostWatchedCalls: UInt32 = usualWatchedCalls,
        terminal: Bool = false
    ) {
        self.launcher = launcher
        self.runtimeFolder = runtimeFolder
        self.images = images
        self.initPolicy = initPolicy
        self.policies = policies
        self.slots = slots
        self.spareSlots = spareSlots
        self.maximum = maximum
        self.standard = standard
        self.mostWatchedCalls = mostWatchedCalls
        self.terminal = terminal
    }
}
