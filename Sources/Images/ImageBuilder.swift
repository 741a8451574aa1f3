import Foundation
import Glibc
import Jobs
import Linux

/// Turns a recipe into a tree and a manifest in a directory of its own. Publishing it is ``ImageStore``'s part.
///
/// mmdebstrap runs as root in its own mount and PID namespaces: whatever it mounts and starts ends with it. Packages are
/// accepted only under Debian's own keys. The finished tree is stripped, checked, and only then asked for versions.
struct ImageBuilder {
    /// Counts the changes to what a build does with the same recipe; a part of every content hash.
    static let formatVersion = 1

    let recipe: Recipe
    /// An empty directory that only root can write; the tree becomes `rootfs` below it.
    let directory: String
    /// Told what happens, a line at a time.
    let progress: (String) -> Void

    private var rootfs: String { "\(directory)/rootfs" }

    /// Builds all; on an error the directory holds no usable image.
    func build(recipeHash: String) throws(ImageError) -> ImageManifest {
        let archive = try hostArchive()
        try probe(archive)
        try bootstrap(archive)
        try listPackages()
        let wheels = try installPythonPackages()
        let finisher = ImageFinisher(
            name: recipe.name, users: recipe.users, files: recipe.files ?? [:], languages: recipe.languages,
            directory: directory, filesystem: RootFilesystem(path: rootfs), progress: progress,
            ask: { (step, argv) throws(ImageError) in try inside(argv).succeed(step).text })
        return try finisher.finish(
            ImageManifest(
                name: recipe.name, recipeHash: recipeHash, builtAt: Date(), suite: recipe.suite,
                architecture: BuildHost.architecture(), wheels: wheels))
    }

    // MARK: Where packages come from

    private func hostArchive() throws(ImageError) -> DebianArchive {
        let osRelease: String
        do {
            osRelease = try String(contentsOfFile: "/etc/os-release", encoding: .utf8)
        } catch {
            throw .step(name: "reading /etc/os-release", detail: error.localizedDescription)
        }
        let targets = try Command(argv: DebianArchive.targetsCommand, seconds: 30).succeed("reading apt's sources")
        let archive = DebianArchive.host(osRelease: osRelease, targets: targets.lines)
        if archive.security == nil {
            progress("note: this host's apt sources name no security archive, so the image gets no security updates")
        }
        return archive
    }

    /// Fetches one small file of each archive the way apt would, so that a missing network shows within seconds.
    private func probe(_ archive: DebianArchive) throws(ImageError) {
        for probe in archive.probes(suite: recipe.suite) {
            let file = "\(directory)/probe"
            // apt checks signatures later, with the lists; what is fetched here is thrown away.
            let result = try Command(
                argv: [
                    "/usr/lib/apt/apt-helper", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5",
                    "-o", "Acquire::Retries=0", "-o", "APT::Sandbox::User=root", "download-file", probe.uri, file,
                ], environment: environment, seconds: 15
            ).run()
            try Tree(path: file).remove()
            guard result.status == 0 else {
                throw .unreachable(host: probe.host, detail: Self.reason(result) + " (asked for \(recipe.suite))")
            }
        }
    }

    /// apt's own words on a download that failed: it writes them, indented, below the line of the file.
    static func reason(_ result: Command.Result) -> String {
        if result.status == Command.timedOut { return "no answer within 15 s" }
        let lines = result.lines
        if let mark = lines.lastIndex(where: { $0.hasPrefix("Err:") }), mark + 1 < lines.count {
            return String(lines[mark + 1].drop { $0 == " " })
        }
        return lines.last { $0.hasPrefix("E:") } ?? "no answer"
    }

    /// The fixed environment, and the proxies that the caller's names: apt honours them.
    private var environment: [String: String] {
        var environment = Command(argv: []).environment
        let proxies = ["http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"]
        for (name, value) in ProcessInfo.processInfo.environment where proxies.contains(name) {
            environment[name] = value
        }
        return environment
    }

    // MARK: Packages

    private func bootstrap(_ archive: DebianArchive) throws(ImageError) {
        let config = try Command(argv: ["/usr/bin/apt-config", "dump"], seconds: 30).succeed("reading apt's options")
        let options =
            DebianArchive.transportOptions(aptConfig: config.lines) + [
                "Acquire::http::Timeout \"20\";", "Acquire::https::Timeout \"20\";", "Acquire::Retries \"2\";",
                "Acquire::Languages \"none\";",
            ]
        try FileSystem.makeDirectory(rootfs, mode: 0o755)
        try FileSystem.makeDirectory("\(directory)/apt", mode: 0o700)
        let (sourcesFile, optionsFile) = ("\(directory)/apt/sources.list", "\(directory)/apt/apt.conf")
        // In files, not arguments: a proxy's address can hold a password, and arguments are for all to read.
        try FileSystem.write(
            Array((archive.sources(suite: recipe.suite).joined(separator: "\n") + "\n").utf8), to: sourcesFile,
            mode: 0o600)
        try FileSystem.write(Array((options.joined(separator: "\n") + "\n").utf8), to: optionsFile, mode: 0o600)
        let excluded = Self.excluded + recipe.exclude
        let start = ContinuousClock.now
        _ = try Command(
            argv: Confinement.exposing(
                ["rootfs", "apt"], of: directory,
                [
                    "/usr/bin/mmdebstrap", "--mode=root", "--variant=essential", "--format=directory",
                    "--aptopt=\(optionsFile)", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                    "--setup-hook=\(Self.setupHook)",
                ] + excluded.map { "--dpkgopt=path-exclude=\($0)" } + [
                    "--include=\(recipe.packages.joined(separator: ","))", recipe.suite, rootfs, sourcesFile,
                ]), environment: environment
        ).succeed("mmdebstrap") { line in
            guard line.hasPrefix("I: "), !line.contains("-hook") else { return }
            let seconds = (ContinuousClock.now - start).components.seconds
            progress("[\(seconds) s] \(line.dropFirst(3))")
        }
        try Tree(path: "\(directory)/apt").remove()
    }

    /// Left out of every image.
    private static let excluded = [
        "/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
        "/usr/share/bug/*",
    ]

    /// Java's packages register manual pages, so their directory has to exist; and of two packages that both say
    /// "this tree is merged", the empty one is preferred to the one that brings Perl (50 MB).
    private static let setupHook =
        #"mkdir -p "$1/usr/share/man/man1" "$1/etc/apt/preferences.d" && "#
        + #"printf 'Package: usrmerge\nPin: release *\nPin-Priority: -1\n' > "$1/etc/apt/preferences.d/bulkhead""#

    /// Writes names and versions of all packages beside the tree, for whoever looks for known holes.
    private func listPackages() throws(ImageError) {
        let result = try Command(
            argv: [
                "/usr/bin/dpkg-query", "--admindir=\(rootfs)/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\\n",
            ], seconds: 30
        ).succeed("listing the packages")
        let text = result.lines.joined(separator: "\n") + "\n"
        try FileSystem.write(Array(text.utf8), to: "\(directory)/packages.txt", mode: 0o644)
    }

    private func installPythonPackages() throws(ImageError) -> [ImageManifest.Wheel]? {
        guard !recipe.pip.isEmpty else { return nil }
        return try PythonPackages(
            packages: recipe.pip, exclude: recipe.exclude, rootfs: rootfs, directory: "\(directory)/pip",
            environment: environment, progress: progress, inside: inside
        ).install()
    }

    // MARK: Languages

    /// A command within the tree as a user that nobody else is, with an environment of PATH alone.
    private func inside(_ argv: [String]) -> Command {
        Command(
            argv: Confinement.inside(rootfs, user: HostUsers.builder, argv), environment: ["PATH": "/usr/bin:/bin"],
            seconds: 20)
    }
}
