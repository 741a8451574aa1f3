import Foundation

/// Tools of others that the tests use, from PyPI.
enum PyPI {
    /// A program of an environment that `scripts/pypi.sh` makes below the build folder at first use.
    /// - Returns: its path; nil, said aloud, where it cannot be had.
    static func program(_ program: String, of name: String) -> String? {
        do {
            let script = try Child(
                ["\(Installation.sources)/scripts/pypi.sh", name], environment: Installation.environment)
            guard try script.wait(atMost: .seconds(300)) == 0 else {
                print("privileged suite skipped: no \(name) from PyPI (\(script.standardError))")
                return nil
            }
            let folder = String(decoding: script.standardOutput, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            return "\(folder)/\(program)"
        } catch {
            print("privileged suite skipped: no \(name) from PyPI (\(error))")
            return nil
        }
    }
}
