import Foundation
import Glibc

extension ImageStore {
    /// Runs a program of an image in a sandbox, and answers what it printed; see ``sandboxed(by:environment:)``.
    public typealias Ask = (
        _ step: String, _ image: String, _ stateDirectory: String, _ argv: [String]
    ) throws(ImageError) -> String

    /// Runs programs of images that are not published yet by a command that takes `--image`, `--state-dir` and a program, as
    /// `bulkhead run` does: what an import has brought is a stranger's, and gets a job's sandbox and not a mere chroot.
    /// - Parameters:
    ///   - command: the command, and its own options.
    ///   - environment: its environment, besides a fixed one.
    /// - Returns: what ``importImage(_:from:languages:bounds:ask:progress:)`` is given.
    public static func sandboxed(by command: [String], environment: [String: String]) -> Ask {
        { (step, image, stateDirectory, argv) throws(ImageError) in
            let fixed = Command(argv: []).environment
            return try Command(
                argv: command + ["--image", image, "--state-dir", stateDirectory, "--"] + argv,
                environment: fixed.merging(environment) { $1 }, seconds: 90
            ).succeed(step).text
        }
    }

    /// Makes image `name` of an archive of a tree, or of an image as container tools write it, and publishes it in one step.
    ///
    /// The archive is untrusted. A failed import changes nothing.
    /// - Parameters:
    ///   - name: the image's name, which no recipe may have.
    ///   - source: a tar archive, packed or not, an OCI image layout, or a tar archive of one.
    ///   - languages: a file with `languages`, as in a recipe.
    ///   - bounds: the most that the archive may hold.
    ///   - ask: how its programs are asked for their versions.
    ///   - progress: told what happens, a line at a time.
    /// - Returns: the image as it is now.
    /// - Throws: what is wrong with the archive, the file of languages or this host.
    public func importImage(
        _ name: String, from source: String, languages: String, bounds: ImportBounds = ImportBounds(),
        ask: @escaping Ask,
        progress: @escaping (String) -> Void = ImageStore.standardError
    ) throws(ImageError) -> BuildResult {
        let start = ContinuousClock.now
        let layout = try ImageLayout(stateDirectory: stateDirectory, name: name)
        if let recipe = try recipePaths()[name] {
            throw .unsafe(path: "'\(name)'", problem: "is the name of a recipe (\(recipe)): import under another name")
        }
        let languageFile = try RecipeParser.loadLanguages(path: languages, image: name)
        try ImageImporter.check(source: source)
        let lock = try beginBuild(layout, progress)
        defer { withExtendedLifetime(lock) {} }

        progress("importing image '\(name)' from \(source)")
        let importer = ImageImporter(
            name: name, source: source, languages: languageFile, bounds: bounds,
            staging: layout.build("\(ImageLayout.temporaryPrefix)\(getpid())"), progress: progress, ask: ask)
        return try publishing(importer.staging, progress) { () throws(ImageError) in
            let manifest = try importer.run()
            sync()
            try publish(importer.directory, layout, hash: manifest.recipeHash)
            try Tree(path: importer.staging).remove()
            return try result(layout, manifest, wasBuilt: true, since: start)
        }
    }
}
