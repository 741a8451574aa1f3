import Foundation
import Seccomp

/// The policies as they are shipped.
enum PolicyFiles {
    static func policy(_ name: String) throws -> SeccompPolicy {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try SeccompPolicy(json: Data(contentsOf: root.appendingPathComponent("policies/\(name).json")))
    }

    static func filter(_ name: String) throws -> BPFInterpreter {
        BPFInterpreter(try policy(name).compile().bytes)
    }
}
