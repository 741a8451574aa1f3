import Foundation
import Isolation

/// The binary that holds all attacks, and its table.
public struct AttackProgram: Sendable {
    /// What a job finds at /box/attack.
    let contents: [UInt8]
    public let path: String
    /// In the order of the table: by group, then by name.
    public let attacks: [Attack]

    /// Reads the binary and asks it for its table.
    /// - Throws: `SystemError`, `IsolationError`, or `DecodingError` for a table that is none.
    public init(path: String) throws {
        self.path = path
        contents = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        let program = try HostProgram(path, arguments: ["--list"], environment: [:])
        let text = try program.rest(within: 30_000)
        guard program.wait() == 0 else { throw IsolationError(.host, "\(path) --list failed") }
        attacks = try JSONDecoder().decode([Attack].self, from: Data(text))
    }
}
