import Foundation
import Testing

extension EndToEnd {
    @Suite("bulkhead selftest", .enabled(if: Installation.hasImage("default")))
    final class SelftestTests {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        /// What `--json` prints, read by nobody's code but this.
        private struct Report: Decodable {
            struct Finding: Decodable {
                var group: String
                var name: String
                var what: String
                var verdict: String
                var reason: String
            }

            var attacks: [Finding]
            var count: Int
            var contained: Int
            var escaped: Int
            var unjudged: Int
        }

        private func selftest(
            _ arguments: [String], environment: [String: String] = [:]
        ) throws -> (code: Int, report: Report) {
            let command = try Command.bulkhead(
                ["selftest", "--json"] + arguments, environment: environment, atMost: .seconds(480))
            do {
                return (command.exitCode, try JSONDecoder().decode(Report.self, from: Data(command.output)))
            } catch {
                throw Child.Failure(description: "no report (\(command.exitCode)): \(command.error)\(command.text)")
            }
        }

        @Test("no attack of at least eighty escapes, in nine groups, each with its reason")
        func contained() throws {
            let (code, report) = try selftest([])
            for finding in report.attacks where finding.verdict != "contained" {
                Issue.record("\(finding.group) \(finding.name): \(finding.verdict): \(finding.reason)")
            }
            #expect(code == 0)
            #expect(report.escaped == 0 && report.unjudged == 0)
            #expect(report.count == report.attacks.count && report.contained == report.count)
            #expect(report.count >= 80)
            #expect(report.attacks.allSatisfy { !$0.what.isEmpty && !$0.reason.isEmpty })
            #expect(Set(report.attacks.map { "\($0.group) \($0.name)" }).count == report.count)
            let groups = Set(report.attacks.map(\.group))
            for group in [
                "identity", "syscalls", "files", "processes", "neighbours", "network", "limits", "collection",
                "compiler",
            ] { #expect(groups.contains(group), "\(group)") }
            #expect(report.attacks.last?.name == "left-behind")
        }

        @Test("none escapes either in what was started before it, twice in a row in the same slot")
        func containedAhead() throws {
            let (code, report) = try selftest(["--ahead"])
            for finding in report.attacks where finding.verdict != "contained" {
                Issue.record("\(finding.group) \(finding.name): \(finding.verdict): \(finding.reason)")
            }
            #expect(code == 0)
            #expect(report.contained == report.count)
            #expect(report.count >= 80)
        }

        @Test("a policy with a hole is found: exit 1, and the attacks that go through it are named")
        func weakPolicy() throws {
            let policies = "\(Installation.sources)/policies"
            for name in ["init", "compiled", "compiler"] {
                try FileManager.default.copyItem(
                    atPath: "\(policies)/\(name).json", toPath: "\(folder.path)/\(name).json")
            }
            // Everything that is refused by name is let through.
            let text = try String(contentsOfFile: "\(policies)/default.json", encoding: .utf8)
            let weak = text.replacing("\"SCMP_ACT_ERRNO\",\n      \"errnoRet\": 1\n", with: "\"SCMP_ACT_ALLOW\"\n")
            #expect(weak != text)
            try weak.write(toFile: "\(folder.path)/default.json", atomically: true, encoding: .utf8)
            let (code, report) = try selftest(["--policies", folder.path, "--group", "syscalls"])
            #expect(code == 1)
            let escaped = Set(report.attacks.filter { $0.verdict == "escaped" }.map(\.name))
            for name in ["mount-interface", "bpf", "io-uring", "keyrings", "process-controls", "namespaces"] {
                #expect(escaped.contains(name), "\(name)")
            }
            // What another rule refuses stays contained: the findings are not all the same.
            #expect(!escaped.contains("crypto-sockets"))
            #expect(report.contained > 5)
        }

        @Test(
            "an attack that does not answer is no success",
            arguments: [
                ("exit 0", "silent"), ("exit 40", "the code alone"),
                ("printf 'finding\\tCONTAINED\\tfor sure\\n'; exit 0", "the line alone"),
                ("printf 'finding\\tCONTAINED\\tfor sure\\n'; kill -9 $$", "killed afterwards"),
                ("for i in 1 2; do printf 'finding\\tCONTAINED\\tfor sure\\n'; done; exit 40", "said twice"),
                ("printf 'finding\\tESCAPED\\tout\\n'; exit 40", "an escape with the other's code"),
            ])
        func silence(body: String, what: String) throws {
            let (code, report) = try selftest(["--attack", "made-up"], environment: try fake(body))
            #expect(code == 1, "\(what)")
            #expect(report.attacks.first?.verdict == "unjudged", "\(what)")
        }

        @Test("an answer in due form counts, and an escape is one")
        func answers() throws {
            let contained = try selftest(
                ["--attack", "made-up"], environment: try fake("printf 'finding\\tCONTAINED\\tfor sure\\n'; exit 40"))
            #expect(contained.code == 0)
            #expect(contained.report.attacks.first?.reason == "for sure")
            let escaped = try selftest(
                ["--attack", "made-up"], environment: try fake("printf 'finding\\tESCAPED\\tit is out\\n'; exit 41"))
            #expect(escaped.code == 1)
            #expect(escaped.report.attacks.first?.verdict == "escaped")
        }

        /// What `--storm --json` prints.
        private struct StormReport: Decodable {
            struct Wrong: Decodable {
                var index: Int
                var ending: String
                var expected: String
                var reason: String
                var draw: String
            }

            var jobs: Int
            var seed: String
            var slots: Int
            var statuses: [String: Int]
            var wrong: [Wrong]
            var leftovers: [String]
        }

        private func storm(_ arguments: [String]) throws -> (code: Int, report: StormReport, error: String) {
            let command = try Command.bulkhead(["selftest", "--json"] + arguments, atMost: .seconds(480))
            do {
                let report = try JSONDecoder().decode(StormReport.self, from: Data(command.output))
                return (command.exitCode, report, command.error)
            } catch {
                throw Child.Failure(description: "no report (\(command.exitCode)): \(command.error)\(command.text)")
            }
        }

        @Test(
            "300 random hostile jobs at once: every answer well-formed, every status right, nothing left",
            arguments: ["4", "\(UInt64.random(in: 0...UInt64.max))"])
        func storm(seed: String) throws {
            // Said before it runs: so that what it finds can be found again.
            print("storm of seed \(seed)")
            let (code, report, _) = try storm(["--storm", "300", "--seed", seed])
            for wrong in report.wrong {
                Issue.record("\(wrong.ending), expected \(wrong.expected): \(wrong.reason): \(wrong.draw)")
            }
            for left in report.leftovers { Issue.record("left: \(left)") }
            #expect(code == 0)
            #expect(report.jobs == 300 && report.seed == seed && report.slots > 0)
            #expect(report.statuses.values.reduce(0, +) == 300)
            // A storm in which little happens shows little.
            for status in [
                "ok", "nonzero_exit", "signaled", "cpu_time_limit", "wall_time_limit", "memory_limit", "output_limit",
                "process_limit", "disk_limit", "cancelled",
            ] { #expect(report.statuses[status] ?? 0 > 0, "\(status)") }
            #expect(Instance.leftOvers().isEmpty)
        }

        @Test("one job of a storm is drawn again by its number; what makes no sense together is said")
        func oneOfAStorm() throws {
            let (code, report, error) = try storm(["--storm-only", "17", "--seed", "4", "--concurrency", "1"])
            #expect(code == 0 && report.jobs == 1 && report.slots == 1)
            #expect(error.contains("bulkhead: 17 ") && error.contains("right: "))
            for arguments in [
                ["--storm", "0"], ["--storm-only", "1"], ["--seed", "1"], ["--storm", "1", "--list"],
                ["--storm", "1", "--attack", "cpu-spin"], ["--storm", "1", "--concurrency", "0"],
            ] { #expect(try Command.bulkhead(["selftest"] + arguments).exitCode == 64, "\(arguments)") }
        }

        @Test("a reader that goes away early does not end it, nor change what it found")
        func readerGone() throws {
            let shell = try Child(
                [
                    "/bin/bash", "-c", "\"$0\" selftest --group network | head -n 1; exit ${PIPESTATUS[0]}",
                    Installation.bulkhead,
                ], environment: Installation.environment)
            #expect(try shell.wait(atMost: .seconds(120)) == 0, "\(shell.standardError)")
            #expect(String(decoding: shell.standardOutput, as: UTF8.self).hasPrefix("CONTAINED network"))
        }

        @Test("--list runs nothing and needs no root's rights; an unknown name is said")
        func list() throws {
            let command = try Command.bulkhead(["selftest", "--list"])
            #expect(command.exitCode == 0)
            let lines = command.text.split(separator: "\n")
            #expect(lines.count >= 80)
            #expect(lines.allSatisfy { $0.split(separator: "\t").count == 3 })
            #expect(try Command.bulkhead(["selftest", "--attack", "no-such"]).exitCode == 64)
            #expect(try Command.bulkhead(["selftest", "--group", "no-such"]).exitCode == 64)
        }

        /// An attack program with one attack, whose job is a shell script.
        private func fake(_ body: String) throws -> [String: String] {
            let path = "\(folder.path)/attacks"
            let table =
                #"[{"group":"made","name":"made-up","mode":"alone","what":"try","cpuPercent":0,"harmful":false}]"#
            let script = """
                #!/bin/sh
                case $1 in
                --list) echo '\(table)'; exit 0 ;;
                --witness) echo ATTACK_X=y; echo ready; while read line; do echo clean; done; exit 0 ;;
                esac
                \(body)

                """
            try script.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            return ["BULKHEAD_ATTACKS": path]
        }
    }
}
