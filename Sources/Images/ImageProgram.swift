import CLinux
import Glibc
import Jobs
import Linux

/// Whether an image has the programs that its languages name.
enum ImageProgram {
    /// The programs of a language that the tree does not have, or that a job could not execute; what a compiler makes in /box is
    /// not asked for.
    static func missing(of language: Language, tree: String) throws(ImageError) -> [String] {
        let root: Descriptor
        do throws(SystemError) {
            root = try Descriptor.open(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            throw ImageError(error, path: tree)
        }
        let programs = [language.compile, language.run].compactMap { $0?.first }
        var missing: [String] = []
        for program in programs where !program.hasPrefix("/box/") {
            if !isExecutable(program, root.raw) { missing.append(program) }
        }
        return missing
    }

    /// Looked up as a job would: links lead to where they lead within the image.
    private static func isExecutable(_ program: String, _ root: Int32) -> Bool {
        // Opened without the right to read: a program need not be readable.
        let raw = openInRoot(root, program, flags: BK_O_PATH)
        guard raw >= 0 else { return false }
        let file = Descriptor(owning: raw)
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o001 != 0
    }
}
