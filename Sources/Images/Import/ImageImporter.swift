import Foundation
import Glibc
import Hashing
import Linux

/// Turns an archive of a tree, or an image as container tools write it, into a tree and a manifest in a directory of its own.
/// Publishing it is ``ImageStore``'s part.
struct ImageImporter {
    let name: String
    /// The archive, or the folder of an image layout.
    let source: String
    let languages: RecipeParser.LanguageFile
    let bounds: ImportBounds
    /// Below it is a state directory that holds this one build of the image, so that its programs can be tried in a sandbox
    /// before there is anything for others to find.
    let staging: String
    let progress: (String) -> Void
    let ask: ImageStore.Ask

    /// The build's directory, within the staging.
    var directory: String { "\(staging)/images/\(name)/\(Self.build)" }
    private var rootfs: String { "\(directory)/rootfs" }
    private static let build = "000000000000"

    /// Refuses a source that is no archive and no image layout by its kind, before anything is made for it.
    static func check(source: String) throws(ImageError) {
        // The source's own path may be a link: it is the operator's.
        var status = stat()
        guard stat(source, &status) == 0 else { throw FileSystem.failure("open", source) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR where try OCILayout.isLayout(source): return
        case S_IFDIR:
            throw .unsafe(
                path: source,
                problem: "is a folder but no image layout; of a tree make an archive: tar -C \(source) -cf TREE.tar .")
        default: throw .unsafe(path: source, problem: "is no file")
        }
    }

    /// Imports; on an error the directory holds no usable image.
    func run() throws(ImageError) -> ImageManifest {
        try FileSystem.makeDirectory(staging, mode: 0o700)
        try FileSystem.makeDirectories(directory)
        let origin = try unpack()
        progress("unpacked \(origin)")
        var manifest = ImageManifest(
            name: name,
            recipeHash: SHA256.hex(Array("bulkhead import 1\n\(origin)\n\(languages.text)".utf8)), builtAt: Date(),
            suite: "imported", architecture: BuildHost.architecture(), source: origin)
        // What `run` needs to find it; replaced by what is known in the end.
        try manifest.write(path: "\(directory)/image.json")
        try FileSystem.write([], to: "\(directory)/in-use", mode: 0o600)
        try FileSystem.replaceLink("\(staging)/images/\(name)/current", target: Self.build)
        var filesystem = RootFilesystem(path: rootfs)
        filesystem.isMerged = false
        filesystem.unwanted = RootFilesystem.hostTraces
        let finisher = ImageFinisher(
            name: name, users: languages.users, files: languages.files ?? [:], languages: languages.languages,
            directory: directory, filesystem: filesystem, progress: progress,
            ask: { (step, argv) throws(ImageError) in try ask(step, name, staging, argv) })
        manifest = try finisher.finish(manifest)
        return manifest
    }

    // MARK: Unpacking

    /// Fills the tree, and answers where it came from.
    private func unpack() throws(ImageError) -> String {
        try FileSystem.makeDirectory(rootfs, mode: 0o755)
        try Self.check(source: source)
        if try OCILayout.isLayout(source) { return try unpackLayers(of: source) }
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor.open(source, O_RDONLY | O_NONBLOCK)
        } catch {
            throw ImageError(error, path: "")
        }
        var status = stat()
        guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unsafe(path: source, problem: "is no file")
        }
        let writer = try TreeWriter(path: rootfs, bounds: bounds)
        let stream = try ArchiveStream(file, name: source, mostBytes: mostStreamBytes)
        let digest = try writer.write(stream, isLayer: false)
        guard try OCILayout.isLayout(rootfs) else {
            for line in writer.report.lines { progress(line) }
            return "tar sha256:\(digest)"
        }
        let layout = "\(staging)/layout"
        try FileSystem.rename(rootfs, layout)
        try FileSystem.makeDirectory(rootfs, mode: 0o755)
        let origin = try unpackLayers(of: layout)
        try Tree(path: layout).remove()
        return origin
    }

    private func unpackLayers(of path: String) throws(ImageError) -> String {
        let layout = try OCILayout(path: path, architecture: BuildHost.architecture())
        let writer = try TreeWriter(path: rootfs, bounds: bounds)
        for (number, layer) in layout.layers.enumerated() {
            progress("layer \(number + 1) of \(layout.layers.count)")
            let digest = try writer.write(try layout.stream(of: layer, mostBytes: mostStreamBytes), isLayer: true)
            guard digest == layer.diffID else {
                throw .step(
                    name: "reading \(layer.path)",
                    detail: "it is damaged: unpacked, its digest is \(digest), and the image says \(layer.diffID)")
            }
        }
        for line in writer.report.lines { progress(line) }
        return "image \(layout.digest)"
    }

    /// An archive is a little larger than what is in it.
    private var mostStreamBytes: Int {
        let (sum, overflow) = bounds.bytes.addingReportingOverflow(bounds.bytes / 4 + (64 << 20))
        return overflow ? .max : sum
    }
}
