import JobQueue
import Jobs

/// What can be run right now.
public protocol LanguageDirectory: Sendable {
    /// What the workers that live serve, together, and with which limits at most.
    /// - Throws: `unavailable` where nobody can tell.
    func offer() async throws(QueueError) -> Offer
    /// The command that makes a language of this name or alias available, where there is one; nil for a name that nobody
    /// knows.
    func commandThatAdds(_ name: String) async -> String?
}

/// Languages that are known from the start.
public struct FixedLanguages: LanguageDirectory {
    private let fixed: Offer
    private let commands: [String: String]

    /// - Parameters:
    ///   - offer: what is served.
    ///   - commands: by name or alias, the command that adds a language which is not served.
    public init(_ offer: Offer, commands: [String: String] = [:]) {
        fixed = offer
        self.commands = commands
    }

    public func offer() -> Offer { fixed }

    public func commandThatAdds(_ name: String) async -> String? { commands[name] }
}
