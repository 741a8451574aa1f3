import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Seccomp

/// `bulkhead policy`: what seccomp policies say, and what a program needs of one.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Seccomp policies: are they valid, what do they do with a system call, what does a program need.",
        discussion: """
            bulkhead policy check default                     the policy of that name in the folder of policies
            bulkhead policy check ./mine.json                 a file, in the OCI format or in Docker's
            bulkhead policy explain default socket            every rule about a system call
            bulkhead policy explain default socket 2 1        what happens to this call (AF_INET, SOCK_STREAM), and why
            bulkhead policy learn -- /usr/bin/python3 -c 1    the smallest policy that a program passes under
            """,
        subcommands: [Check.self, Explain.self, Learn.self])

    /// Where the policies are that have names.
    struct Source: ParsableArguments {
        @OptionGroup var configuration: ConfigurationOptions

        @Option(Settings.policies) var policies: String?

        /// - Parameter what: the path of a file, with a slash or an ending in it, or the name of a policy.
        /// - Returns: the policy and its file.
        /// - Throws: `ExitCode` 1 once the reason has been written to standard error.
        func load(_ what: String) throws -> (path: String, policy: SeccompPolicy) {
            let isName = !what.contains("/") && !what.contains(".")
            let path = isName ? "\(try folder())/\(what).json" : what
            do {
                return (path, try SeccompPolicy(json: Data(contentsOf: URL(fileURLWithPath: path))))
            } catch let error as SeccompError {
                note("\(path): \(error.description)")
            } catch {
                note("\(path) cannot be read: \(error.localizedDescription)")
            }
            throw ExitCode(1)
        }

        func folder() throws -> String { try Installation.policyFolder(policies) }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a policy is valid, and what it comes to.",
            discussion: "Exit 0 for a policy that an engine would take, 1 for any other.")

        @OptionGroup var source: Source

        @Argument(help: ArgumentHelp("A file, or the name of a policy.", valueName: "file"))
        var file: String

        mutating func run() throws {
            let (path, policy) = try source.load(file)
            let program: SeccompProgram
            do {
                program = try policy.compile()
            } catch {
                note("\(path): \(error.description)")
                throw ExitCode(1)
            }
            let summary = policy.summary
            print("\(path): valid")
            Self.line("allowed", "\(summary.allowed.count) system calls, whatever their arguments")
            Self.line("by arguments", "\(summary.conditional.count): \(summary.conditional.joined(separator: " "))")
            let denied = summary.denied.map { ($0.key.description, $0.value.count) }.sorted { $0 < $1 }
            for (action, count) in denied { Self.line("named, denied", "\(count): each \(action)") }
            Self.line("all others", "each \(policy.defaultAction)")
            Self.line("i386, x32", "each \(SeccompAction.killProcess)")
            Self.line(
                "program", "\(program.instructionCount) BPF instructions of \(SeccompProgram.maximumInstructions)")
            if !policy.omissions.isEmpty {
                Self.line(
                    "not for here", "\(policy.omissions.count) entries (of other machines, kernels, capabilities)")
            }
            if let wider = wider(summary, than: Language.standardPolicy), !wider.isEmpty {
                Self.line("beyond default", "\(wider.count): \(wider.joined(separator: " "))")
            }
            for warning in policy.warnings { Self.line("warning", warning) }
        }

        /// What the policy may let through and the named one never does; nil where there is no such policy to compare.
        private func wider(_ summary: PolicySummary, than name: String) -> [String]? {
            do {
                let other = try PolicyFolder(path: try source.folder()).policy(name).summary
                return Set(summary.allowed + summary.conditional).subtracting(other.allowed + other.conditional)
                    .sorted()
            } catch {
                note("not compared with the policy \(name): \(error)")
                return nil
            }
        }

        private static func line(_ subject: String, _ text: String) {
            print("  \(subject.padding(toLength: 15, withPad: " ", startingAt: 0)) \(text)")
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what a policy does with a system call, and which rule decides.",
            discussion: """
                Arguments are numbers, decimal or with 0x; those that are left out at the end are taken as not known. Without
                any, all rules about the system call are listed. Exit 1 for a policy that is not valid, a name that is
                no system call of x86-64, or arguments that do not suffice.
                """)

        @OptionGroup var source: Source

        @Argument(help: ArgumentHelp("A file, or the name of a policy.", valueName: "file"))
        var file: String

        @Argument(help: "The system call's name, such as openat.")
        var syscall: String

        @Argument(parsing: .allUnrecognized, help: "Its arguments, from the first on.")
        var arguments: [String] = []

        mutating func run() throws {
            let (_, policy) = try source.load(file)
            guard arguments.count <= 6 else { throw ValidationError("a system call has at most six arguments") }
            let values = try arguments.map(Self.number)
            do {
                if values.isEmpty { try list(policy) } else { try decide(policy, values) }
            } catch let error as SeccompError {
                note(error.detail)
                throw ExitCode(1)
            }
        }

        private func list(_ policy: SeccompPolicy) throws {
            let rules = try policy.rules(for: syscall)
            print("\(syscall), number \(try SeccompPolicy.number(of: syscall))")
            for rule in rules {
                print("  \(Self.conditions(rule)): \(rule.action)")
                print("    \(Self.origin(rule))")
            }
            if rules.allSatisfy({ !$0.conditions.isEmpty }) {
                print("  \(rules.isEmpty ? "always" : "else"): \(policy.defaultAction)\n    the policy's default")
            }
            omissions(policy)
        }

        private func decide(_ policy: SeccompPolicy, _ values: [UInt64]) throws {
            let call = "\(syscall)(\(arguments.joined(separator: ", ")))"
            switch try policy.decision(syscall, values) {
            case .rule(let rule):
                print("\(call): \(rule.action)")
                print("  because \(Self.conditions(rule))\n  \(Self.origin(rule))")
            case .byDefault:
                print("\(call): \(policy.defaultAction)")
                print("  because no rule applies: the policy's default")
            case .dependsOn(let indexes):
                let list = indexes.map(String.init).joined(separator: ", ")
                note("\(call): argument \(list) decides as well (counted from 0); give it too")
                throw ExitCode(1)
            }
            omissions(policy)
        }

        private func omissions(_ policy: SeccompPolicy) {
            for omission in policy.omissions(for: syscall) {
                print("  syscalls[\(omission.entry)] does not count here: it \(omission.reason)")
            }
        }

        private static func conditions(_ rule: SeccompRule) -> String {
            rule.conditions.isEmpty ? "always" : rule.conditions.map(\.description).joined(separator: " and ")
        }

        private static func origin(_ rule: SeccompRule) -> String {
            "syscalls[\(rule.entry)]" + (rule.comment.map { ": \($0)" } ?? ", without a comment")
        }

        private static func number(_ text: String) throws -> UInt64 {
            if text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) { return value }
            if let value = UInt64(text) { return value }
            // As C passes it: AT_FDCWD is -100.
            if let value = Int64(text) { return UInt64(bitPattern: value) }
            throw ValidationError("\(text) is not a number of 64 bits")
        }
    }
}
