import Foundation
import Isolation

/// The witness: a process of the host that is as open as it can be, so that only the sandbox stands between a job and it
/// (Sources/attacks/witness.c). It tells what was touched.
public actor Witness {
    /// What no output of a job may have in it: it stands in the witness's environment, memory and files.
    public nonisolated let canary: String
    /// How jobs find it: variables for their environment.
    public nonisolated let variables: [String: String]
    private let program: HostProgram
    private let patience: Int32

    /// Starts it. To be called as root, before any other thread is started; it gives root up by itself.
    /// - Throws: what kept it from starting.
    public init(program path: String, timeScale: Int) throws {
        canary = "canary-\(UUID().uuidString.lowercased())"
        patience = Int32(10_000 * timeScale)
        program = try HostProgram(
            path, arguments: ["--witness"], environment: ["ATTACK_CANARY": canary])
        var variables: [String: String] = [:]
        while let line = try program.line(within: patience) {
            if line == "ready" {
                self.variables = variables
                return
            }
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { break }
            variables[parts[0]] = parts[1]
        }
        throw IsolationError(.host, "the witness of the attacks did not start")
    }

    /// Whether it was reached since it was asked last.
    func judge() -> Judgement {
        do {
            try program.send("check")
            guard let line = try program.line(within: patience) else {
                return .escaped("the witness outside was killed")
            }
            if line == "clean" { return .contained("") }
            return .escaped("the witness outside saw it: \(line.split(separator: "\t").last ?? "")")
        } catch {
            return .unjudged("the witness outside does not answer: \(error)")
        }
    }
}
