import Foundation
import Testing

/// The modules in front of the engine must not know it: the API process needs no root and links nothing of it.
@Suite struct LayeringTests {
    @Test(arguments: ["Jobs", "JobQueue", "Keyring", "HTTPAPI"]) func doesNotImportTheEngine(module: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "Sources/\(module)")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            let imports = text.matches(of: /(?m)^\s*(?:@\w+\s+|public\s+)*import\s+(?:\w+\s+)?(\w+)/).map(\.output.1)
            for forbidden in ["Isolation", "Linux", "LaunchProtocol", "Seccomp", "Worker"] {
                #expect(!imports.contains(Substring(forbidden)), "\(file.lastPathComponent) imports \(forbidden)")
            }
        }
    }
}
