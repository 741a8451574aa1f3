import CLinux
import Foundation
import Glibc
import Images
import Isolation
import Jobs
import Linux

/// What the bench has on its host: a folder in memory, and mounts that only its own processes see. Both end with it.
final class BenchHost {
    /// Beneath it all that the bench writes.
    let folder: String
    /// The static program of one system call.
    let exitProgram: String
    /// A folder that can be the root of a sandbox, with that program as /exit and hardly anything else.
    let exitImage: String
    /// Where this host's images are, and one more with a language whose programs are the one above.
    let stateDirectory: String
    /// Where the default policy's compiled filter is, once it is.
    var filterFile: String { "\(folder)/filter" }
    /// The policy that programs run under unless their language names another.
    let policyFile: String
    private let images: [Image]

    /// The images' languages that there is a program for.
    var languages: [BenchLanguage] { images.flatMap(\.manifest.languages).compactMap(BenchLanguage.init) }
    var imageNames: [String] { images.map(\.manifest.name) }

    /// Must be called before this process has other threads: it takes itself a namespace of mounts.
    /// - Parameters:
    ///   - options: where things are.
    ///   - names: the images to use.
    /// - Throws: what keeps it from being set up.
    init(_ options: EngineOptions, images names: [String]) throws {
        let store = try options.store
        images = try names.map { try store.open($0) }
        policyFile = try options.policyFolder() + "/default.json"
        try Self.moveOutOfTheWay()
        try attempt("make a mount namespace") { bk_unshare(BK_CLONE_NEWNS) }
        try attempt("make mounts private") { bk_mount("none", "/", "", BK_MS_REC | BK_MS_PRIVATE, "") }
        var template = Array("/tmp/bulkhead-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("make a folder in /tmp", errno: errno) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Without flags: nsjail remounts its root without those that it has, which the kernel refuses to a user namespace
        // (mount_namespaces(7), locked mounts). Only what the bench starts sees it.
        try attempt("mount tmpfs") { bk_mount("tmpfs", folder, "tmpfs", 0, "size=1g,mode=755") }
        self.folder = folder
        BenchCleanup.add(folder: folder)
        exitProgram = "\(folder)/exit"
        try ExitProgram.place(at: exitProgram)
        stateDirectory = "\(folder)/state"
        exitImage = try Self.makeExitImage(in: stateDirectory)
        for image in images {
            // The build's folder with the lock beside the tree: whoever opens it there holds it here as well.
            try Self.bind(
                "\(store.stateDirectory)/images/\(image.manifest.name)",
                to: "\(stateDirectory)/images/\(image.manifest.name)")
        }
    }

    deinit { BenchCleanup.remove(folder: folder) }

    /// Where cgroup v2 forbids processes beside groups, the engine's process would find this one in its way; the engine
    /// knows the leaf's name and goes one up.
    private static func moveOutOfTheWay() throws {
        try DelegatedScope.ensure(arguments: CommandLine.arguments)
        let host = try CgroupHost.detect()
        guard host.hierarchy == .unified, !host.isTrueRoot, let parent = host.parents.first else { return }
        try Linux.Folder.make("\(parent)/bulkhead-daemon")
        try SmallFile.write("\(getpid())", to: "\(parent)/bulkhead-daemon/cgroup.procs")
    }

    static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw IsolationError(.host, "cannot make \(path): \(error)")
        }
    }

    static func write(_ contents: Data, to path: String, mode: Int = 0o644) throws {
        do {
            try contents.write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        } catch {
            throw IsolationError(.host, "cannot write \(path): \(error)")
        }
    }

    private static func bind(_ source: String, to target: String, isReadOnly: Bool = false) throws {
        try make(target)
        try attempt("bind \(source)") { bk_mount(source, target, "", BK_MS_BIND | BK_MS_REC, "") }
        if isReadOnly {
            try attempt("make \(target) read-only") {
                bk_mount("none", target, "", BK_MS_REMOUNT | BK_MS_BIND | BK_MS_RDONLY, "")
            }
        }
    }

    /// - Returns: the tree.
    private static func makeExitImage(in stateDirectory: String) throws -> String {
        let build = String(repeating: "0", count: 12)
        let image = "\(stateDirectory)/images/\(BenchLanguage.exit)"
        let rootfs = "\(image)/\(build)/rootfs"
        for folder in ["box", "dev", "proc", "run", "sys", "tmp", "etc", "usr"] { try make("\(rootfs)/\(folder)") }
        // systemd-nspawn looks for it.
        try write(Data("ID=bench\n".utf8), to: "\(rootfs)/etc/os-release")
        try ExitProgram.place(at: "\(rootfs)/exit")
        let manifest = ImageManifest(
            name: BenchLanguage.exit, recipeHash: build, builtAt: Date(), suite: "none", architecture: "any",
            bytes: 4_096,
            languages: [
                Language(
                    name: BenchLanguage.exit, version: "1.0.0", image: BenchLanguage.exit, fileName: "main.txt",
                    run: ["/exit"])
            ])
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        try write(try encoder.encode(manifest), to: "\(image)/\(build)/image.json")
        try write(Data(), to: "\(image)/\(build)/in-use", mode: 0o600)
        guard symlink(build, "\(image)/current") == 0 else { throw SystemError("link the image", errno: errno) }
        return rootfs
    }

    /// An image as the root that chroot(8) enters: read-only, with /box and /tmp to write in, procfs, and the host's /dev.
    /// - Parameters:
    ///   - language: whose image it is.
    ///   - files: what is in its /box.
    /// - Returns: the folder.
    /// - Throws: `SystemError` or `IsolationError` naming what could not be mounted or written.
    func chroot(for language: BenchLanguage, files: [EngineExchange.File]) throws -> String {
        guard let image = images.first(where: { $0.manifest.name == language.language.image }) else {
            throw IsolationError(.host, "no image \(language.language.image)")
        }
        let root = "\(folder)/root-\(language.language.name)"
        try Self.bind(image.rootfs, to: root, isReadOnly: true)
        for point in ["box", "tmp"] {
            try attempt("mount tmpfs") {
                bk_mount("tmpfs", "\(root)/\(point)", "tmpfs", BK_MS_NOSUID, "size=64m,mode=1777")
            }
        }
        try attempt("mount proc") { bk_mount("proc", "\(root)/proc", "proc", BK_MS_NOSUID | BK_MS_NOEXEC, "") }
        try attempt("bind /dev") { bk_mount("/dev", "\(root)/dev", "", BK_MS_BIND | BK_MS_REC, "") }
        for file in files {
            let path = "\(root)/box/\(file.path)"
            try Self.make((path as NSString).deletingLastPathComponent)
            try Self.write(file.contents, to: path, mode: file.isExecutable ? 0o755 : 0o644)
        }
        return root
    }

    /// This machine in a line.
    static var machine: String {
        func file(_ path: String) -> String { (try? SmallFile.read(path, limit: 1 << 20)) ?? "" }
        let information = file("/proc/cpuinfo").split(separator: "\n")
        let model = information.first { $0.hasPrefix("model name") }?.split(separator: ":").last
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let kernel = file("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines)
        let system = file("/etc/os-release").split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }?
            .dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        let groups = (try? CgroupHost.detect()).map { $0.hierarchy == .unified ? "cgroup v2" : "cgroup v1 (hybrid)" }
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        #if DEBUG
            let build = "debug build"
        #else
            let build = "release build"
        #endif
        let parts: [String?] = [
            "\(ProcessInfo.processInfo.activeProcessorCount) × \(model ?? "CPU")", "\(memory) GiB", "Linux \(kernel)",
            system, groups, build,
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }
}
