import Jobs

/// What a worker says of itself for as long as it lives.
public struct WorkerAnnouncement: Sendable, Equatable, Codable {
    /// One process.
    public var id: String
    public var host: String
    public var languages: [Language]
    /// The most that a job may ask for there.
    public var maxima: Limits
    /// How many jobs it runs at once.
    public var slots: Int

    public init(id: String, host: String, languages: [Language], maxima: Limits, slots: Int) {
        self.id = id
        self.host = host
        self.languages = languages
        self.maxima = maxima
        self.slots = slots
    }
}
