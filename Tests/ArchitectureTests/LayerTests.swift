import Foundation
import Testing

/// Which module may know which: read from the sources, so that a layer that is crossed fails here and not in review.
@Suite("Layers")
struct LayerTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Every module that the Swift files of a source folder import, with the file that does.
    private static func imports(of folder: String) throws -> [(module: String, file: String)] {
        let url = repository.appendingPathComponent("Sources/\(folder)")
        let files = FileManager.default.enumerator(at: url, includingPropertiesForKeys: nil)
        var imports: [(String, String)] = []
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift", file.lastPathComponent != "Placeholder.swift" else { continue }
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                if let module = module(of: line) { imports.append((module, file.lastPathComponent)) }
            }
        }
        return imports
    }

    /// The module of an import declaration, whatever stands before (`public`, `@testable`, `@_exported`) and behind
    /// (`struct Module.Name`).
    static func module(of line: some StringProtocol) -> String? {
        let words = String(line).split(separator: Character(" ")).map(String.init)
        guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
            words[..<place].allSatisfy({
                $0.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains($0)
            })
        else { return nil }
        let kinds = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        let name = kinds.contains(words[place + 1]) && place + 2 < words.count ? words[place + 2] : words[place + 1]
        return name.split(separator: ".").first.map(String.init)
    }

    @Test("import declarations are recognised in every form")
    func forms() {
        #expect(Self.module(of: "import Glibc") == "Glibc")
        #expect(Self.module(of: "public import LaunchProtocol") == "LaunchProtocol")
        #expect(Self.module(of: "@testable import Isolation") == "Isolation")
        #expect(Self.module(of: "    @preconcurrency import struct Foundation.Data") == "Foundation")
        #expect(Self.module(of: "import Foundation.NSObject") == "Foundation")
        #expect(Self.module(of: "// what one would import here") == nil)
        #expect(Self.module(of: "let text = \"import x\"") == nil)
    }

    @Test(
        "what runs as root, and what it is made of, knows the C library and nothing else",
        arguments: [
            "launcher", "Linux", "LaunchProtocol",
        ])
    func privileged(folder: String) throws {
        let allowed: Set = ["Glibc", "CLinux", "CCap", "Linux", "LaunchProtocol"]
        let imports = try Self.imports(of: folder)
        #expect(!imports.isEmpty || folder == "LaunchProtocol")
        for (module, file) in imports { #expect(allowed.contains(module), "\(folder)/\(file) imports \(module)") }
    }

    @Test(
        "what strangers reach does not know the engine",
        arguments: ["HTTPAPI", "JobQueue", "Jobs", "Keyring", "MCP", "RedisJobQueue"])
    func exposed(folder: String) throws {
        for (module, file) in try Self.imports(of: folder) {
            #expect(
                !["Isolation", "LaunchProtocol", "Linux", "CLinux", "CCap", "Seccomp", "CSeccomp"].contains(module),
                "\(folder)/\(file) imports \(module)")
        }
    }

    @Test("the engine knows no job, no queue and no HTTP")
    func engine() throws {
        for folder in ["Isolation", "Seccomp"] {
            for (module, file) in try Self.imports(of: folder) {
                #expect(
                    [
                        "Foundation", "Glibc", "Synchronization", "CLinux", "CSeccomp", "Linux", "LaunchProtocol",
                        "Seccomp",
                    ]
                    .contains(module), "\(folder)/\(file) imports \(module)")
            }
        }
    }

    @Test("whoever counts may be counted by anybody: of our modules Telemetry knows only Linux")
    func telemetry() throws {
        for (module, file) in try Self.imports(of: "Telemetry") {
            #expect(["Glibc", "Linux", "Synchronization"].contains(module), "Telemetry/\(file) imports \(module)")
        }
    }

    @Test("the server for language models knows jobs, and neither engine, queue nor HTTP")
    func languageModels() throws {
        for (module, file) in try Self.imports(of: "MCP") {
            #expect(
                ["Foundation", "Glibc", "Jobs", "Synchronization"].contains(module), "MCP/\(file) imports \(module)")
        }
    }

    @Test("jobs are data: no module of ours, no system")
    func jobs() throws {
        for (module, file) in try Self.imports(of: "Jobs") {
            #expect(["Foundation"].contains(module), "Jobs/\(file) imports \(module)")
        }
    }
}
