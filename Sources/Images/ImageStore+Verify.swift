import Glibc
import Jobs

extension ImageStore {
    /// Compares an image with what was written down when it was made, and looks for everything in it that no image may have.
    ///
    /// Reads every file, so it needs root, and holds the image meanwhile.
    /// - Returns: a line for each finding; none for an image that is sound.
    /// - Throws: where the image could not be looked at.
    public func verify(_ name: String) throws(ImageError) -> [String] {
        guard geteuid() == 0 else {
            throw .step(
                name: "verifying '\(name)'",
                detail: "it reads every file, which needs root: sudo bulkhead rootfs verify")
        }
        let image = try Image.openAsIs(name: name, stateDirectory: stateDirectory)
        defer { withExtendedLifetime(image) {} }
        let manifest = image.manifest
        var findings = try RootFilesystem(path: image.rootfs, isMerged: manifest.source == nil).findings()
        for language in manifest.languages {
            for program in try ImageProgram.missing(of: language, tree: image.rootfs) {
                findings.append("\(program) of \(language.name) is missing, or cannot be executed")
            }
        }
        guard let digest = manifest.contents else {
            let mend = "sudo bulkhead rootfs build \(name) --refresh"
            return findings + ["has no hashes to compare with: it was made before they were written (\(mend))"]
        }
        let directory = image.rootfs.dropLast("/rootfs".count)
        do throws(ImageError) {
            let listing = try TreeListing(path: "\(directory)/contents.txt", digest: digest)
            findings += listing.differences(to: try TreeListing(of: image.rootfs))
        } catch .unsafe(let path, let problem) {
            findings.append("\(path) \(problem)")
        }
        return findings
    }
}
