import Foundation
import Testing

extension EndToEnd {
    @Suite("bulkhead check")
    struct CheckCommandTests {
        @Test("a host that can run jobs: a line for each thing, and a job as the proof")
        func fine() throws {
            let command = try Command.bulkhead(["check"])
            #expect(command.exitCode == 0, "\(command.text)\(command.error)")
            let lines = command.text.split(separator: "\n")
            for subject in [
                "machine", "kernel", "root", "cgroup", "overlayfs", "user namespaces", "seccomp", "core dumps",
                "hyper-threads", "page merging", "launcher", "policies", "image", "a job",
            ] {
                #expect(lines.contains { $0.dropFirst(8).hasPrefix(subject) }, "no line for \(subject)")
            }
            #expect(!command.text.contains("MISSING"))
            #expect(lines.last == "A job can run here.")
        }

        @Test("a host without an image: exit 1, what is missing, and the command that makes it")
        func missing() throws {
            let empty = try TemporaryFolder()
            let command = try Command.bulkhead(["check"], environment: ["BULKHEAD_STATE_DIR": empty.path])
            #expect(command.exitCode == 1)
            let lines = command.text.split(separator: "\n").map(String.init)
            let position = try #require(lines.firstIndex { $0.hasPrefix("MISSING image") })
            #expect(lines[position].contains("default"))
            #expect(lines[position + 1].contains("fix: bulkhead rootfs build default"))
            #expect(lines.last == "No job can run here.")
            // Nothing else is made out to be missing, and nothing was started.
            #expect(lines.filter { $0.hasPrefix("MISSING") }.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: empty.path).isEmpty)
        }

        @Test("a launcher that is not there is named")
        func launcher() throws {
            let command = try Command.bulkhead(["check", "--launcher", "/nowhere/bulkhead-launcher"])
            #expect(command.exitCode == 1)
            #expect(command.text.contains("/nowhere/bulkhead-launcher"))
        }
    }
}
