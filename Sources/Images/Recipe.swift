import Foundation
import Hashing
import Jobs

/// What an image holds and how its languages are used, as written in `rootfs/NAME.yaml`.
///
/// A value of this type has passed every check of ``RecipeParser``: names are safe as path components and as arguments,
/// programs are absolute paths, patterns compile.
public struct Recipe: Sendable, Equatable, Codable {
    /// The image's name, the same as the file's without its extension.
    public var name: String
    /// The Debian release that packages come from, such as `bookworm`.
    public var suite: String
    /// Debian packages; their dependencies come along, their recommendations do not.
    public var packages: [String]
    /// Python packages as `name==version`, installed from wheels only, so that none of their code runs while building.
    public var pip: [String]
    /// Paths that are not unpacked, as in dpkg's `path-exclude`.
    public var exclude: [String]
    /// Files of the recipe's own, by their path in the image; nil where there are none.
    public var files: [String: String]?
    /// Accounts besides `root` and `nobody`; `box` (1000:1000, /box) is always among them.
    public var users: [User]
    /// The languages that the image serves.
    public var languages: [LanguageRecipe]

    /// A line of `/etc/passwd`, and the group of the same name.
    public struct User: Sendable, Equatable, Codable {
        public var name: String
        public var uid: Int
        public var gid: Int
        public var home: String
        public var shell: String

        public init(name: String, uid: Int, gid: Int, home: String, shell: String) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.home = home
            self.shell = shell
        }

        /// The account that a job sees itself as.
        public static let box = User(name: "box", uid: 1000, gid: 1000, home: "/box", shell: "/bin/sh")
    }

    /// A `Jobs.Language` whose version is not known yet, and the command that tells it.
    public struct LanguageRecipe: Sendable, Equatable, Codable {
        /// The language but for `version`, which is empty.
        public var language: Language
        /// The program in the image that prints its version, and its arguments.
        public var versionCommand: [String]
        /// A regular expression whose first group is the version within what that command prints.
        public var versionPattern: String

        public init(language: Language, versionCommand: [String], versionPattern: String) {
            self.language = language
            self.versionCommand = versionCommand
            self.versionPattern = versionPattern
        }
    }

    public init(
        name: String, suite: String, packages: [String], pip: [String] = [], exclude: [String] = [],
        files: [String: String]? = nil, users: [User] = [.box], languages: [LanguageRecipe]
    ) {
        self.name = name
        self.suite = suite
        self.packages = packages
        self.pip = pip
        self.exclude = exclude
        self.files = files
        self.users = users
        self.languages = languages
    }

    /// 64 hexadecimal digits over everything that decides what the tree and its manifest look like: the recipe's
    /// content (not its comments or layout) and the version of the builder's own steps.
    public func contentHash() throws(ImageError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let content = try encoder.encode(self)
            return SHA256.hex(Array("bulkhead image \(ImageBuilder.formatVersion)\n".utf8) + Array(content))
        } catch {
            throw .step(name: "hashing the recipe of '\(name)'", detail: "\(error)")
        }
    }
}
