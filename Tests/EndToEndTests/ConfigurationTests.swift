import Foundation
import Testing

extension EndToEnd {
    @Suite("The configuration file")
    struct ConfigurationTests {
        private static let shipped = "\(Installation.sources)/packaging/bulkhead.yaml"

        /// The flags of a command, by ArgumentParser's own description of it.
        private func flags(of command: String) throws -> [String] {
            let dump = try Command.bulkhead([command, "--experimental-dump-help"])
            #expect(dump.exitCode == 0, "\(dump.error)")
            let root = try #require(JSONSerialization.jsonObject(with: Data(dump.output)) as? [String: Any])
            let described = try #require(root["command"] as? [String: Any])
            let arguments = try #require(described["arguments"] as? [[String: Any]])
            return arguments.compactMap { argument in
                let names = argument["names"] as? [[String: Any]] ?? []
                return names.first { $0["kind"] as? String == "long" }?["name"] as? String
            }
        }

        /// The shipped file's keys, with the comment before each.
        private func entries() throws -> [String: (comment: String, value: String)] {
            var entries: [String: (String, String)] = [:]
            var comment = ""
            for line in try String(contentsOfFile: Self.shipped, encoding: .utf8).split(separator: "\n") {
                if line.hasPrefix("# ") {
                    comment += line.dropFirst(1)
                } else if let match = line.firstMatch(of: /^#([a-z-]+):(.*)$/) {
                    entries[String(match.1)] = (comment, match.2.trimmingCharacters(in: .whitespaces))
                    comment = ""
                }
            }
            return entries
        }

        @Test("the shipped file is what the command writes")
        func isShipped() throws {
            let example = try Command.bulkhead(["config", "example"])
            #expect(example.exitCode == 0)
            let shipped = try String(contentsOfFile: Self.shipped, encoding: .utf8)
            #expect(example.text == shipped, "bulkhead config example > packaging/bulkhead.yaml")
        }

        @Test(
            "each flag of a service is a key of the file and has an environment variable",
            arguments: [
                "serve", "api", "worker",
            ])
        func flagsHaveKeys(command: String) throws {
            let entries = try entries()
            let flags = try flags(of: command)
            #expect(flags.count > 10)
            for flag in flags where !["config", "help", "version"].contains(flag) {
                let entry = try #require(entries[flag], "--\(flag) of \(command) is no key of the file")
                #expect(entry.comment.contains("(--\(flag), "), "\(flag)")
            }
        }

        @Test("each key is a flag of one of the services")
        func keysHaveFlags() throws {
            let flags = try Set(["serve", "api", "worker", "selftest"].flatMap { try self.flags(of: $0) })
            for key in try entries().keys { #expect(flags.contains(key), "\(key)") }
        }

        @Test("the defaults in the file are the true ones: uncommented they change nothing")
        func defaults() throws {
            let folder = try TemporaryFolder()
            let lines = try entries().map { "\($0.key): \($0.value.value)" }
            try lines.joined(separator: "\n").write(to: folder.url("all.yaml"), atomically: false, encoding: .utf8)
            let bare = ["BULKHEAD_POLICIES": "", "BULKHEAD_STATE_DIR": ""]
            let with = try Command.bulkhead(
                ["config", "show", "--config", "\(folder.path)/all.yaml"], environment: bare)
            let without = try Command.bulkhead(["config", "show"], environment: bare)
            #expect(with.exitCode == 0, "\(with.error)")
            func values(_ text: String) -> [Substring] {
                text.split(separator: "\n").dropFirst().map {
                    $0.prefix(upTo: $0.firstRange(of: "  # ")?.lowerBound ?? $0.endIndex)
                }
            }
            #expect(values(with.text) == values(without.text))
            #expect(with.text.contains("port: 3000  # \(folder.path)/all.yaml:"))
            #expect(without.text.contains("port: 3000  # default"))
        }

        @Test("what holds is what the nearest says, and who that is")
        func precedence() throws {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/b.yaml"
            try "log-level: debug\nmax-queued: 7\nredis-url: redis://:secret@h\n"
                .write(toFile: path, atomically: false, encoding: .utf8)
            let shown = try Command.bulkhead(
                ["config", "show"], environment: ["BULKHEAD_CONFIG": path, "BULKHEAD_MAX_QUEUED": "8"])
            #expect(shown.exitCode == 0, "\(shown.error)")
            #expect(shown.text.contains("log-level: debug  # \(path):1: log-level\n"))
            #expect(shown.text.contains("max-queued: 8  # BULKHEAD_MAX_QUEUED\n"))
            #expect(!shown.text.contains("secret"))
            // The variable is nearer than the file, also where the file names the Redis in another way.
            let environment = ["REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1", "BULKHEAD_CONFIG": path]
            let queue = try Command.bulkhead(["queue", "status"], environment: environment)
            #expect(queue.error == "bulkhead: queue: Redis is out of reach (127.0.0.1:1)\n")
        }

        @Test("a file that cannot be used ends the start, with its line", arguments: ["serve", "api", "worker"])
        func refusals(command: String) throws {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/b.yaml"
            // A key of another service's is none of a mistake, but its value is looked at.
            for (text, problem) in [
                ("port: 0\nslot: 3\n", "\(path):2: no setting is named 'slot'; the nearest is slots"),
                ("slots: many\n", "\(path):1: slots must be a number from 1 to 256, not 'many'"),
                ("metrics-port: 1\nport: 99999\n", "\(path):2: port must be a number from 0 to 65535, not '99999'"),
            ] {
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                let refused = try Command.bulkhead([command, "--config", path], atMost: .seconds(20))
                #expect(refused.exitCode == 64)
                #expect(refused.error.contains(problem), "\(refused.error)")
            }
            let missing = try Command.bulkhead([command, "--config", "/nowhere/b.yaml"])
            #expect(missing.exitCode == 64)
            #expect(missing.error.contains("/nowhere/b.yaml cannot be read: No such file or directory"))
        }

        @Test("a service is set by its file")
        func serves() throws {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/b.yaml"
            try "slots: 3\nport: 1\nlog-format: json\n".write(toFile: path, atomically: false, encoding: .utf8)
            // The port's flag is nearer.
            let child = try Child(
                [Installation.bulkhead, "serve", "--port", "0"],
                environment: Installation.environment.merging(["BULKHEAD_CONFIG": path]) { $1 })
            let serves = Eventually.holds(within: .seconds(60)) {
                child.hasEnded || child.standardError.contains(#""message":"serving""#)
            }
            #expect(serves)
            #expect(child.standardError.contains(#""slots":"3""#), "\(child.standardError)")
            child.signal(SIGTERM)
            #expect(try child.wait() == 0)
        }
    }
}
