import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Worker

/// `bulkhead check`: would a job run here?
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what this host has and lacks, what mends it, and run a job to prove it.",
        discussion: "Exit 0 when a job ran, 1 when none could.")

    @OptionGroup var engine: EngineOptions

    mutating func run() throws {
        var findings = HostCheck.findings()
        findings += installation()
        var canRun = true
        for finding in findings {
            print(Self.line(finding))
            if finding.level == .missing { canRun = false }
        }
        if canRun { canRun = runJob() }
        print(canRun ? "A job can run here." : "No job can run here.")
        if !canRun { throw ExitCode(1) }
    }

    private func installation() -> [HostFinding] {
        var findings: [HostFinding] = []
        do {
            findings.append(.fine("launcher", try engine.launcherPath()))
            findings.append(try policies())
        } catch {
            findings.append(.missing("installation", "\(error)", fix: "install bulkhead anew"))
        }
        do {
            let image = try engine.store.open("default")
            findings.append(
                .fine(
                    "image",
                    "default: \(image.manifest.languages.map { "\($0.name) \($0.version)" }.joined(separator: ", "))"))
        } catch {
            // To others than root an image that is there is as good as none.
            let fix = geteuid() == 0 ? "bulkhead rootfs build default" : "look as root: sudo bulkhead check"
            findings.append(.missing("image", "default: \(error)", fix: fix))
        }
        return findings
    }

    /// Every policy that the images name, read as it would be for a job.
    private func policies() throws -> HostFinding {
        let folder = PolicyFolder(path: try engine.policyFolder())
        do {
            _ = try folder.policy("init")
            // An image that cannot be used is spoken of below.
            let images = try engine.store.list().compactMap { $0.problem == nil ? $0.manifest : nil }
            let selection = try folder.select(for: images)
            return .fine("policies", "\(folder.path): \(selection.names.joined(separator: ", "))")
        } catch let error as IsolationError {
            return .missing("policies", error.message, fix: "put the file there; `bulkhead policy check` reads it")
        }
    }

    /// The proof: everything that a job needs was put in force once.
    private func runJob() -> Bool {
        do {
            let running = try RunningEngine.start(engine, images: ["default"], slots: 1) { note("\($0)") }
            let result = try runToEnd {
                let runner = running.runner(named: "check")
                let result = await runner.run(
                    command: ["/bin/true"], image: 0, environment: [:], limits: .standard, input: .bytes([]),
                    .init(id: JobID().description))
                await running.engine.shutDown()
                return result
            }
            if result.status == .ok {
                print(
                    Self.line(.fine("a job", "ok, set up in \(result.setupTimeMs) ms, ran for \(result.wallTimeMs) ms"))
                )
                return true
            }
            print(
                Self.line(
                    .missing(
                        "a job", "\(result.status.rawValue): \(result.message ?? "no message")",
                        fix: "the step that is named; bulkhead run --image default -- /bin/true tries again")))
        } catch {
            print(Self.line(.missing("a job", "\(error)", fix: "the step that is named")))
        }
        return false
    }

    private static func line(_ finding: HostFinding) -> String {
        let mark =
            switch finding.level {
            case .fine: "ok     "
            case .advice: "advice "
            case .missing: "MISSING"
            }
        let subject = finding.subject.padding(toLength: 16, withPad: " ", startingAt: 0)
        return "\(mark) \(subject) \(finding.text)"
            + (finding.fix.map { "\n                         fix: \($0)" } ?? "")
    }
}
