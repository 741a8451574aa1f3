import Foundation
import Testing

extension EndToEnd {
    /// What the documents show is what a service does: its commands are run, and print what stands below them.
    @Suite("Documented examples")
    struct DocumentedExampleTests {
        @Test("a pattern matches what it should, and nothing else")
        func patterns() {
            #expect(Document.matches("abc\n", "abc"))
            #expect(Document.matches("abc", "a…"))
            #expect(Document.matches("abc", "…c"))
            #expect(Document.matches("abcabc", "a…b…c"))
            #expect(!Document.matches("abcd", "abc"))
            #expect(!Document.matches("abc", "b…"))
            #expect(!Document.matches("abc", "a…d"))
        }

        @Test("every command prints what stands below it", arguments: ["docs/api.md", "docs/migration.md"])
        func ofAService(path: String) throws {
            let examples = try Document.examples(in: path)
            let server = try Server(slots: 4)
            // As after an installation.
            let programs = try TemporaryFolder()
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs.path)/bulkhead", withDestinationPath: Installation.bulkhead)
            var environment = Installation.environment
            environment["PATH"] = "\(programs.path):\(environment["PATH"] ?? "")"
            for example in examples {
                try Document.check(
                    example, of: path,
                    replacing: { commands in
                        commands.replacing(/(localhost|127\.0\.0\.1):3000/, with: "127.0.0.1:\(server.port)")
                    }, environment: environment)
            }
            #expect(try server.stop() == 0)
        }

        @Test("every command of docs/languages.md prints what stands below it, with images and recipes of its own")
        func languages() throws {
            let examples = try Document.examples(in: "docs/languages.md")
            #expect(examples.count >= 3)
            // Not the host's /etc, and not its images.
            let own = try TemporaryFolder()
            for name in ["bin", "recipes", "state"] {
                try FileManager.default.createDirectory(
                    at: own.url(name), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            }
            let programs = [
                "sudo": "exec \"$@\"",
                "bulkhead":
                    "[[ $1 == rootfs ]] && set -- \"$@\" --recipes \(own.path)/recipes\nexec \(Installation.bulkhead) \"$@\"",
            ]
            for (name, text) in programs {
                try Data("#!/bin/bash\n\(text)\n".utf8).write(to: own.url("bin/\(name)"))
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: "\(own.path)/bin/\(name)")
            }
            var environment = Installation.environment
            environment["PATH"] = "\(own.path)/bin:\(environment["PATH"] ?? "")"
            environment["BULKHEAD_STATE_DIR"] = "\(own.path)/state"
            for example in examples {
                try Document.check(
                    example, of: "docs/languages.md",
                    replacing: { $0.replacing("/etc/bulkhead/rootfs", with: "\(own.path)/recipes") },
                    environment: environment)
            }
        }
    }
}
