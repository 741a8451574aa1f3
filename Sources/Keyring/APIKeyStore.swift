import Jobs
import Logging
import Synchronization

/// A key that was found, with what this process counts of it.
public final class AdmittedKey: Sendable {
    public let key: APIKey
    /// Nil where the key has no rate.
    public let bucket: TokenBucket?

    init(_ key: APIKey, bucket: TokenBucket?) {
        self.key = key
        self.bucket = bucket
    }
}

/// The keys that hold now: those of a file, which is looked at again when a key is asked for, at most once a second.
///
/// A file that has become broken or unreadable changes nothing: the last good one stays in force, which an error in the log
/// says, because a key that was revoked since then still opens.
public final class APIKeyStore: Sendable {
    /// How long a change of the file may go unnoticed.
    static let patience = Duration.seconds(1)

    private struct State {
        var keys: [[UInt8]: AdmittedKey]
        /// Of the file that was read last, good or not.
        var stamp: APIKeyFile.Stamp
        var lookedAt: ContinuousClock.Instant
        /// Why the file cannot be read now; said once.
        var problem: APIKeyError?
    }

    private let file: APIKeyFile
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: `APIKeyError` where there is no sound file to begin with.
    public init(file: APIKeyFile, logger: Logger, now: ContinuousClock.Instant = .now) throws(APIKeyError) {
        self.file = file
        self.logger = logger
        let (list, stamp) = try file.readStamped()
        state = Mutex(State(keys: Self.index(list, now: now, keeping: [:]), stamp: stamp, lookedAt: now))
    }

    /// The key that a client sent; nil where it is none, or none any more.
    public func find(_ text: String, now: ContinuousClock.Instant = .now) -> AdmittedKey? {
        guard let secret = APIKeySecret(text) else { return nil }
        let digest = secret.digest
        return state.withLock { state in
            if now - state.lookedAt >= Self.patience {
                state.lookedAt = now
                refresh(&state, now: now)
            }
            return state.keys[digest]
        }
    }

    private func refresh(_ state: inout State, now: ContinuousClock.Instant) {
        do throws(APIKeyError) {
            guard try file.stamp() != state.stamp || state.problem != nil else { return }
            let (list, stamp) = try file.readStamped()
            state.keys = Self.index(list, now: now, keeping: state.keys)
            state.stamp = stamp
            state.problem = nil
            logger.info("API keys read again", metadata: ["keys": "\(list.keys.count)"])
        } catch {
            guard state.problem != error else { return }
            state.problem = error
            logger.error(
                "API keys not read again; those read before stay in force, and what was revoked since then still opens",
                metadata: ["reason": "\(error)"])
        }
    }

    /// What was counted of a key goes on for as long as its rate is the same.
    private static func index(
        _ list: APIKeyList, now: ContinuousClock.Instant, keeping old: [[UInt8]: AdmittedKey]
    ) -> [[UInt8]: AdmittedKey] {
        var keys: [[UInt8]: AdmittedKey] = [:]
        for key in list.keys {
            let before = old[key.digest]?.bucket
            let bucket = key.quota.rate.map { rate in
                if let before, before.rate == rate { return before }
                return TokenBucket(rate, now: now)
            }
            keys[key.digest] = AdmittedKey(key, bucket: bucket)
        }
        return keys
    }
}
