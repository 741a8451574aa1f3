/// An engine's slots at one moment, and what they were good for so far.
public struct SlotFigures: Sendable, Equatable {
    /// Slots without a job.
    public var idle: Int
    /// Slots with one.
    public var taken: Int
    /// Slots that are being opened for one.
    public var starting: Int
    /// Idle slots in which a runtime has come up or comes up ahead of its job.
    public var ready: Int
    /// Jobs that wait for a slot.
    public var waiting: Int
    /// Jobs that found their runtime up, of those whose runtime can be started ahead.
    public var readyHits: UInt64
    /// Jobs that did not.
    public var readyMisses: UInt64
    /// How often a slot could not be set up.
    public var setUpFailures: UInt64
}
