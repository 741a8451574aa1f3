import ArgumentParser
import Foundation
import Images
import Jobs

/// `bulkhead rootfs`: the images that programs run in.
struct RootfsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rootfs",
        abstract: "Build, import, list and verify the images that programs run in.",
        subcommands: [Build.self, Import.self, List.self, Verify.self])

    struct Build: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Build images from their recipes, where the recipe changed or the image is missing.",
            discussion: "Needs root and Debian's or Ubuntu's apt. A failed build changes nothing.")

        @OptionGroup var options: EngineOptions

        @Flag(help: "Every image that has a recipe.")
        var all = false

        @Flag(help: "Build again with today's packages, even if nothing changed.")
        var refresh = false

        @Argument(help: "The images' names, such as default, java, go; or a language's, for the image that has it.")
        var names: [String] = []

        mutating func run() throws {
            let store = try options.store
            let wanted = all ? try store.recipePaths().keys.sorted() : names
            guard !wanted.isEmpty else { throw ValidationError("name an image, or pass --all") }
            for word in wanted {
                let name = try store.imageServing(word) ?? word
                let result = try store.build(name, refresh: refresh)
                let megabytes = result.manifest.bytes >> 20
                let what =
                    result.wasBuilt
                    ? "built in \(String(format: "%.1f", result.seconds)) s" : "is up to date"
                print("\(name) \(what): \(megabytes) MiB at \(result.rootfs)")
                result.manifest.printContents()
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the images, what they hold and how they stand.")

        @OptionGroup var options: EngineOptions

        mutating func run() throws {
            for image in try options.store.list() {
                let state =
                    if let problem = image.problem { "broken: \(problem)" } else if let manifest = image.manifest {
                        "\(manifest.bytes >> 20) MiB, \(image.isUpToDate ? "up to date" : "its recipe has changed")"
                    } else { "not built: bulkhead rootfs build \(image.name)" }
                print("\(image.name): \(state)\(image.manifest?.source.map { ", imported from \($0)" } ?? "")")
                image.manifest?.printContents()
            }
        }
    }
}

extension ImageManifest {
    /// The languages, and the Python packages where there are some, a line for each.
    func printContents() {
        for language in languages { print("  \(language.name) \(language.version)") }
        for wheel in wheels ?? [] { print("  \(wheel.file) sha256:\(wheel.sha256)") }
    }
}
