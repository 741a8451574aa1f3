/// Where an image's files are below the state directory.
///
/// `<state>/images/<name>/<build>/rootfs` is the tree, beside it `image.json`, `packages.txt` and `in-use`, which whoever
/// uses the tree holds a shared lock on. `<state>/images/<name>/current` is a link to the build in use next. A build is
/// named after the first 12 digits of its recipe's hash, with `-2`, `-3`, … where the same recipe was built again.
struct ImageLayout {
    let stateDirectory: String
    let name: String

    /// Refuses a name that could lead elsewhere.
    init(stateDirectory: String, name: String) throws(ImageError) {
        guard RecipeParser.isImageName(name) else {
            throw .unsafe(path: "'\(name)'", problem: "is no image name: lower-case letters, digits and '-'")
        }
        self.stateDirectory = stateDirectory
        self.name = name
    }

    static func images(_ stateDirectory: String) -> String { "\(stateDirectory)/images" }

    var directory: String { "\(Self.images(stateDirectory))/\(name)" }
    var currentLink: String { "\(directory)/current" }
    var buildLock: String { "\(directory)/build.lock" }
    func build(_ build: String) -> String { "\(directory)/\(build)" }
    func rootfs(_ build: String) -> String { "\(directory)/\(build)/rootfs" }
    func manifest(_ build: String) -> String { "\(directory)/\(build)/image.json" }
    func inUse(_ build: String) -> String { "\(directory)/\(build)/in-use" }

    /// The directories from the state directory down to a build.
    func chain(to build: String) -> [String] {
        [stateDirectory, Self.images(stateDirectory), directory, self.build(build)]
    }

    /// Temporary names: of builds under way, and of builds on their way out.
    static let temporaryPrefix = ".build-"
    static let removedPrefix = ".removed-"

    static func isBuildName(_ name: String) -> Bool {
        name.wholeMatch(of: /[0-9a-f]{12}(?:-[1-9][0-9]{0,5})?/) != nil
    }

    /// The build that `current` names, or nil.
    func current() throws(ImageError) -> String? {
        guard let target = try FileSystem.link(currentLink) else { return nil }
        guard Self.isBuildName(target) else { throw .unsafe(path: currentLink, problem: "leads to '\(target)'") }
        return target
    }

    /// All published builds.
    func builds() throws(ImageError) -> [String] {
        try FileSystem.names(in: directory).filter(Self.isBuildName)
    }

    /// A name for a new build of the recipe with this hash that no build has.
    func freeName(recipeHash: String) throws(ImageError) -> String {
        let taken = Set(try builds())
        let base = String(recipeHash.prefix(12))
        var name = base
        var number = 2
        while taken.contains(name) {
            name = "\(base)-\(number)"
            number += 1
        }
        return name
    }
}
