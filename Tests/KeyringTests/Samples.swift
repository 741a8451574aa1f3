import Foundation
import Keyring
import Logging
import Synchronization

/// A key file in a folder that goes with its owner.
final class SampleFile: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-keys-\(UUID().uuidString)")
    var file: APIKeyFile { APIKeyFile(path: folder.appendingPathComponent("keys.json").path) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Makes a key.
    @discardableResult
    func add(_ name: String, _ scopes: Set<APIKey.Scope> = [.execute, .read], _ quota: Quota = Quota()) throws
        -> APIKeySecret
    {
        let secret = APIKeySecret()
        let key = APIKey.sample(name, secret, scopes, quota)
        try file.change { (list) throws(APIKeyError) in try list.add(key) }
        return secret
    }

    func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.path), options: .atomic)
    }

    func chmod(_ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }
}

extension APIKey {
    static func sample(
        _ name: String, _ secret: APIKeySecret = APIKeySecret(), _ scopes: Set<Scope> = [.execute, .read],
        _ quota: Quota = Quota()
    ) -> APIKey {
        APIKey(
            name: name, id: "0\(name.filter { "0123456789".contains($0) })0", digest: secret.digest, scopes: scopes,
            quota: quota, createdAt: Date(timeIntervalSince1970: 1_700_000_000))
    }
}

/// Keeps what was logged.
struct Log: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func append(_ line: String) { lines.withLock { $0.append(line) } }
    }

    let lines: Lines
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }

    static func make() -> (Logger, Lines) {
        let lines = Lines()
        return (Logger(label: "test") { _ in Log(lines: lines) }, lines)
    }
}
