import Foundation
import Jobs

/// What a worker says of itself for as long as it lives.
///
/// Workers and readers of several versions meet on one queue: what came later is optional, and what a reader does not know is
/// left alone.
public struct WorkerAnnouncement: Sendable, Equatable, Codable {
    /// One process, for as long as it lives. Random: it says nothing of the process.
    public var id: String
    /// The host's name, as results have it in `worker`.
    public var host: String
    public var languages: [Language]
    /// The most that a job may ask for there.
    public var maxima: Limits
    /// How many jobs it runs at once.
    public var slots: Int
    /// In how many of them a program ran when this was said; nil where the worker does not say.
    public var busy: Int?
    /// Of Bulkhead; nil where the worker does not say.
    public var version: String?
    /// Since when it takes jobs, by its own clock; nil where the worker does not say.
    public var since: Date?

    public init(
        id: String, host: String, languages: [Language], maxima: Limits, slots: Int, busy: Int? = nil,
        version: String? = nil, since: Date? = nil
    ) {
        self.id = id
        self.host = host
        self.languages = languages
        self.maxima = maxima
        self.slots = slots
        self.busy = busy
        self.version = version
        self.since = since
    }
}
