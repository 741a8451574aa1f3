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
    /// Where the tree of an imported image came from, such as `tar sha256:…`; nil for one that was built.
    public var source: String?
    /// SHA-256 of `contents.txt` beside the tree, which lists it with hashes; nil for an image from before it was written.
    public var contents: String?
    /// The wheels that were installed, dependencies included; nil where there are none.
    public var wheels: [Wheel]?
    /// The languages, each with the version that the image itself answered.
    public var languages: [Language]

    /// A Python package as it was downloaded.
    public struct Wheel: Sendable, Equatable, Codable {
        /// The file's name, which says package and version.
        public var file: String
        /// SHA-256 of the file, 64 hexadecimal digits.
        public var sha256: String

        public init(file: String, sha256: String) {
            self.file = file
            self.sha256 = sha256
        }
    }

    public init(
        name: String, recipeHash: String, builtAt: Date, suite: String, architecture: String, bytes: Int = 0,
        source: String? = nil, contents: String? = nil, wheels: [Wheel]? = nil, languages: [Language] = []
    ) {
        self.name = name
        self.recipeHash = recipeHash
        self.builtAt = builtAt
        self.suite = suite
        self.architecture = architecture
        self.bytes = bytes
        self.source = source
        self.contents = contents
        self.wheels = wheels
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
