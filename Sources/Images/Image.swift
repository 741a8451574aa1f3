import Glibc

/// A built image that is in use: as long as the value lives, no build removes its tree.
public final class Image: Sendable {
    /// What the image holds.
    public let manifest: ImageManifest
    /// The tree's absolute path. It stays the same tree when a newer build is published.
    public let rootfs: String
    private let lock: FileLock

    private init(manifest: ImageManifest, rootfs: String, lock: FileLock) {
        self.manifest = manifest
        self.rootfs = rootfs
        self.lock = lock
    }

    /// Opens the current build of image `name` below `stateDirectory` and holds it.
    ///
    /// As root it takes /tmp of the tree back where others can write it, as in images that were made with such a one.
    /// Throws ``ImageError/notBuilt(name:)`` where there is none, and ``ImageError/unsafe(path:problem:)`` where others
    /// could change the tree or its manifest does not belong to it.
    public static func open(name: String, stateDirectory: String) throws(ImageError) -> Image {
        let image = try openAsIs(name: name, stateDirectory: stateDirectory)
        if geteuid() == 0 { try RootFilesystem.closeTemporary(in: image.rootfs) }
        return image
    }

    /// The same for a look at the tree as it is.
    static func openAsIs(name: String, stateDirectory: String) throws(ImageError) -> Image {
        let layout = try ImageLayout(stateDirectory: stateDirectory, name: name)
        // A build can replace the current one between two of these steps, and take its name too: then it is looked up again.
        var incomplete: String?
        for _ in 0..<40 {
            guard let build = try layout.current() else { throw .notBuilt(name: name) }
            do throws(ImageError) {
                if let image = try hold(layout, build) { return image }
            } catch {
                guard case .system(_, _, ENOENT) = error else { throw error }
                incomplete = build
            }
            usleep(5_000)
        }
        throw .unsafe(
            path: layout.build(incomplete ?? "current"), problem: "is not complete: build the image again")
    }

    /// Locks one build and reads its manifest; nil where a build is just removing it.
    private static func hold(_ layout: ImageLayout, _ build: String) throws(ImageError) -> Image? {
        guard let lock = try FileLock.take(layout.inUse(build), .shared, waiting: false, creating: false),
            lock.isLinked
        else { return nil }
        for path in layout.chain(to: build) + [layout.rootfs(build)] { try FileSystem.requireOwned(path) }
        let manifest = try ImageManifest.load(path: layout.manifest(build))
        guard manifest.name == layout.name else {
            throw .unsafe(path: layout.manifest(build), problem: "is of image '\(manifest.name)'")
        }
        return Image(manifest: manifest, rootfs: layout.rootfs(build), lock: lock)
    }
}
