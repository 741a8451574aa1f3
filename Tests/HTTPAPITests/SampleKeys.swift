import Foundation
import HTTPTypes
import Jobs
import Keyring

@testable import HTTPAPI

/// API keys in a file that goes with its owner.
final class SampleKeys: Sendable {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-\(UUID().uuidString)")
    private let secrets: [String: APIKeySecret]
    let store: APIKeyStore

    init(_ keys: [String: (Set<APIKey.Scope>, Quota)]) throws {
        let file = APIKeyFile(path: folder.appendingPathComponent("keys.json").path)
        secrets = keys.mapValues { _ in APIKeySecret() }
        let secrets = secrets
        try file.change { (list) throws(APIKeyError) in
            for (name, (scopes, quota)) in keys {
                guard let secret = secrets[name] else { continue }
                try list.add(
                    APIKey(
                        name: name, id: RandomWord.next(), digest: secret.digest, scopes: scopes, quota: quota,
                        createdAt: Date(timeIntervalSince1970: 0)))
            }
        }
        store = try APIKeyStore(file: file, logger: Fixture.silent)
    }

    /// Two that may use it, one of each scope, and one for everything.
    static func usual() throws -> SampleKeys {
        try SampleKeys([
            "alice": ([.execute, .read], Quota()), "bob": ([.execute, .read], Quota()), "reads": ([.read], Quota()),
            "executes": ([.execute], Quota()), "admin": ([.admin], Quota()),
        ])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var configuration: APIConfiguration { APIConfiguration(port: 0, access: AccessRules(keys: store)) }

    func secret(_ name: String) -> String { secrets[name]?.text ?? "" }

    /// The fields of a request with a key and a body of JSON.
    func fields(_ name: String, _ more: HTTPFields = [:]) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/json", .authorization: "Bearer \(secret(name))"]
        for field in more { fields.append(field) }
        return fields
    }
}
