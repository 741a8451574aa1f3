import ArgumentParser
import Foundation
import Images

/// Where things are: the same for every command that runs programs.
struct EngineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where images are kept (\(ImageStore.defaultStateDirectory); BULKHEAD_STATE_DIR).", valueName: "dir"))
    var stateDir: String?

    @Option(help: ArgumentHelp("A folder with image recipes, before the standard ones.", valueName: "dir"))
    var recipes: String?

    @Option(
        help: ArgumentHelp(
            "A folder with the seccomp policies: init.json, default.json, and those that recipes name "
                + "(BULKHEAD_POLICIES).", valueName: "dir"))
    var policies: String?

    @Option(help: ArgumentHelp("The bulkhead-launcher binary (beside bulkhead; BULKHEAD_LAUNCHER).", valueName: "path"))
    var launcher: String?

    var stateDirectory: String {
        Setting.string(stateDir, "BULKHEAD_STATE_DIR", default: ImageStore.defaultStateDirectory)
    }

    var store: ImageStore {
        ImageStore(
            stateDirectory: stateDirectory,
            recipeDirectories: (recipes.map { [$0] } ?? [])
                + ImageStore.standardRecipeDirectories(executable: Installation.executable))
    }

    /// - Throws: `ValidationError` that says where it was looked for.
    func policyFolder() throws -> String {
        let given = Setting.string(policies, "BULKHEAD_POLICIES", default: "")
        return try Installation.folder("policies", holding: "default.json", given: given)
    }

    func launcherPath() throws -> String {
        try Installation.companion("bulkhead-launcher", option: "--launcher", given: launcher, "BULKHEAD_LAUNCHER")
    }
}

/// Where this installation's files are.
enum Installation {
    /// The running binary, links resolved.
    static var executable: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    }

    /// Another binary of this installation: as given, or beside the running one.
    /// - Throws: `ValidationError` that says where it was looked for.
    static func companion(_ name: String, option: String, given: String?, _ variable: String) throws -> String {
        let path = Setting.string(
            given, variable,
            default: URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent(name).path)
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ValidationError("no \(name) at \(path); install it beside bulkhead, or pass \(option)")
        }
        return path
    }

    /// A folder of data files: as given, in the source tree that this binary was built in, or installed.
    static func folder(_ name: String, holding file: String, given: String) throws -> String {
        var candidates: [String] = []
        if !given.isEmpty {
            candidates = [given]
        } else {
            var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
            for _ in 0..<6 where folder.path != "/" {
                candidates.append(folder.appendingPathComponent(name).path)
                folder = folder.deletingLastPathComponent()
            }
            candidates.append("/usr/share/bulkhead/\(name)")
        }
        for candidate in candidates where FileManager.default.isReadableFile(atPath: "\(candidate)/\(file)") {
            return candidate
        }
        throw ValidationError("no \(file) in \(candidates.joined(separator: ", "))")
    }
}
