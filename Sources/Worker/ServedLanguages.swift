import Jobs

/// The languages that a worker serves, which of the engine's images each lives in, and which of its policies each gets.
public struct ServedLanguages: Sendable {
    /// In the order of the images; the first of a name is the one that is used where a request leaves the version open.
    public let all: [Language]
    private let imageIndexes: [String: Int]
    private let policyIndexes: [String: Int]

    /// By the engine's indexes, where a language's stages run and under which policies.
    struct Placement: Equatable {
        var image: Int
        var policy: Int
        var compilePolicy: Int
    }

    /// - Parameters:
    ///   - images: the images in the order in which the engine has them, each with its languages.
    ///   - policies: the names of the policies, in the order in which the engine has them.
    public init(images: [(name: String, languages: [Language])], policies: [String]) {
        all = images.flatMap(\.languages)
        imageIndexes = Dictionary(images.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
        policyIndexes = Dictionary(policies.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }

    /// The memory in bytes that one stage of them needs at most where a request says nothing: with less, one of them could
    /// not be served at all.
    public static func memoryNeeded(
        by languages: [Language], standard: Limits = .standard, compileLimits: Limits = .compile
    ) -> Int {
        languages.map { language in
            let run = standard.adapted(to: language).memoryBytes
            return language.compile == nil
                ? run : max(run, compileLimits.adapted(toCompile: language).memoryBytes)
        }.max() ?? standard.memoryBytes
    }

    /// The index of a policy, or nil where the engine has none of that name.
    public func policyIndex(of name: String) -> Int? { policyIndexes[name] }

    /// Where a language runs, or nil where the engine lacks its image or one of its policies: another policy in its place
    /// could allow more than the recipe meant.
    func placement(of language: Language) -> Placement? {
        guard let image = imageIndexes[language.image],
            let policy = policyIndexes[language.policy ?? Language.standardPolicy],
            let compilePolicy = policyIndexes[language.compilePolicy ?? Language.standardPolicy]
        else { return nil }
        return Placement(image: image, policy: policy, compilePolicy: compilePolicy)
    }
}
