import ArgumentParser
import Foundation
import Images
import Linux
import SettingSources

/// Where things are: the same for every command that runs programs.
struct EngineOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(Settings.stateDir) var stateDir: String?
    @Option(Settings.recipes) var recipes: String?
    @Option(Settings.policies) var policies: String?
    @Option(Settings.launcher) var launcher: String?

    var store: ImageStore {
        get throws {
            let recipes = try Settings.recipes.given(recipes).map { [$0] } ?? []
            return ImageStore(
                stateDirectory: try Settings.stateDir.value(stateDir),
                recipeDirectories: recipes
                    + ImageStore.standardRecipeDirectories(executable: Installation.executable))
        }
    }

    /// - Throws: `ValidationError` that says where it was looked for.
    func policyFolder() throws -> String { try Installation.policyFolder(policies) }

    /// - Throws: `ValidationError` that says where it was looked for.
    func launcherPath() throws -> String {
        try Installation.companion("bulkhead-launcher", Settings.launcher, launcher)
    }
}

/// Where this installation's files are.
enum Installation {
    /// The running binary, links resolved.
    static var executable: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    }

    /// Where data files are installed: `/usr/share/bulkhead` for `/usr/bin/bulkhead`.
    static func shared(_ name: String) -> String {
        URL(fileURLWithPath: executable).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("share/bulkhead/\(name)").path
    }

    /// Another binary of this installation: as set; else beside the running one, as in a build folder; else where programs
    /// that only programs start are installed (`/usr/bin/bulkhead` and `/usr/libexec/bulkhead`; FHS 3.0, 4.7).
    /// - Throws: `ValidationError` that says where it was looked for.
    static func companion(_ name: String, _ setting: Setting<String>? = nil, _ flag: String? = nil) throws -> String {
        let folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
        let candidates =
            try setting?.given(flag).map { [$0] } ?? [
                folder.appendingPathComponent(name).path,
                folder.deletingLastPathComponent().appendingPathComponent("libexec/bulkhead/\(name)").path,
            ]
        for path in candidates where FileManager.default.isExecutableFile(atPath: path) { return path }
        let flag = setting.map { ", or pass --\($0.key)" } ?? ""
        throw ValidationError("no \(name) at \(candidates.joined(separator: " or ")); install it there\(flag)")
    }

    /// The folder of seccomp policies.
    /// - Throws: `ValidationError` that says where it was looked for.
    static func policyFolder(_ flag: String?) throws -> String {
        try folder("policies", holding: "default.json", given: Settings.policies.given(flag))
    }

    /// A folder of data files: as given, installed, or in the source tree that this binary was built in.
    static func folder(_ name: String, holding file: String, given: String?) throws -> String {
        let candidates =
            given.map { [$0] }
            ?? [shared(name)] + (SourceTree.around(executable: executable).map { ["\($0)/\(name)"] } ?? [])
        for candidate in candidates where FileManager.default.isReadableFile(atPath: "\(candidate)/\(file)") {
            return candidate
        }
        throw ValidationError("no \(file) in \(candidates.joined(separator: ", "))")
    }
}
