import Jobs

/// The languages that a worker serves, and which of the engine's images each lives in.
public struct ServedLanguages: Sendable {
    /// In the order of the images; the first of a name is the one that is used where a request leaves the version open.
    public let all: [Language]
    private let imageIndexes: [String: Int]

    /// - Parameter images: the images in the order in which the engine has them, each with its languages.
    public init(images: [(name: String, languages: [Language])]) {
        all = images.flatMap(\.languages)
        imageIndexes = Dictionary(images.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
    }

    /// The index of a language's image, or nil where the engine has no such image.
    func imageIndex(of language: Language) -> Int? { imageIndexes[language.image] }
}
