import Foundation
import Glibc
import Jobs
import Linux

/// The images of one host: which there are, building them, opening them.
///
/// All of it is synchronous and meant for a command's own thread; a build takes about half a minute.
public struct ImageStore {
    /// Where images are kept unless told otherwise.
    public static let defaultStateDirectory = "/var/lib/bulkhead"

    /// The directory that `images/` is in.
    public let stateDirectory: String
    /// Directories that recipes are looked for in; the first that has one of a name wins.
    public let recipeDirectories: [String]

    public init(stateDirectory: String = ImageStore.defaultStateDirectory, recipeDirectories: [String]) {
        self.stateDirectory = Self.absolute(stateDirectory)
        self.recipeDirectories = recipeDirectories.map(Self.absolute)
    }

    /// Where an administrator's own recipes are.
    public static let ownRecipeDirectory = "/etc/bulkhead/rootfs"

    /// The administrator's own recipes, then where they are installed, `/usr/share/bulkhead/rootfs` for `/usr/bin/bulkhead`,
    /// then `rootfs/` of the source tree that `executable` was built in, where it was.
    public static func standardRecipeDirectories(executable: String) -> [String] {
        let executable = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
        let installed = executable.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("share/bulkhead/rootfs").path
        return [ownRecipeDirectory, installed]
            + (SourceTree.around(executable: executable.path).map { ["\($0)/rootfs"] } ?? [])
    }

    private static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    // MARK: Recipes

    /// The recipe files by image name.
    public func recipePaths() throws(ImageError) -> [String: String] {
        var paths: [String: String] = [:]
        for directory in recipeDirectories {
            for file in try FileSystem.names(in: directory) where file.hasSuffix(".yaml") {
                let name = String(file.dropLast(".yaml".count))
                if paths[name] == nil { paths[name] = "\(directory)/\(file)" }
            }
        }
        return paths
    }

    /// The image whose recipe has a language of that name or alias, where no recipe is called so itself.
    ///
    /// Recipes that cannot be read are passed over: they have errors of their own, for whoever asks for them.
    public func imageServing(_ language: String) throws(ImageError) -> String? {
        let paths = try recipePaths()
        guard paths[language] == nil else { return nil }
        return paths.sorted { $0.key < $1.key }.first { _, path in
            guard let recipe = try? RecipeParser.load(path: path) else { return false }
            return recipe.languages.contains { $0.language.name == language || $0.language.aliases.contains(language) }
        }?.key
    }

    /// The recipe of image `name`.
    public func recipe(_ name: String) throws(ImageError) -> Recipe {
        let paths = try recipePaths()
        guard let path = paths[name] else {
            throw .unknownImage(name: name, known: paths.keys.sorted(), searched: recipeDirectories)
        }
        return try RecipeParser.load(path: path)
    }

    // MARK: What there is

    /// One image as `list` shows it.
    public struct Status: Sendable {
        /// The image's name.
        public var name: String
        /// Its recipe's file, or nil for an image that was brought without one.
        public var recipePath: String?
        /// What is built, or nil.
        public var manifest: ImageManifest?
        /// The built tree, or nil.
        public var rootfs: String?
        /// Whether what is built is what the recipe says; true also without a recipe.
        public var isUpToDate: Bool
        /// Why the recipe or the build cannot be used, or nil.
        public var problem: String?
    }

    /// All images that have a recipe or a build, by name. One that is broken is listed with its problem.
    public func list() throws(ImageError) -> [Status] {
        let paths = try recipePaths()
        // A folder alone is what an import that failed has left.
        var built: [String] = []
        for name in try FileSystem.names(in: ImageLayout.images(stateDirectory)) where RecipeParser.isImageName(name) {
            let layout = try ImageLayout(stateDirectory: stateDirectory, name: name)
            let (current, builds) = (try FileSystem.status(layout.currentLink), try layout.builds())
            if current != nil || !builds.isEmpty { built.append(name) }
        }
        var list: [Status] = []
        for name in Set(paths.keys).union(built).sorted() {
            var status = Status(name: name, recipePath: paths[name], isUpToDate: false)
            do throws(ImageError) {
                let layout = try ImageLayout(stateDirectory: stateDirectory, name: name)
                if let build = try layout.current() {
                    status.manifest = try ImageManifest.load(path: layout.manifest(build))
                    status.rootfs = layout.rootfs(build)
                }
                let hash = try paths[name].map { (path) throws(ImageError) in
                    try RecipeParser.load(path: path).contentHash()
                }
                status.isUpToDate = status.manifest.map { hash == nil || $0.recipeHash == hash } ?? false
            } catch {
                status.problem = error.description
            }
            list.append(status)
        }
        return list
    }

    /// Opens the current build of image `name`; see ``Image/open(name:stateDirectory:)``.
    public func open(_ name: String) throws(ImageError) -> Image {
        try Image.open(name: name, stateDirectory: stateDirectory)
    }

    // MARK: Building

    /// What a call of ``build(_:refresh:progress:)`` came to.
    public struct BuildResult: Sendable {
        /// The image as it is now.
        public var manifest: ImageManifest
        /// Its tree.
        public var rootfs: String
        /// Whether this call built it; false when it was up to date.
        public var wasBuilt: Bool
        /// Seconds that the call took, waiting for another builder included.
        public var seconds: Double
    }

    /// Writes a progress line to stderr; where that is gone nobody could be told.
    public static let standardError: @Sendable (String) -> Void = { line in
        try? FileHandle.standardError.write(contentsOf: Data("  \(line.printable)\n".utf8))
    }

    /// Builds image `name` where its recipe changed or it was never built, and publishes it in one step.
    ///
    /// With `refresh` it is built again with today's packages. Needs root and a Debian or Ubuntu host only when there is
    /// something to build. Older builds are removed unless somebody holds them. A failed build changes nothing.
    public func build(
        _ name: String, refresh: Bool = false, progress: @escaping (String) -> Void = ImageStore.standardError
    ) throws(ImageError) -> BuildResult {
        let start = ContinuousClock.now
        let recipe = try recipe(name)
        let hash = try recipe.contentHash()
        let layout = try ImageLayout(stateDirectory: stateDirectory, name: name)
        if !refresh, let result = try upToDate(layout, hash: hash, since: start) { return result }

        let missing = BuildHost.missingPackages(pip: !recipe.pip.isEmpty)
        guard missing.isEmpty else {
            throw .missing(packages: missing, imagesDirectory: ImageLayout.images(stateDirectory))
        }
        let lock = try beginBuild(layout, progress)
        defer { withExtendedLifetime(lock) {} }
        if !refresh, let result = try upToDate(layout, hash: hash, since: start) { return result }

        progress("building image '\(name)' (Debian \(recipe.suite), \(recipe.packages.joined(separator: ", ")))")
        let temporary = layout.build("\(ImageLayout.temporaryPrefix)\(getpid())")
        try FileSystem.makeDirectory(temporary, mode: 0o700)
        return try publishing(temporary, progress) { () throws(ImageError) in
            let manifest = try ImageBuilder(recipe: recipe, directory: temporary, progress: progress)
                .build(recipeHash: hash)
            // What is published has to survive a power cut as a whole or not at all.
            sync()
            try publish(temporary, layout, hash: hash)
            return try result(layout, manifest, wasBuilt: true, since: start)
        }
    }

    /// Takes the build lock of an image, as root, in a directory that only root can write, without what interrupted builds left.
    func beginBuild(_ layout: ImageLayout, _ progress: (String) -> Void) throws(ImageError) -> FileLock {
        guard geteuid() == 0 else { throw .notRoot }
        try FileSystem.makeDirectories(layout.directory)
        for path in [stateDirectory, ImageLayout.images(stateDirectory), layout.directory] {
            try FileSystem.requireOwned(path)
        }
        let lock = try buildLock(layout, progress)
        try sweep(layout)
        for build in try layout.builds() where try FileSystem.isDirectory(layout.rootfs(build)) {
            try RootFilesystem.closeTemporary(in: layout.rootfs(build))
        }
        return lock
    }

    /// Does the work of a build, and removes its temporary directory where that fails.
    func publishing(
        _ temporary: String, _ progress: (String) -> Void, _ work: () throws(ImageError) -> BuildResult
    ) throws(ImageError) -> BuildResult {
        do throws(ImageError) {
            return try work()
        } catch {
            // The build's own error is the one to tell; what cannot be removed now is swept by the next build.
            do { try Tree(path: temporary).remove() } catch { progress("note: \(error)") }
            throw error
        }
    }

    /// Makes a finished build, which was its owner's alone until now, the current one, and removes the ones before it.
    func publish(_ temporary: String, _ layout: ImageLayout, hash: String) throws(ImageError) {
        try FileSystem.write([], to: "\(temporary)/in-use", mode: 0o600)
        try FileSystem.changeMode(temporary, 0o755)
        let build = try layout.freeName(recipeHash: hash)
        try FileSystem.rename(temporary, layout.build(build))
        try FileSystem.replaceLink(layout.currentLink, target: build)
        try removeSuperseded(layout)
    }

    private func upToDate(
        _ layout: ImageLayout, hash: String, since start: ContinuousClock.Instant
    ) throws(ImageError) -> BuildResult? {
        guard let build = try layout.current(), try FileSystem.isDirectory(layout.rootfs(build)) else { return nil }
        let manifest = try ImageManifest.load(path: layout.manifest(build))
        guard manifest.recipeHash == hash else { return nil }
        if geteuid() == 0 { try RootFilesystem.closeTemporary(in: layout.rootfs(build)) }
        return try result(layout, manifest, wasBuilt: false, since: start)
    }

    func result(
        _ layout: ImageLayout, _ manifest: ImageManifest, wasBuilt: Bool, since start: ContinuousClock.Instant
    ) throws(ImageError) -> BuildResult {
        guard let build = try layout.current() else { throw .notBuilt(name: layout.name) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return BuildResult(
            manifest: manifest, rootfs: layout.rootfs(build), wasBuilt: wasBuilt, seconds: seconds)
    }

    private func buildLock(_ layout: ImageLayout, _ progress: (String) -> Void) throws(ImageError) -> FileLock {
        if let lock = try FileLock.take(layout.buildLock, .exclusive, waiting: false, creating: true) { return lock }
        progress("waiting for another build of '\(layout.name)'")
        guard let lock = try FileLock.take(layout.buildLock, .exclusive, waiting: true, creating: true) else {
            throw .unsafe(path: layout.buildLock, problem: "could not be locked")
        }
        return lock
    }

    /// Removes what interrupted builds and removals left. Only under the build lock: then nobody else's is there.
    func sweep(_ layout: ImageLayout) throws(ImageError) {
        for name in try FileSystem.names(in: layout.directory)
        where name.hasPrefix(ImageLayout.temporaryPrefix) || name.hasPrefix(ImageLayout.removedPrefix) {
            try Tree(path: layout.build(name)).remove()
        }
    }

    /// Removes all builds but the current one that nobody holds. Only under the build lock.
    func removeSuperseded(_ layout: ImageLayout) throws(ImageError) {
        let current = try layout.current()
        for build in try layout.builds() where build != current {
            guard let lock = try FileLock.take(layout.inUse(build), .exclusive, waiting: false, creating: true) else {
                continue
            }
            // The lock goes with the file: whoever waits for it finds it without a name and looks again.
            try FileSystem.changeMode(layout.build(build), 0o700)
            let removed = layout.build("\(ImageLayout.removedPrefix)\(build)")
            try FileSystem.rename(layout.build(build), removed)
            try Tree(path: removed).remove()
            withExtendedLifetime(lock) {}
        }
    }
}
