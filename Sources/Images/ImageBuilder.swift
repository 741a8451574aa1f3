import Foundation
import Glibc
import Jobs

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
        try installPythonPackages()
        let filesystem = RootFilesystem(path: rootfs)
        progress("removing what a job has no use for, set-id bits and file capabilities")
        try filesystem.tidy(users: recipe.users)
        try filesystem.write(recipe.files ?? [:])
        try filesystem.strip()
        try filesystem.verify()
        var languages: [Language] = []
        for language in recipe.languages { languages.append(try self.language(language)) }
        // The version commands ran as the job's user, who can write /tmp only; nothing of it is published.
        try Tree(path: "\(rootfs)/tmp").empty()
        try filesystem.verify()
        let manifest = ImageManifest(
            name: recipe.name, recipeHash: recipeHash, builtAt: Date(), suite: recipe.suite,
            architecture: BuildHost.architecture(), bytes: try Tree(path: rootfs).bytes(), languages: languages)
        try manifest.write(path: "\(directory)/image.json")
        return manifest
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
        let (sourcesFile, optionsFile) = ("\(directory)/sources.list", "\(directory)/apt.conf")
        // In files, not arguments: a proxy's address can hold a password, and arguments are for all to read.
        try FileSystem.write(
            Array((archive.sources(suite: recipe.suite).joined(separator: "\n") + "\n").utf8), to: sourcesFile,
            mode: 0o600)
        try FileSystem.write(Array((options.joined(separator: "\n") + "\n").utf8), to: optionsFile, mode: 0o600)
        defer {
            unlink(sourcesFile)
            unlink(optionsFile)
        }
        let excluded = Self.excluded + recipe.exclude
        let start = ContinuousClock.now
        _ = try Command(
            argv: [
                "/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
                "/usr/bin/mmdebstrap", "--mode=root", "--variant=essential", "--format=directory",
                "--aptopt=\(optionsFile)", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                "--setup-hook=\(Self.setupHook)",
            ] + excluded.map { "--dpkgopt=path-exclude=\($0)" } + [
                "--include=\(recipe.packages.joined(separator: ","))", recipe.suite, rootfs, sourcesFile,
            ], environment: environment
        ).succeed("mmdebstrap") { line in
            guard line.hasPrefix("I: "), !line.contains("-hook") else { return }
            let seconds = (ContinuousClock.now - start).components.seconds
            progress("[\(seconds) s] \(line.dropFirst(3))")
        }
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

    /// Installs wheels with the host's pip into the tree; a wheel is only unpacked, so no stranger's code runs as root.
    private func installPythonPackages() throws(ImageError) {
        guard !recipe.pip.isEmpty else { return }
        let python = try inside(["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            .succeed("asking the image's python for its version")
        guard let version = python.lines.last, version.wholeMatch(of: /3\.[0-9]+/) != nil else {
            throw .step(name: "asking the image's python for its version", detail: python.text)
        }
        progress("installing \(recipe.pip.joined(separator: ", ")) for Python \(version)")
        let machine = BuildHost.architecture()
        let platforms = ["manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_17", "manylinux2014"]
        _ = try Command(
            argv: [
                "/usr/bin/pip3", "install", "--no-input", "--disable-pip-version-check", "--quiet", "--no-compile",
                "--no-cache-dir", "--root-user-action=ignore", "--timeout", "10", "--retries", "1",
                "--only-binary=:all:", "--implementation", "cp", "--python-version", version, "--target",
                "\(rootfs)/usr/local/lib/python\(version)/dist-packages",
            ] + platforms.flatMap { ["--platform", "\($0)_\(machine)"] } + ["--"] + recipe.pip,
            environment: environment, seconds: 300
        ).succeed("pip")
    }

    // MARK: Languages

    /// A command within the tree as the job's user: no network, its own /proc, an environment of PATH alone.
    private func inside(_ argv: [String]) -> Command {
        Command(
            argv: [
                "/usr/bin/unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child",
                "--root=\(rootfs)", "--mount-proc=/proc", "--setgid", "1000", "--setuid", "1000", "--",
            ] + argv, environment: ["PATH": "/usr/bin:/bin"], seconds: 20)
    }

    private func language(_ entry: Recipe.LanguageRecipe) throws(ImageError) -> Language {
        let step = "asking \(entry.language.name) for its version"
        let output = try inside(entry.versionCommand).succeed(step).text
        var language = entry.language
        do {
            guard let match = try Regex(entry.versionPattern).firstMatch(in: output), match.output.count > 1,
                let version = match.output[1].substring
            else { throw ImageError.step(name: step, detail: "no version in: \(output.prefix(200))") }
            language.version = String(version)
        } catch let error as ImageError {
            throw error
        } catch {
            throw .step(name: step, detail: "\(error)")
        }
        for argv in [language.compile, language.run].compactMap({ $0 }) {
            guard let program = argv.first, !program.hasPrefix("/box/") else { continue }
            let test = try inside(["/usr/bin/test", "-x", program]).run()
            guard test.status == 0 else {
                throw .step(name: "checking \(language.name)", detail: "the image has no program \(program)")
            }
        }
        progress("\(language.name) \(language.version)")
        return language
    }
}
