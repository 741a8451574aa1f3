import Foundation
import Jobs

/// Who may use the API, for what, and how much of it.
///
/// The key itself is not kept, only its SHA-256: it is 128 random bits, which no search finds, so that a slow hash would
/// protect nothing more.
public struct APIKey: Sendable, Equatable {
    /// What a key is good for. The raw values are part of the key file.
    public enum Scope: String, Sendable, CaseIterable {
        /// To make jobs, feed and cancel them.
        case execute
        /// To look at jobs and languages.
        case read
        /// Everything, the jobs of other keys included.
        case admin
    }

    /// For people: what `bulkhead keys` calls it.
    public var name: String
    /// For jobs: never given twice, so that a later key of the same name does not inherit the jobs of one that was revoked.
    public let id: String
    /// SHA-256 of the key.
    public let digest: [UInt8]
    public var scopes: Set<Scope>
    public var quota: Quota
    public var createdAt: Date

    public init(
        name: String, id: String, digest: [UInt8], scopes: Set<Scope>, quota: Quota = Quota(), createdAt: Date
    ) {
        self.name = name
        self.id = id
        self.digest = digest
        self.scopes = scopes
        self.quota = quota
        self.createdAt = createdAt
    }

    public func allows(_ scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }
}

/// How much of the service one key gets; nil is no bound of its own beside those for everybody.
public struct Quota: Sendable, Equatable {
    /// Jobs made in a time.
    public var rate: Rate?
    /// Jobs that wait or run at once.
    public var concurrency: Int?
    /// Jobs that wait at once.
    public var queueShare: Int?
    /// The most that a job may ask for of each limit.
    public var ceilings: LimitOverrides

    public init(
        rate: Rate? = nil, concurrency: Int? = nil, queueShare: Int? = nil, ceilings: LimitOverrides = LimitOverrides()
    ) {
        self.rate = rate
        self.concurrency = concurrency
        self.queueShare = queueShare
        self.ceilings = ceilings
    }
}
