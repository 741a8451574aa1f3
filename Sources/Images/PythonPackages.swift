import Glibc
import Hashing
import Linux

/// Puts Python packages into a tree that has Python.
///
/// Wheels only: a wheel is unpacked, none of its code runs. pip, which reads what strangers have packed, runs as a user that nobody
/// else is, and nothing of it lives on. What it has made is taken by descriptor, folders first, found to be files that have no
/// other name, and is root's from then on. The tree's own Python compiles it, as that user within the tree: a job cannot write there,
/// and would compile it again at every import.
struct PythonPackages {
    /// Packages as `name==version`.
    let packages: [String]
    /// Patterns of what is left out, as in dpkg's `path-exclude`.
    let exclude: [String]
    let rootfs: String
    /// An empty folder for this alone, in the tree's file system.
    let directory: String
    let environment: [String: String]
    let progress: (String) -> Void
    /// A command within the tree as ``HostUsers/builder``.
    let inside: (_ argv: [String]) -> Command

    private let user = HostUsers.builder

    /// Installs the packages and all that they depend on.
    /// - Returns: the wheels, by name.
    func install() throws(ImageError) -> [ImageManifest.Wheel] {
        let python = try inside(["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            .succeed("asking the image's python for its version")
        guard let version = python.lines.last, version.wholeMatch(of: /3\.[0-9]+/) != nil else {
            throw .step(name: "asking the image's python for its version", detail: python.text)
        }
        progress("installing \(packages.joined(separator: ", ")) for Python \(version)")
        try FileSystem.makeDirectory(directory, mode: 0o755)
        for name in ["wheels", "site", "temporary"] {
            try FileSystem.makeDirectory("\(directory)/\(name)", mode: 0o755)
            let folder = try FileSystem.openFolder("\(directory)/\(name)")
            try FileSystem.changeOwner(of: folder.raw, user, user, "\(directory)/\(name)")
        }
        let target = platform(version)
        _ = try pip(
            ["download", "--dest", "\(directory)/wheels", "--no-cache-dir", "--timeout", "10", "--retries", "1"]
                + target
                + ["--"] + packages)
        let wheels = try wheels()
        // What was hashed is what is unpacked: no index is asked again.
        _ = try pip(
            ["install", "--no-index", "--no-deps", "--no-compile", "--target", "\(directory)/site"] + target + ["--"]
                + wheels.map { "\(directory)/wheels/\($0.file)" })
        let folder = "/usr/local/lib/python\(version)/dist-packages"
        try take("\(directory)/site")
        try removeExcluded(folder)
        try Tree(path: rootfs + folder).remove()
        try FileSystem.makeDirectories(String((rootfs + folder).dropLast("/dist-packages".count)))
        try FileSystem.rename("\(directory)/site", rootfs + folder)
        try Tree(path: directory).remove()
        try compile(folder)
        return wheels
    }

    private func platform(_ version: String) -> [String] {
        let machine = BuildHost.architecture()
        let names = ["manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_17", "manylinux2014"]
        return ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
            + names.flatMap { ["--platform", "\($0)_\(machine)"] }
    }

    private func pip(_ arguments: [String]) throws(ImageError) -> Command.Result {
        let end = directory.lastIndex(of: "/") ?? directory.startIndex
        let (build, name) = (String(directory[..<end]), String(directory[end...].dropFirst()))
        return try Command(
            argv: Confinement.exposing(
                [name], of: build,
                Confinement.unprivileged(
                    user, ["/usr/bin/pip3", "--no-input", "--disable-pip-version-check", "--quiet"] + arguments)),
            environment: environment.merging(["HOME": "/nonexistent", "TMPDIR": "\(directory)/temporary"]) { $1 },
            seconds: 300
        ).succeed("pip")
    }

    private func wheels() throws(ImageError) -> [ImageManifest.Wheel] {
        // From here on they are root's, so that nobody can change what was hashed, nor put another file in its place.
        try take("\(directory)/wheels")
        var wheels: [ImageManifest.Wheel] = []
        for name in try FileSystem.names(in: "\(directory)/wheels") {
            let path = "\(directory)/wheels/\(name)"
            guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl/) != nil else {
                throw .unsafe(path: path, problem: "is no wheel")
            }
            let file = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard file >= 0 else { throw FileSystem.failure("open", path) }
            defer { close(file) }
            var hash = SHA256()
            while case let piece = try FileSystem.piece(of: file, path), !piece.isEmpty { hash.update(piece) }
            wheels.append(ImageManifest.Wheel(file: name, sha256: hash.hexDigest()))
        }
        return wheels
    }

    /// Makes what pip has made root's, for all to read and for nobody else to write.
    /// - Throws: where it is not folders and files, or where a file has another name, elsewhere perhaps.
    func take(_ path: String) throws(ImageError) {
        try Tree(path: path).walk(
            entering: { (entry, folder) throws(ImageError) in
                try FileSystem.changeOwner(of: folder, 0, 0, path + FileSystem.shown(entry.path))
                try FileSystem.changeMode(of: folder, 0o755, path + FileSystem.shown(entry.path))
            },
            { (entry) throws(ImageError) in
                guard !entry.isFolder else { return }
                let shown = path + FileSystem.shown(entry.path)
                guard entry.kind == S_IFREG, entry.status.st_nlink == 1 else {
                    throw .unsafe(path: shown, problem: "is not as pip makes files: a link, or no file")
                }
                let file = try entry.open(O_RDONLY | O_NONBLOCK)
                try FileSystem.changeOwner(of: file.raw, 0, 0, shown)
                try FileSystem.changeMode(of: file.raw, entry.status.st_mode & 0o111 != 0 ? 0o755 : 0o644, shown)
            })
    }

    private func removeExcluded(_ folder: String) throws(ImageError) {
        let top = "\(directory)/site"
        try Tree(path: top).walk { (entry) throws(ImageError) in
            guard !entry.isFolder else { return }
            let inImage = folder + String(decoding: entry.path, as: UTF8.self)
            guard exclude.contains(where: { fnmatch($0, inImage, 0) == 0 }) else { return }
            try Tree.remove(entry.name, in: entry.folder)
        }
    }

    /// Compiles what is in the folder, without a time in it: the bytes are then the same at every build.
    private func compile(_ folder: String) throws(ImageError) {
        try Tree(path: rootfs + folder).walk(
            entering: { (entry, folder) throws(ImageError) in
                try FileSystem.changeOwner(of: folder, user, user, FileSystem.shown(entry.path))
            }, { _ in })
        // -S: what a package has for the start of Python is its code, and runs in sandboxes.
        var command = inside([
            "/usr/bin/python3", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder,
        ])
        command.seconds = 300
        // A file of a package's that is no Python of this version is its own matter: it is compiled when it is imported, or fails.
        _ = try command.run()
    }
}
