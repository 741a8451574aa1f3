import Foundation
import Seccomp

/// The policies as they are shipped.
enum PolicyFiles {
    static func policy(_ name: String) throws -> SeccompPolicy {
        try SeccompPolicy(json: Data(contentsOf: root.appendingPathComponent("policies/\(name).json")))
    }

    /// The lines of policies/README.md.
    static func readme() throws -> [Substring] {
        try String(contentsOf: root.appendingPathComponent("policies/README.md"), encoding: .utf8)
            .split(separator: "\n")
    }

    /// A profile of another project, as its Debian package ships it; nil where scripts/packages.sh has not fetched it.
    static func profile(_ name: String) throws -> Data? {
        let path = root.appendingPathComponent(".build/profiles/\(name).json")
        guard FileManager.default.isReadableFile(atPath: path.path) else {
            print("privileged suite skipped: needs \(path.path) (scripts/packages.sh test)")
            return nil
        }
        return try Data(contentsOf: path)
    }

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func filter(_ name: String) throws -> BPFInterpreter {
        BPFInterpreter(try policy(name).compile().bytes)
    }
}
