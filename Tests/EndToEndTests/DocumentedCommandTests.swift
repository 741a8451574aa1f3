import Foundation
import Testing

extension EndToEnd {
    /// What documents tell to type. Blocks of commands are run, by `DocumentedExampleTests`, `ReadmeTests`, or in a virtual machine under
    /// systemd by scripts/package-guest.sh; a command within a sentence is run there too, or is one of this project's, whose names
    /// and flags must be real; and what is run nowhere stands here with its reason.
    @Suite("Documented commands")
    struct DocumentedCommandTests {
        /// The documents whose blocks are run, whole, here.
        private static let runHere = ["README.md", "docs/api.md", "docs/languages.md", "docs/migration.md"]
        /// The one whose blocks are run in the guest, line by line.
        private static let runInGuest = "docs/install.md"
        /// Those whose blocks nothing runs.
        private static let runByHand = [
            "docs/hosts.md": "want Docker and Podman, and an image of theirs; the document says how they were tried"
        ]

        /// Whose commands are looked for within sentences. Those of this project have tests of their own below.
        private static let programs: Set<String> = [
            "apt", "apt-cache", "apt-get", "curl", "docker", "dpkg", "journalctl", "man", "mkdir", "podman", "promtool",
            "redis-server", "setpriv", "skopeo", "ssh", "systemctl", "systemd-run", "tar",
        ]

        private static let containerTools: Set = ["docker", "podman", "skopeo"]

        private static let notRun: [String: String] = [
            "curl -N": "a flag; with a request it is in a block of docs/api.md",
            "systemctl start": "half a command; the guest starts the units",
            "systemctl status": "half a command; the guest asks `systemctl show` for the same text",
            "systemctl edit bulkhead": "opens an editor; the guest makes the same file by hand",
            "systemctl edit bulkhead-api": "the same",
            "mkdir /sys/fs/cgroup/bulkhead-daemon: Read-only file system": "the words of an error",
            "journalctl -u bulkhead": "opens a pager; the guest reads the same journal with -o cat",
            "man bulkhead": "opens a pager; lintian reads the page as the package is made",
            "tar --xattrs --numeric-owner": "flags, not a command",
            "apt-cache search": "half a command",
            "apt-get download PACKAGE && dpkg -c PACKAGE*.deb": "needs a network",
            "docker save IMAGE -o image.tar":
                "needs Docker and one of its images; such archives are imported by ImportImageTests",
            "skopeo copy docker://IMAGE oci:FOLDER": "needs a registry; such folders are imported by ImportImageTests",
            "promtool check rules": "half a command; MonitoringTests runs it",
            "ssh -L 3000:127.0.0.1:3000 host": "needs a second host",
            "systemd-run --scope -p Delegate=yes": "what bulkhead runs itself; the guest sees it do so",
        ]

        /// A command as a document has it.
        private struct Typed {
            var document: String
            var line: Int
            var text: String
            /// Whether it is a line of a block ```sh.
            var isOfBlock: Bool
        }

        /// Where documents are.
        private static func documents() throws -> [String] {
            try ["", "docs/", "policies/", "Sources/attacks/"].flatMap { folder in
                try FileManager.default.contentsOfDirectory(atPath: "\(Installation.sources)/\(folder)")
                    .filter { $0.hasSuffix(".md") }.map { folder + $0 }
            }.sorted()
        }

        private static func text(_ path: String) throws -> String {
            try String(contentsOfFile: "\(Installation.sources)/\(path)", encoding: .utf8)
        }

        /// The lines of blocks, those of indented blocks, what is typed in transcripts, and what stands between backquotes.
        private static func commands(in document: String) throws -> [Typed] {
            var found: [Typed] = []
            var fence: Substring?
            var prose = ""
            func add(_ text: some StringProtocol, _ line: Int, isOfBlock: Bool = false) {
                let text = text.trimmingCharacters(in: .whitespaces)
                if !text.isEmpty {
                    found.append(Typed(document: document, line: line, text: text, isOfBlock: isOfBlock))
                }
            }
            /// A span may go over the end of a line, not over that of a paragraph.
            func endParagraph(_ line: Int) {
                let parts = prose.split(separator: "`", omittingEmptySubsequences: false)
                for index in parts.indices where index % 2 == 1 { add(parts[index], line) }
                prose = ""
            }
            for (index, line) in try text(document).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                if line.hasPrefix("```") {
                    endParagraph(index)
                    fence = fence == nil ? line.dropFirst(3) : nil
                } else if let fence {
                    if fence == "sh" { add(line, index + 1, isOfBlock: true) }
                    if fence.isEmpty, let typed = line.firstMatch(of: /^(\[.*\] \S+)?\$ (.*)/)?.2 {
                        add(typed, index + 1)
                    }
                } else if line.isEmpty {
                    endParagraph(index)
                } else if line.hasPrefix("    "), prose.isEmpty {
                    add(line, index + 1)
                } else {
                    prose += line.trimmingCharacters(in: .whitespaces) + " "
                }
            }
            endParagraph(0)
            return found
        }

        private static func all() throws -> [Typed] { try documents().flatMap(commands(in:)) }

        /// What the guest runs: the texts by which it finds the commands.
        private static func inGuest() throws -> [String] {
            try text("scripts/package-guest.sh").matches(of: /documented '([^']+)'/).map { String($0.1) }
        }

        @Test("every block of commands is run")
        func blocks() throws {
            let guest = try Self.inGuest()
            #expect(guest.count > 8)
            var lines = 0
            for command in try Self.all() where command.isOfBlock {
                if Self.runHere.contains(command.document) || Self.runByHand[command.document] != nil { continue }
                lines += 1
                #expect(
                    command.document == Self.runInGuest
                        && guest.filter { command.text.contains($0) }.count == 1,
                    "\(command.document):\(command.line) is run nowhere: \(command.text)")
            }
            #expect(lines >= 9)
            // And the guest runs nothing that is not there.
            let documented = try Self.commands(in: Self.runInGuest)
            for text in guest { #expect(documented.contains { $0.text.contains(text) }, "\(text)") }
        }

        @Test("every other command is run, or the reason why it is not stands here")
        func sentences() throws {
            let guest = try Self.inGuest()
            var unseen = Set(Self.notRun.keys)
            for command in try Self.all() where !command.isOfBlock {
                var words = command.text.split(separator: " ").map(String.init)
                if words.first == "sudo" { words.removeFirst() }
                guard words.count > 1, Self.programs.contains(words[0]) else { continue }
                // The name of a command and not one: `docker run`.
                if words.count == 2, Self.containerTools.contains(words[0]) { continue }
                let text = words.joined(separator: " ")
                unseen.remove(text)
                let isRun =
                    words[0] == Self.capabilities
                    || command.document == Self.runInGuest && guest.contains { text.contains($0) }
                #expect(
                    isRun || Self.notRun[text] != nil,
                    "\(command.document):\(command.line) names a command that nobody runs: \(text)")
            }
            #expect(unseen.isEmpty, "no document names them any more")
        }

        /// The command of docs/hosts.md that leaves the launcher eight capabilities.
        private static let capabilities = "setpriv"

        @Test(
            "with the capabilities named in docs/hosts.md attacks are contained",
            .enabled(if: Installation.hasImage("default")))
        func hosts() throws {
            let found = try Self.commands(in: "docs/hosts.md").filter { $0.text.hasPrefix(Self.capabilities) }
            #expect(found.count == 1)
            let command = try #require(found.first).text.replacing(
                "bulkhead selftest", with: "\(Installation.bulkhead) selftest --group identity --group files")
            let shell = try Child(["/bin/bash", "-c", command], environment: Installation.environment)
            #expect(try shell.wait(atMost: .seconds(120)) == 0, "\(shell.standardError)")
            let said = String(decoding: shell.standardOutput, as: UTF8.self)
            #expect(said.contains(" 0 escaped, 0 could not be judged"), "\(said)")
        }

        // MARK: this project's own

        /// A command of `bulkhead`, as it tells of itself.
        private struct Help: Decodable {
            struct Argument: Decodable {
                struct Name: Decodable {
                    var kind: String
                    var name: String
                }
                var names: [Name]?
            }
            var commandName: String
            var arguments: [Argument]?
            var subcommands: [Help]?

            var flags: Set<String> {
                Set((arguments ?? []).flatMap { $0.names ?? [] }.map { ($0.kind == "short" ? "-" : "--") + $0.name })
            }
        }

        private static func help() throws -> Help {
            struct Dump: Decodable { var command: Help }
            let dump = try Command.bulkhead(["--experimental-dump-help"])
            return try JSONDecoder().decode(Dump.self, from: Data(dump.output)).command
        }

        /// What is wrong with the words after `bulkhead`; nil where nothing is.
        private static func wrong(_ words: [String], _ root: Help) -> String? {
            var command = root
            var rest = words[...]
            while let subcommands = command.subcommands, let word = rest.first, !word.hasPrefix("-"), word != "…" {
                guard let next = subcommands.first(where: { $0.commandName == word }) else {
                    return subcommands.contains { $0.commandName == "help" } || command.commandName != root.commandName
                        ? "no command \(word)" : nil
                }
                command = next
                rest.removeFirst()
            }
            let flags = command.flags
            for word in rest {
                // What follows is another program's.
                if word == "--" { break }
                let flag = word.trimmingCharacters(in: ["[", "]"]).split(separator: "=").first.map(String.init) ?? ""
                if flag.hasPrefix("-"), flag.count > 1, !flags.contains(flag) { return "no flag \(flag)" }
            }
            return nil
        }

        @Test("every command of bulkhead's that a document names is one, with flags that it has")
        func own() throws {
            let root = try Self.help()
            #expect(Self.wrong(["serve", "--slots", "2"], root) == nil)
            #expect(Self.wrong(["serf"], root) != nil)
            #expect(Self.wrong(["serve", "--slot", "2"], root) != nil)
            #expect(Self.wrong(["rootfs", "bild"], root) != nil)
            // `rootfs list` for `bulkhead rootfs list`.
            let families = Set((root.subcommands ?? []).filter { $0.subcommands != nil }.map(\.commandName))
            var seen = 0
            for command in try Self.all() {
                var words = command.text.split(separator: " ").map(String.init)
                if let comment = words.firstIndex(where: { $0.hasPrefix("#") }) { words.removeSubrange(comment...) }
                if words.first == "sudo" { words.removeFirst() }
                guard words.count > 1 else { continue }
                if words[0] == "bulkhead" || words[0] == "/usr/bin/bulkhead" {
                    words.removeFirst()
                } else if !families.contains(words[0]) || command.isOfBlock {
                    continue
                }
                seen += 1
                let problem = Self.wrong(words, root)
                #expect(problem == nil, "\(command.document):\(command.line): \(command.text): \(problem ?? "")")
            }
            #expect(seen > 60)
        }

        @Test("every target of make and every script that a document names is there")
        func targets() throws {
            let targets = Set(try Self.text("Makefile").matches(of: /(?m)^([a-z-]+):/).map { String($0.1) })
            var seen = 0
            for command in try Self.all() {
                var words = command.text.split(separator: " ").map(String.init)
                while let word = words.first, word == "sudo" || word.contains("=") { words.removeFirst() }
                guard let first = words.first else { continue }
                if first == "make", words.count > 1, command.text != "make stub" {
                    seen += 1
                    #expect(targets.contains(words[1]), "\(command.document):\(command.line): \(command.text)")
                } else if first.hasPrefix("scripts/") {
                    seen += 1
                    #expect(
                        FileManager.default.fileExists(atPath: "\(Installation.sources)/\(first)"),
                        "\(command.document):\(command.line): \(first)")
                }
            }
            #expect(seen > 20)
        }
    }
}
