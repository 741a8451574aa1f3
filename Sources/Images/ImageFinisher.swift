import Foundation
import Jobs

/// The last steps for every image, wherever its tree came from: tidied, stripped, checked, asked for its languages' versions,
/// listed with hashes, and described. What comes out of here is what the engine and `rootfs verify` expect.
struct ImageFinisher {
    let name: String
    let users: [Recipe.User]
    let files: [String: String]
    let languages: [Recipe.LanguageRecipe]
    /// The tree is `rootfs` below it.
    let directory: String
    /// How the tree is stripped and checked; its path is the tree's.
    let filesystem: RootFilesystem
    /// Told what happens, a line at a time.
    let progress: (String) -> Void
    /// Runs a program of the tree as the job's user, and answers what it printed.
    let ask: (_ step: String, _ argv: [String]) throws(ImageError) -> String

    /// A version is shown wherever its language is.
    private static let mostVersionBytes = 200

    /// Finishes the tree.
    /// - Parameter manifest: what is known already; the rest is filled in here.
    /// - Returns: the manifest, as it was written beside the tree.
    /// - Throws: the step that failed.
    func finish(_ manifest: ImageManifest) throws(ImageError) -> ImageManifest {
        progress("removing what a job has no use for, set-id bits and file capabilities")
        try filesystem.tidy(users: users)
        try filesystem.write(files)
        try filesystem.strip()
        try filesystem.verify()
        var manifest = manifest
        for language in languages { manifest.languages.append(try self.language(language)) }
        // The version commands ran meanwhile.
        try filesystem.verify()
        manifest.bytes = try Tree(path: filesystem.path).bytes()
        manifest.contents = try TreeListing(of: filesystem.path).write(path: "\(directory)/contents.txt")
        try manifest.write(path: "\(directory)/image.json")
        return manifest
    }

    private func language(_ entry: Recipe.LanguageRecipe) throws(ImageError) -> Language {
        for program in try ImageProgram.missing(of: entry.language, tree: filesystem.path) {
            throw .step(name: "checking \(entry.language.name)", detail: "the image has no program \(program)")
        }
        let step = "asking \(entry.language.name) for its version"
        let output = try ask(step, entry.versionCommand)
        var language = entry.language
        do {
            guard let match = try Regex(entry.versionPattern).firstMatch(in: output), match.output.count > 1,
                let version = match.output[1].substring.map({ String($0) }), version == version.printable,
                version.utf8.count <= Self.mostVersionBytes
            else { throw ImageError.step(name: step, detail: "no version in: \(output.prefix(200))") }
            language.version = version
        } catch let error as ImageError {
            throw error
        } catch {
            throw .step(name: step, detail: "\(error)")
        }
        progress("\(language.name) \(language.version)")
        return language
    }
}
