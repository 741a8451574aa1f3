import Jobs

/// Which languages can be run right now.
public protocol LanguageDirectory: Sendable {
    /// What the workers serve, together.
    func served() async -> [Language]
    /// The command that makes a language of this name or alias available, where there is one; nil for a name that nobody
    /// knows.
    func commandThatAdds(_ name: String) async -> String?
}

/// Languages that are known from the start.
public struct FixedLanguages: LanguageDirectory {
    private let languages: [Language]
    private let commands: [String: String]

    /// - Parameters:
    ///   - languages: what is served.
    ///   - commands: by name or alias, the command that adds a language which is not served.
    public init(_ languages: [Language], commands: [String: String] = [:]) {
        self.languages = languages
        self.commands = commands
    }

    public func served() async -> [Language] { languages }

    public func commandThatAdds(_ name: String) async -> String? { commands[name] }
}
