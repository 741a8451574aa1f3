import Foundation
import Jobs

/// What is known about a built image: `image.json` beside its tree.
public struct ImageManifest: Sendable, Equatable, Codable {
    /// The image's name.
    public var name: String
    /// ``Recipe/contentHash()`` of the recipe that it was built from.
    public var recipeHash: String
    /// When it was built.
    public var builtAt: Date
    /// The Debian release it holds.
    public var suite: String
    /// The machine it runs on, as `uname -m` says.
    public var architecture: String
    /// Bytes that the tree takes on disk.
    public var bytes: Int
    /// The languages, each with the version that the image itself answered.
    public var languages: [Language]

    public init(
        name: String, recipeHash: String, builtAt: Date, suite: String, architecture: String, bytes: Int,
        languages: [Language]
    ) {
        self.name = name
        self.recipeHash = recipeHash
        self.builtAt = builtAt
        self.suite = suite
        self.architecture = architecture
        self.bytes = bytes
        self.languages = languages
    }

    /// Larger files are refused before they are parsed.
    static let maximumBytes = 1 << 20

    /// Reads the manifest in `path`.
    static func load(path: String) throws(ImageError) -> ImageManifest {
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            guard data.count <= maximumBytes else {
                throw ImageError.unsafe(path: path, problem: "is larger than a manifest can be")
            }
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            return try decoder.decode(ImageManifest.self, from: data)
        } catch let error as ImageError {
            throw error
        } catch {
            throw .unsafe(path: path, problem: "is not a manifest: \(error)")
        }
    }

    /// Writes the manifest to `path`, readable by all.
    func write(path: String) throws(ImageError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            try FileSystem.write(Array(encoder.encode(self)) + [UInt8(ascii: "\n")], to: path, mode: 0o644)
        } catch let error as ImageError {
            throw error
        } catch {
            throw .step(name: "writing \(path)", detail: "\(error)")
        }
    }
}
