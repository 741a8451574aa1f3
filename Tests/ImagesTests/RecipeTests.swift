import Foundation
import Jobs
import Testing

@testable import Images

/// The smallest recipe that is accepted; tests change one thing in it.
let smallRecipe = """
    name: small
    suite: bookworm
    packages: [nodejs]
    languages:
      - name: javascript
        aliases: [js]
        file: main.js
        run: [/usr/bin/node, "{file}"]
        version: {command: [/usr/bin/node, --version], pattern: 'v([0-9.]+)'}
    """

@Suite("Recipes")
struct RecipeTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("rootfs").path

    private func problem(_ text: String) -> String {
        do {
            _ = try RecipeParser.parse(text, file: "small.yaml")
            return "accepted"
        } catch {
            return error.description
        }
    }

    private func changed(_ old: String, _ new: String) -> String {
        let text = smallRecipe.replacingOccurrences(of: old, with: new)
        #expect(text != smallRecipe)
        return text
    }

    @Test(
        "the recipes that come along serve the languages of the contract",
        arguments: [
            (
                "default",
                [
                    "javascript": "main.js", "python": "main.py", "c": "main.c", "c++": "main.cpp", "bash": "main.sh",
                ]
            ),
            ("java", ["java": "Main.java"]),
            ("go", ["go": "main.go"]),
            ("rust", ["rust": "main.rs"]),
            ("haskell", ["haskell": "main.hs"]),
            ("python-data", ["python-data": "main.py"]),
            (
                "scripting",
                [
                    "ruby": "main.rb", "php": "main.php", "perl": "main.pl", "lua": "main.lua", "typescript": "main.ts",
                ]
            ),
        ])
    func bundled(name: String, files: [String: String]) throws {
        let recipe = try RecipeParser.load(path: "\(Self.directory)/\(name).yaml")
        let languages = recipe.languages.map(\.language)
        #expect(Dictionary(uniqueKeysWithValues: languages.map { ($0.name, $0.fileName) }) == files)
        #expect(recipe.users.contains { $0.name == "box" && $0.uid == 1000 && $0.home == "/box" })
        for language in languages {
            #expect(language.image == name)
            #expect((language.compile ?? language.run).contains("{file}"))
            #expect((language.compile == nil) == language.products.isEmpty)
        }
    }

    @Test("names that clients of the replaced service use are aliases")
    func aliases() throws {
        var names: [String: String] = [:]
        for name in ["default", "java", "go"] {
            for entry in try RecipeParser.load(path: "\(Self.directory)/\(name).yaml").languages {
                for alias in entry.language.aliases { names[alias] = entry.language.name }
            }
        }
        for (alias, name) in [
            "node": "javascript", "js": "javascript", "py": "python", "cpp": "c++", "golang": "go",
        ] { #expect(names[alias] == name) }
    }

    @Test("each language has the policies that policies/README.md says, and they exist")
    func policies() throws {
        let folder = URL(fileURLWithPath: Self.directory).deletingLastPathComponent().appendingPathComponent("policies")
        let readme = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
        var seen: [String: [String?]] = [:]
        for name in ["default", "java", "go", "rust", "haskell", "python-data", "scripting"] {
            for language in try RecipeParser.load(path: "\(Self.directory)/\(name).yaml").languages.map(\.language) {
                seen[language.name] = [language.policy, language.compilePolicy]
                let compile = language.compile == nil ? "—" : "`\(language.compilePolicy ?? "default")`"
                #expect(readme.contains("| \(language.name) | `\(language.policy ?? "default")` | \(compile) |"))
                for policy in language.policies {
                    let file = folder.appendingPathComponent("\(policy).json").path
                    #expect(FileManager.default.fileExists(atPath: file), "\(language.name): \(policy)")
                }
            }
        }
        #expect(
            seen == [
                "javascript": [nil, nil], "python": [nil, nil], "bash": [nil, nil], "c": ["compiled", "compiler"],
                "c++": ["compiled", "compiler"], "go": ["compiled", "compiler"], "java": [nil, "compiler"],
                "rust": ["compiled", "compiler"],
                "haskell": [nil, nil], "python-data": [nil, nil], "ruby": [nil, nil], "php": [nil, nil],
                "perl": [nil, nil],
                "lua": [nil, nil], "typescript": [nil, nil],
            ])
    }

    @Test("a policy is a name: no path, not PID 1's, and none for a stage that there is not")
    func policyNames() {
        let run = "run: [/usr/bin/node, \"{file}\"]"
        #expect(problem(changed(run, run + "\n    policy: strict")) == "accepted")
        for name in ["../strict", "strict.json", "Strict", "''"] {
            #expect(problem(changed(run, run + "\n    policy: \(name)")).contains("is not allowed here"), "\(name)")
        }
        #expect(problem(changed(run, run + "\n    policy: init")).contains("the sandbox's own PID 1"))
        #expect(problem(changed(run, run + "\n    compilePolicy: strict")).contains("compilePolicy without compile"))
    }

    @Test("java says how much heap its virtual machine may take, in both stages")
    func javaHeap() throws {
        let java = try #require(RecipeParser.load(path: "\(Self.directory)/java.yaml").languages.first).language
        #expect(java.run.contains("-Xmx{heapMiB}m"))
        #expect(java.compile?.contains("-J-Xmx{heapMiB}m") == true)
        #expect(java.memoryBytes == 256 << 20)
    }

    @Test("every field arrives")
    func fields() throws {
        let text = """
            name: all
            suite: trixie
            packages: [g++, libc6-dev]
            pip: [numpy==2.1.0]
            exclude: [/usr/lib/*/x.so]
            users:
              - {name: box, uid: 1000, gid: 1000, home: /box}
              - {name: other, uid: 1001, gid: 1002, home: /home/other, shell: /bin/bash}
            languages:
              - name: c++
                aliases: [cpp]
                file: main.cpp
                compile: [/usr/bin/g++, -o, main, "{file}"]
                products: [main, "*.o"]
                run: [/box/main, "-m{heapMiB}k"]
                version: {command: [/usr/bin/g++, -dumpversion], pattern: '(\\d+)'}
                environment: {A_B: "x y"}
                memory: 256MiB
                compileMemory: 1GiB
                policy: compiled
                compilePolicy: my-compiler
            """
        let recipe = try RecipeParser.parse(text, file: "all.yaml")
        #expect(recipe.suite == "trixie")
        #expect(recipe.packages == ["g++", "libc6-dev"])
        #expect(recipe.pip == ["numpy==2.1.0"])
        #expect(recipe.exclude == ["/usr/lib/*/x.so"])
        #expect(recipe.users.map(\.shell) == ["/bin/sh", "/bin/bash"])
        #expect(
            recipe.languages == [
                Recipe.LanguageRecipe(
                    language: Language(
                        name: "c++", aliases: ["cpp"], version: "", image: "all", fileName: "main.cpp",
                        compile: ["/usr/bin/g++", "-o", "main", "{file}"], products: ["main", "*.o"],
                        run: ["/box/main", "-m{heapMiB}k"], environment: ["A_B": "x y"], memoryBytes: 256 << 20,
                        compileMemoryBytes: 1 << 30, policy: "compiled", compilePolicy: "my-compiler"),
                    versionCommand: ["/usr/bin/g++", "-dumpversion"], versionPattern: "(\\d+)")
            ])
    }

    @Test("an unknown key is named with its file, line and key")
    func unknownKeys() {
        #expect(problem(changed("suite:", "siute:")).hasPrefix("small.yaml:2: unknown key 'siute' in the recipe"))
        #expect(problem(changed("aliases:", "alias:")).hasPrefix("small.yaml:6: unknown key 'alias' in a language"))
        #expect(problem(changed("pattern:", "regex:")).contains("unknown key 'regex' in version"))
    }

    @Test(
        "what is wrong or dangerous is refused",
        arguments: [
            ("name: small", "name: ../up", "'../up' is not allowed"),
            ("suite: bookworm", "suite: --help", "'--help' is not allowed"),
            ("suite: bookworm\n", "", "'suite' is missing"),
            ("[nodejs]", "[-o, nodejs]", "'-o' is not allowed"),
            ("[nodejs]", "[./evil.deb]", "is not allowed"),
            ("[nodejs]", "[a b]", "is not allowed"),
            ("[nodejs]", "nodejs", "packages: a list is expected"),
            ("[nodejs]", "[nodejs]\npip: [numpy]", "'numpy' is not allowed"),
            ("[nodejs]", "[nodejs]\npip: [\"--index-url==x\"]", "is not allowed"),
            ("[nodejs]", "[nodejs]\nexclude: [/../x y]", "is not allowed"),
            ("[nodejs]", "[nodejs]\nusers: [{name: a, uid: 5, gid: 5, home: /a}]", "'box' with uid 1000"),
            ("[nodejs]", "[nodejs]\nusers: [{name: a, uid: 0, gid: 5, home: /a}]", "from 1 to 65533"),
            ("file: main.js", "file: ../main.js", "is not allowed"),
            ("[/usr/bin/node, \"{file}\"]", "[node, \"{file}\"]", "absolute path"),
            ("[/usr/bin/node, \"{file}\"]", "[/usr/bin/../node, \"{file}\"]", "absolute path"),
            ("[/usr/bin/node, \"{file}\"]", "[/usr/bin/node, {file}]", "needs quotes"),
            ("[/usr/bin/node, \"{file}\"]", "[/usr/bin/node, \"{heap}\"]", "placeholder"),
            ("[/usr/bin/node, \"{file}\"]", "[/usr/bin/node, \"-r{file}\"]", "placeholder"),
            ("aliases: [js]", "aliases: [js, js]", "'js' is given twice"),
            ("aliases: [js]", "products: [main]", "compile and products go together"),
            ("aliases: [js]", "environment: {PATH: /tmp}", "PATH is fixed"),
            ("aliases: [js]", "environment: {\"A=B\": x}", "is not allowed"),
            ("aliases: [js]", "memory: 256", "'256' is not a size"),
            ("aliases: [js]", "memory: 0MiB", "is not a size"),
            ("'v([0-9.]+)'", "'v[0-9.]+'", "needs a group"),
            ("'v([0-9.]+)'", "'v([0-9.]+'", "not a regular expression"),
            ("'v([0-9.]+)'", "'(v?)'", "matches nothing at all"),
            ("name: small", "name: small\nname: small", "not YAML"),
            ("packages: [nodejs]", "packages: [nodejs", "not YAML"),
        ])
    func refused(old: String, new: String, message: String) {
        let text = problem(changed(old, new))
        #expect(text.contains(message), "\(text)")
        #expect(text.hasPrefix("small.yaml:"))
    }

    @Test("the file's name and the recipe's agree, and its size is bounded")
    func files() throws {
        let directory = try TemporaryDirectory()
        try directory.write(smallRecipe, to: "small.yaml")
        try directory.write(smallRecipe, to: "other.yaml")
        try directory.write(String(repeating: "#", count: 70_000), to: "big.yaml")
        #expect(try RecipeParser.load(path: "\(directory.path)/small.yaml").name == "small")
        for file in ["other", "big", "absent"] {
            #expect(throws: ImageError.self) { try RecipeParser.load(path: "\(directory.path)/\(file).yaml") }
        }
    }

    @Test("the hash follows the content, not comments or layout")
    func hash() throws {
        let hash = try RecipeParser.parse(smallRecipe, file: "a").contentHash()
        #expect(hash.count == 64)
        #expect(try RecipeParser.parse("# more\n" + smallRecipe, file: "b").contentHash() == hash)
        #expect(try RecipeParser.parse(changed("[js]", "[\"js\"]"), file: "b").contentHash() == hash)
        for (old, new) in [
            ("[nodejs]", "[nodejs, gcc]"), ("suite: bookworm", "suite: trixie"), ("[js]", "[node]"),
            ("--version]", "-v]"), ("'v([0-9.]+)'", "'v([0-9]+)'"),
        ] {
            #expect(try RecipeParser.parse(changed(old, new), file: "c").contentHash() != hash, "\(new)")
        }
    }

    @Test("a language says where its runtime can be held, and nothing else in that place")
    func ahead() throws {
        let version = "version: {command"
        let recipe = try RecipeParser.parse(
            changed(version, "ahead: {opens: \"{file}\", unless: [package.json, .local]}\n    \(version)"),
            file: "small.yaml")
        #expect(recipe.languages[0].language.ahead == .init(opens: "{file}", unless: ["package.json", ".local"]))
        for (value, problem) in [
            ("true", "keys and values are expected"), ("{unless: [a]}", "'opens' is missing"),
            ("{opens: ../a}", "is not allowed here"), ("{opens: a/b}", "is not allowed here"),
            ("{opens: a, unless: [/a]}", "is not allowed here"), ("{opens: a, unless: [..]}", "is not allowed here"),
            ("{opens: a, file: b}", "unknown key 'file'"),
        ] {
            #expect(self.problem(changed(version, "ahead: \(value)\n    \(version)")).contains(problem), "\(value)")
        }
    }

    @Test("files of a recipe's own have a folder of their own")
    func ownFiles() throws {
        let languages = "languages:"
        let recipe = try RecipeParser.parse(
            changed(languages, "files:\n  /usr/lib/bulkhead/a.js: |\n    1;\n    2;\n\(languages)"), file: "small.yaml")
        #expect(recipe.files == ["/usr/lib/bulkhead/a.js": "1;\n2;\n"])
        #expect(try recipe.contentHash() != RecipeParser.parse(smallRecipe, file: "small.yaml").contentHash())
        for (path, problem) in [
            ("/etc/passwd", "is not allowed here"), ("/usr/lib/bulkhead/../a", "is not allowed here"),
            ("/usr/lib/bulkhead/a/b", "is not allowed here"), ("a", "is not allowed here"),
        ] {
            #expect(self.problem(changed(languages, "files: {\(path): x}\n\(languages)")).contains(problem), "\(path)")
        }
        #expect(self.problem(changed(languages, "files: {}\n\(languages)")).contains("at least one"))
    }
}
