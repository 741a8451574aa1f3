import ArgumentParser
import Foundation
import Images

extension RootfsCommand {
    /// `bulkhead rootfs import`.
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an image of an archive: a tree as tar, or an image as docker save and skopeo write it.",
            discussion: """
                The archive is untrusted. Names that lead out of the tree are refused; device nodes, set-id bits, file
                capabilities and owners are left out, and said. Its programs are asked for their versions in a sandbox. Needs
                root. A failed import changes nothing.
                """)

        @OptionGroup var options: EngineOptions

        @Option(help: ArgumentHelp("The archive, or the folder of an OCI image layout.", valueName: "path"))
        var from: String

        @Option(help: ArgumentHelp("A file with `languages`, as in a recipe.", valueName: "file"))
        var languages: String

        @Option(help: ArgumentHelp("The most that its files may take (8G).", valueName: "size"))
        var maxSize: ByteCount?

        @Option(help: ArgumentHelp("The most members that it may have.", valueName: "count"))
        var maxEntries = ImportBounds().members

        @Argument(help: "The image's name, which no recipe has.")
        var name: String

        mutating func run() throws {
            guard maxEntries > 0 else { throw ValidationError("--max-entries: more than 0") }
            // Debug builds find Swift's runtime by this.
            let environment = ProcessInfo.processInfo.environment.filter { $0.key == "LD_LIBRARY_PATH" }
            let run = [
                Installation.executable, "run", "--policies", try options.policyFolder(), "--launcher",
                try options.launcherPath(), "--memory", "1G", "--time", "20s", "--processes", "256",
            ]
            let result = try options.store.importImage(
                name, from: from, languages: languages,
                bounds: ImportBounds(bytes: maxSize?.bytes ?? ImportBounds().bytes, members: maxEntries),
                ask: ImageStore.sandboxed(by: run, environment: environment))
            print(
                "\(name) imported in \(String(format: "%.1f", result.seconds)) s: \(result.manifest.bytes >> 20) MiB at "
                    + result.rootfs)
            result.manifest.printContents()
        }
    }
}
