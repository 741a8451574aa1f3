import JobQueue
import Jobs

/// What can be run right now, and by whom.
public protocol LanguageDirectory: Sendable {
    /// What the workers that live serve, together, and with which limits at most.
    /// - Throws: `unavailable` where nobody can tell.
    func offer() async throws(QueueError) -> Offer
    /// The command that makes a language of this name or alias available, where there is one; nil for a name that nobody
    /// knows.
    func commandThatAdds(_ name: String) async -> String?
    /// The workers that live, those that were there first first.
    /// - Throws: `unavailable` where nobody can tell.
    func workers() async throws(QueueError) -> [WorkerAnnouncement]
    /// Whether a job in one of the languages would run now, or wait for others only.
    /// - Throws: `unavailable` where nobody can tell.
    func isServed() async throws(QueueError) -> Bool
}

extension LanguageDirectory {
    public func isServed() async throws(QueueError) -> Bool { try await !offer().languages.isEmpty }
}

/// Languages that are known from the start, and run by one worker.
public struct FixedLanguages: LanguageDirectory {
    private let fixed: Offer
    private let commands: [String: String]
    private let worker: @Sendable () async -> WorkerAnnouncement
    private let isUsable: @Sendable () -> Bool

    /// - Parameters:
    ///   - offer: what is served.
    ///   - commands: by name or alias, the command that adds a language which is not served.
    ///   - isServed: whether whoever runs them could run a job now.
    ///   - worker: who runs them, as it is now.
    public init(
        _ offer: Offer, commands: [String: String] = [:], isServed: @escaping @Sendable () -> Bool = { true },
        worker: @escaping @Sendable () async -> WorkerAnnouncement
    ) {
        fixed = offer
        self.commands = commands
        isUsable = isServed
        self.worker = worker
    }

    public func isServed() -> Bool { isUsable() && !fixed.languages.isEmpty }

    public func offer() -> Offer { fixed }

    public func commandThatAdds(_ name: String) async -> String? { commands[name] }

    public func workers() async -> [WorkerAnnouncement] { [await worker()] }
}
