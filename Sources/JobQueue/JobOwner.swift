/// Whose a job is: the client that its jobs take turns for, and how many of them there may be.
///
/// Jobs of one owner keep their order; owners with jobs in the line take turns, so that a flood by one delays another by
/// no more than one job each time.
public struct JobOwner: Sendable, Equatable {
    /// 1 to 64 digits of `RandomWord`'s alphabet.
    public var id: String
    /// What logs call it, by `ClientName`. Another owner may have had it before.
    public var name: String
    /// Jobs that wait or run at once; nil for as many as the queue takes.
    public var maxOpen: Int?
    /// Jobs that wait at once; nil for as many as the queue has places left for others.
    public var maxQueued: Int?

    public init(id: String, name: String, maxOpen: Int? = nil, maxQueued: Int? = nil) {
        self.id = id
        self.name = name
        self.maxOpen = maxOpen
        self.maxQueued = maxQueued
    }
}
