import Glibc
import Jobs

/// Why an image could not be described, built or opened. Every case reads as one sentence with its fix.
public enum ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A recipe says something that it may not; `line` is 1-based.
    case recipe(file: String, line: Int?, problem: String)
    /// No recipe and no built image has this name.
    case unknownImage(name: String, known: [String], searched: [String])
    /// Building makes root-owned files and mounts inside a namespace of its own.
    case notRoot
    /// Programs or files that building needs; `packages` are the Debian packages that hold them.
    case missing(packages: [String], imagesDirectory: String)
    /// The package archive did not answer; `host` is what was asked, `detail` what the tool said.
    case unreachable(host: String, detail: String)
    /// One step of a build failed; nothing was published.
    case step(name: String, detail: String)
    /// There is a recipe, or a name, but no tree.
    case notBuilt(name: String)
    /// Something on disk is not as a build leaves it, so it is not used.
    case unsafe(path: String, problem: String)
    /// A system call failed.
    case system(operation: String, path: String, errno: Int32)

    /// The sentence, as it may be shown on a terminal: parts of it can be a stranger's.
    public var description: String { text.printableLines }

    private var text: String {
        switch self {
        case .recipe(let file, let line, let problem):
            return "\(file)\(line.map { ":\($0)" } ?? ""): \(problem)"
        case .unknownImage(let name, let known, let searched):
            let list = known.isEmpty ? "none" : known.joined(separator: ", ")
            return "no image is called '\(name)'; there is: \(list) (recipes are looked for in "
                + (searched.isEmpty ? "no directory" : searched.joined(separator: ", ")) + ")"
        case .notRoot:
            return "building an image needs root: sudo bulkhead rootfs build NAME"
        case .missing(let packages, let directory):
            return """
                building an image needs packages that are missing here: \(packages.joined(separator: ", ")).
                On Debian or Ubuntu: apt-get install \(packages.joined(separator: " "))
                Elsewhere bring an image: build it on a Debian host with `bulkhead rootfs build NAME`, then copy \
                \(directory)/NAME to the same place here, owners and modes kept (tar --numeric-owner).
                Nothing was changed.
                """
        case .unreachable(let host, let detail):
            return "cannot reach \(host): \(detail)"
        case .step(let name, let detail):
            return "\(name) failed: \(detail)"
        case .notBuilt(let name):
            return "image '\(name)' is not built: sudo bulkhead rootfs build \(name)"
        case .unsafe(let path, let problem):
            return "\(path) \(problem)"
        case .system(let operation, let path, let number):
            return "\(operation) \(path): \(String(cString: strerror(number)))"
        }
    }
}
