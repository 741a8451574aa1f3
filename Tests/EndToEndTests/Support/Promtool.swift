import Foundation
import Glibc

/// Prometheus' own judge of metrics and rules, as scripts/packages.sh fetches it.
enum Promtool {
    private static let path = "\(Installation.sources)/.build/tools/promtool"

    /// Says once that tests are skipped, where it is absent.
    static let isThere: Bool = {
        if access(path, X_OK) == 0 { return true }
        print("privileged suite skipped: needs promtool (scripts/packages.sh test)")
        return false
    }()

    /// - Returns: the exit code and all that it said.
    static func run(_ arguments: [String], input: String = "") throws -> (code: Int, words: String) {
        let folder = try TemporaryFolder()
        let file = folder.url("input")
        try Data(input.utf8).write(to: file)
        // By a file: a page is larger than a pipe.
        let child = try Child(
            ["/bin/sh", "-c", "exec \"$@\" <\"$0\"", file.path, path] + arguments, environment: [:])
        let code = try child.wait()
        return (code, child.standardError + String(decoding: child.standardOutput, as: UTF8.self))
    }
}
