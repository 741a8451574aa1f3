import Foundation
import Jobs
import Yams

/// Reads recipes strictly: an unknown key, a wrong type, a name that is not safe as an argument or as a path component
/// is an error that names the file, the line and the key.
///
/// Recipes are the operator's, and root acts on them: strict means that a misspelt key is never ignored.
public struct RecipeParser {
    /// Larger files are refused before they are parsed.
    static let maximumBytes = 64 << 10

    private let file: String

    /// Reads the recipe in `path`; its `name` has to be the file's.
    public static func load(path: String) throws(ImageError) -> Recipe {
        let recipe = try parse(try text(of: path), file: path)
        let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        guard recipe.name == stem else {
            throw .recipe(file: path, line: nil, problem: "is named '\(recipe.name)' inside; file and name must agree")
        }
        return recipe
    }

    /// What an imported image's file says: a recipe's `languages`, and its `files` and `users` where it has them.
    struct LanguageFile {
        var languages: [Recipe.LanguageRecipe]
        var files: [String: String]?
        var users: [Recipe.User]
        /// The file as it was read.
        var text: String
    }

    /// Reads the language file in `path`, for image `image`.
    static func loadLanguages(path: String, image: String) throws(ImageError) -> LanguageFile {
        let text = try text(of: path)
        let parser = RecipeParser(file: path)
        let root = try compose(text, file: path)
        let map = try parser.mapping(root, keys: ["languages", "files", "users"], what: "a file of languages")
        return LanguageFile(
            languages: try parser.languages(try parser.required(map, "languages", in: root), image: image),
            files: try map["files"].map { (node) throws(ImageError) in try parser.files(node) },
            users: try map["users"].map { (node) throws(ImageError) in try parser.users(node) } ?? [.box], text: text)
    }

    private static func text(of path: String) throws(ImageError) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .recipe(file: path, line: nil, problem: "cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= maximumBytes, let text = String(data: data, encoding: .utf8) else {
            throw .recipe(file: path, line: nil, problem: "is not UTF-8 text of at most \(maximumBytes) bytes")
        }
        return text
    }

    /// Reads a recipe from `text`; `file` is what errors call it.
    public static func parse(_ text: String, file: String) throws(ImageError) -> Recipe {
        try RecipeParser(file: file).recipe(try compose(text, file: file))
    }

    private static func compose(_ text: String, file: String) throws(ImageError) -> Node {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .recipe(file: file, line: nil, problem: "is not YAML: \(error)")
        }
        guard let root else { throw .recipe(file: file, line: nil, problem: "is empty") }
        return root
    }

    // MARK: The document

    private func recipe(_ node: Node) throws(ImageError) -> Recipe {
        let keys = ["name", "suite", "packages", "pip", "exclude", "files", "users", "languages"]
        let map = try mapping(node, keys: keys, what: "the recipe")
        let name = try string(try required(map, "name", in: node), "name", matching: Self.namePattern)
        let suite = try string(try required(map, "suite", in: node), "suite", matching: Self.namePattern)
        let packages = try strings(
            try required(map, "packages", in: node), "packages", matching: "[a-z0-9][a-z0-9+.-]+")
        let pip = try map["pip"].map { (node) throws(ImageError) in
            try strings(node, "pip", matching: "[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
        }
        let exclude = try map["exclude"].map { (node) throws(ImageError) in
            try strings(node, "exclude", matching: "/[A-Za-z0-9*?][A-Za-z0-9*?+._/-]*")
        }
        let files = try map["files"].map { (node) throws(ImageError) in try self.files(node) }
        let users = try map["users"].map { (node) throws(ImageError) in try self.users(node) }
        let languages = try languages(try required(map, "languages", in: node), image: name)
        return Recipe(
            name: name, suite: suite, packages: packages, pip: pip ?? [], exclude: exclude ?? [],
            files: files, users: users ?? [.box], languages: languages)
    }

    private func languages(_ list: Node, image: String) throws(ImageError) -> [Recipe.LanguageRecipe] {
        var languages: [Recipe.LanguageRecipe] = []
        var taken: Set<String> = []
        for element in try sequence(list, "languages") {
            let language = try self.language(element, image: image)
            for word in [language.language.name] + language.language.aliases
            where !taken.insert(word).inserted {
                throw problem(element, "language name or alias '\(word)' is given twice")
            }
            languages.append(language)
        }
        guard !languages.isEmpty else { throw problem(list, "languages: at least one is needed") }
        return languages
    }

    private func files(_ node: Node) throws(ImageError) -> [String: String] {
        var files: [String: String] = [:]
        for (key, value) in try pairs(node, "files") {
            // Nothing that a package brings can be there, so nothing of it is replaced unseen.
            let path = try string(key, "files", matching: "\(RootFilesystem.ownFolder)/\(Self.filePattern)")
            guard files[path] == nil else { throw problem(key, "files: '\(path)' is given twice") }
            files[path] = try string(value, path, matching: "[^\\x00]+")
        }
        guard !files.isEmpty else { throw problem(node, "files: at least one is needed") }
        return files
    }

    private func users(_ node: Node) throws(ImageError) -> [Recipe.User] {
        var users: [Recipe.User] = []
        for element in try sequence(node, "users") {
            let map = try mapping(element, keys: ["name", "uid", "gid", "home", "shell"], what: "a user")
            let user = Recipe.User(
                name: try string(try required(map, "name", in: element), "name", matching: "[a-z][a-z0-9_-]*"),
                uid: try integer(try required(map, "uid", in: element), "uid", 1...65533),
                gid: try integer(try required(map, "gid", in: element), "gid", 1...65533),
                home: try string(try required(map, "home", in: element), "home", matching: Self.pathPattern),
                shell: try map["shell"].map { (node) throws(ImageError) in
                    try string(node, "shell", matching: Self.pathPattern)
                } ?? Recipe.User.box.shell)
            guard !users.contains(where: { $0.name == user.name || $0.uid == user.uid || $0.gid == user.gid }),
                !["root", "nobody", "nogroup"].contains(user.name)
            else { throw problem(element, "users: '\(user.name)' or one of its ids is taken") }
            users.append(user)
        }
        guard users.contains(where: { $0.name == "box" && $0.uid == 1000 && $0.gid == 1000 && $0.home == "/box" })
        else { throw problem(node, "users: 'box' with uid 1000, gid 1000 and home /box is needed") }
        return users
    }

    private func language(_ node: Node, image: String) throws(ImageError) -> Recipe.LanguageRecipe {
        let keys = [
            "name", "aliases", "file", "compile", "products", "run", "version", "environment", "memory",
            "compileMemory", "policy", "compilePolicy", "ahead",
        ]
        let map = try mapping(node, keys: keys, what: "a language")
        let name = try string(try required(map, "name", in: node), "name", matching: Self.languagePattern)
        let aliases = try map["aliases"].map { (node) throws(ImageError) in
            try strings(node, "aliases", matching: Self.languagePattern)
        }
        let file = try string(try required(map, "file", in: node), "file", matching: Self.filePattern)
        let compile = try map["compile"].map { (node) throws(ImageError) in try argv(node, "compile") }
        let products = try map["products"].map { (node) throws(ImageError) in
            try strings(node, "products", matching: "(?:\\*\\.)?\(Self.filePattern)")
        }
        guard (compile == nil) == (products ?? []).isEmpty else {
            throw problem(node, "language '\(name)': compile and products go together")
        }
        guard compile != nil || map["compilePolicy"] == nil else {
            throw problem(node, "language '\(name)': compilePolicy without compile")
        }
        let (command, pattern) = try version(try required(map, "version", in: node))
        let language = Language(
            name: name, aliases: aliases ?? [], version: "", image: image, fileName: file, compile: compile,
            products: products ?? [], run: try argv(try required(map, "run", in: node), "run"),
            environment: try map["environment"].map { (node) throws(ImageError) in try environment(node) } ?? [:],
            memoryBytes: try map["memory"].map { (node) throws(ImageError) in try bytes(node, "memory") },
            compileMemoryBytes: try map["compileMemory"].map { (node) throws(ImageError) in
                try bytes(node, "compileMemory")
            },
            policy: try map["policy"].map { (node) throws(ImageError) in try policy(node, "policy") },
            compilePolicy: try map["compilePolicy"].map { (node) throws(ImageError) in
                try policy(node, "compilePolicy")
            }, ahead: try map["ahead"].map { (node) throws(ImageError) in try ahead(node) })
        return Recipe.LanguageRecipe(language: language, versionCommand: command, versionPattern: pattern)
    }

    private func ahead(_ node: Node) throws(ImageError) -> Language.Ahead {
        let map = try mapping(node, keys: ["opens", "unless"], what: "ahead")
        return Language.Ahead(
            opens: try string(
                try required(map, "opens", in: node), "opens", matching: "\\{file\\}|\(Self.filePattern)"),
            unless: try map["unless"].map { (node) throws(ImageError) in
                try strings(node, "unless", matching: "\\.?\(Self.filePattern)")
            } ?? [])
    }

    /// The name of a seccomp policy. Whether there is one of that name is known where programs run, not here.
    private func policy(_ node: Node, _ key: String) throws(ImageError) -> String {
        let name = try string(node, key, matching: Self.namePattern)
        guard name != "init" else { throw problem(node, "\(key): init.json is for the sandbox's own PID 1") }
        return name
    }

    private func version(_ node: Node) throws(ImageError) -> (command: [String], pattern: String) {
        let map = try mapping(node, keys: ["command", "pattern"], what: "version")
        let command = try argv(try required(map, "command", in: node), "command", placeholders: [])
        let patternNode = try required(map, "pattern", in: node)
        let pattern = try string(patternNode, "pattern", matching: ".+")
        do {
            guard try Regex(pattern).wholeMatch(in: "") == nil else {
                throw problem(patternNode, "pattern: matches nothing at all; it has to find a version")
            }
        } catch let error as ImageError {
            throw error
        } catch {
            throw problem(patternNode, "pattern: not a regular expression: \(error)")
        }
        guard pattern.replacing("(?:", with: "").contains("(") else {
            throw problem(patternNode, "pattern: needs a group for the version")
        }
        return (command, pattern)
    }

    private func environment(_ node: Node) throws(ImageError) -> [String: String] {
        // These are the engine's: a recipe that set them would change what every job is promised.
        let fixed: Set<String> = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"]
        var environment: [String: String] = [:]
        for (key, value) in try pairs(node, "environment") {
            let name = try string(key, "environment", matching: "[A-Za-z_][A-Za-z0-9_]*")
            guard !fixed.contains(name) else { throw problem(key, "environment: \(name) is fixed") }
            environment[name] = try string(value, name, matching: "[^\\x00]*")
        }
        return environment
    }

    private func argv(
        _ node: Node, _ key: String, placeholders: [String] = ["{file}", "{heapMiB}"]
    ) throws(ImageError) -> [String] {
        let argv = try strings(node, key, matching: "[^\\x00]+")
        guard let program = argv.first, matches(program, Self.pathPattern) else {
            throw problem(node, "\(key): the program has to be an absolute path")
        }
        for element in argv {
            let rest = placeholders.reduce(element) { rest, placeholder in
                // `{file}` stands for a whole element, so that a file name never ends up within an option.
                placeholder == "{file}" && element != "{file}" ? rest : rest.replacing(placeholder, with: "")
            }
            guard !rest.contains("{"), !rest.contains("}") else {
                throw problem(node, "\(key): '\(element)' holds a placeholder that is not known here")
            }
        }
        return argv
    }

    // MARK: Values

    private static let namePattern = "[a-z][a-z0-9-]{0,62}"
    private static let languagePattern = "[a-z][a-z0-9+#-]{0,31}"
    private static let filePattern = "[A-Za-z0-9][A-Za-z0-9._-]*"
    private static let pathPattern = "(?:/[A-Za-z0-9+_-][A-Za-z0-9+._-]*)+"

    /// Whether `name` may be an image's name, and thus a path component.
    static func isImageName(_ name: String) -> Bool { wholly(name, namePattern) }

    private static func wholly(_ text: String, _ pattern: String) -> Bool {
        // The patterns are constants of this file; one that did not compile would match nothing, and tests would fail.
        guard let regex = try? Regex(pattern) else { return false }
        return text.wholeMatch(of: regex) != nil
    }

    private func matches(_ text: String, _ pattern: String) -> Bool { Self.wholly(text, pattern) }

    private func problem(_ node: Node, _ text: String) -> ImageError {
        .recipe(file: file, line: node.mark?.line, problem: text)
    }

    private func pairs(_ node: Node, _ what: String) throws(ImageError) -> [(key: Node, value: Node)] {
        guard let mapping = node.mapping else { throw problem(node, "\(what): keys and values are expected") }
        return mapping.map { (key: $0.key, value: $0.value) }
    }

    private func mapping(_ node: Node, keys: [String], what: String) throws(ImageError) -> [String: Node] {
        var map: [String: Node] = [:]
        for (key, value) in try pairs(node, what) {
            guard let name = key.scalar?.string, keys.contains(name) else {
                let text = key.scalar?.string ?? "?"
                throw problem(key, "unknown key '\(text)' in \(what); known: \(keys.joined(separator: ", "))")
            }
            guard map.updateValue(value, forKey: name) == nil else { throw problem(key, "'\(name)' is given twice") }
        }
        return map
    }

    private func required(_ map: [String: Node], _ key: String, in node: Node) throws(ImageError) -> Node {
        guard let value = map[key] else { throw problem(node, "'\(key)' is missing") }
        return value
    }

    private func sequence(_ node: Node, _ key: String) throws(ImageError) -> [Node] {
        guard let sequence = node.sequence else { throw problem(node, "\(key): a list is expected") }
        return Array(sequence)
    }

    private func string(_ node: Node, _ key: String, matching pattern: String) throws(ImageError) -> String {
        guard let text = node.scalar?.string else {
            throw problem(node, "\(key): a string is expected (a placeholder such as \"{file}\" needs quotes)")
        }
        guard matches(text, pattern) else { throw problem(node, "\(key): '\(text)' is not allowed here") }
        return text
    }

    private func strings(_ node: Node, _ key: String, matching pattern: String) throws(ImageError) -> [String] {
        var list: [String] = []
        for element in try sequence(node, key) { list.append(try string(element, key, matching: pattern)) }
        return list
    }

    private func integer(_ node: Node, _ key: String, _ range: ClosedRange<Int>) throws(ImageError) -> Int {
        guard let text = node.scalar?.string, let value = Int(text), range.contains(value) else {
            throw problem(node, "\(key): a whole number from \(range.lowerBound) to \(range.upperBound) is expected")
        }
        return value
    }

    /// `256MiB`, `64KiB` or `1GiB`, in bytes.
    private func bytes(_ node: Node, _ key: String) throws(ImageError) -> Int {
        let text = node.scalar?.string ?? ""
        for (suffix, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30)] where text.hasSuffix(suffix) {
            if let count = Int(text.dropLast(3)), count > 0, count < 1 << 20 { return count << shift }
        }
        throw problem(node, "\(key): '\(text)' is not a size such as 256MiB")
    }
}
