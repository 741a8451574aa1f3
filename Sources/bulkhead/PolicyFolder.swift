import Foundation
import Hashing
import Images
import Isolation
import Jobs
import Seccomp

/// The folder of seccomp policies: `NAME.json` is the policy of that name. `init` is for each sandbox's own PID 1, `default`
/// for every program whose recipe names no other.
struct PolicyFolder {
    let path: String

    /// The job policies that an engine is started with.
    struct Selection {
        /// In the engine's order; the standard one first, because slots are warmed up for it.
        var names: [String]
        var policies: [SeccompPolicy]
        /// SHA-256 of the file that each was read from.
        var digests: [String]
    }

    /// One policy.
    /// - Throws: `IsolationError` naming the file, where it is missing, not readable or not valid.
    func policy(_ name: String) throws -> SeccompPolicy { try read(name).policy }

    /// One policy, and the SHA-256 of its file.
    private func read(_ name: String) throws -> (policy: SeccompPolicy, digest: String) {
        let file = "\(path)/\(name).json"
        do {
            let json = try Data(contentsOf: URL(fileURLWithPath: file))
            return (try SeccompPolicy(json: json), SHA256.hex(Array(json)))
        } catch let error as SeccompError {
            throw IsolationError(.host, "\(file): \(error)")
        } catch {
            throw IsolationError(.host, "\(file) cannot be read: \(error.localizedDescription)")
        }
    }

    /// The standard policy, and every one that a language of these images names.
    ///
    /// A policy that is missing is an error and never replaced by another, which could allow more than the recipe meant.
    /// - Parameters:
    ///   - images: the manifests of the images that will be opened.
    ///   - others: names that are wanted besides.
    /// - Returns: the policies in the order in which the engine is to have them.
    /// - Throws: `IsolationError` that says which policy is missing and who names it.
    func select(for images: [ImageManifest], others: [String] = []) throws -> Selection {
        var users: [String: String] = [:]
        for name in others { users[name] = "the command line" }
        for image in images {
            for language in image.languages {
                for name in language.policies { users[name] = "\(language.name) of image \(image.name)" }
            }
        }
        users[Language.standardPolicy] = nil
        let names = [Language.standardPolicy] + users.keys.sorted()
        var policies: [SeccompPolicy] = []
        var digests: [String] = []
        for name in names {
            if let user = users[name] {
                // `init` lets no program start, and a name with a slash would be another folder's file.
                guard name != "init", !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
                    throw IsolationError(.host, "\(user) names the policy '\(name)', which cannot be a program's")
                }
                guard access("\(path)/\(name).json", F_OK) == 0 else {
                    throw IsolationError(
                        .host, "\(user) names the policy '\(name)', and there is no \(name).json in \(path)")
                }
            }
            let (policy, digest) = try read(name)
            policies.append(policy)
            digests.append(digest)
        }
        return Selection(names: names, policies: policies, digests: digests)
    }
}
