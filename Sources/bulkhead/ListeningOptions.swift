import ArgumentParser
import HTTPAPI
import Keyring

/// Where and how HTTP is served.
struct ListeningOptions: ParsableArguments {
    @Option(help: "The address to listen on (127.0.0.1; BULKHEAD_HOST).")
    var host: String?

    @Option(name: .shortAndLong, help: "The port to listen on (3000; PORT).")
    var port: Int?

    @Option(help: "The longest that a request waits for its result (90s; BULKHEAD_MAX_WAIT in seconds).")
    var maxWait: Milliseconds?

    @Option(help: "How long a job may wait to be run before it expires (3600s; BULKHEAD_TTL in seconds).")
    var ttl: Milliseconds?

    @OptionGroup var access: AccessOptions

    /// - Parameters:
    ///   - keys: where API keys are; nil where nobody is asked for one.
    ///   - hint: how to make one.
    /// - Returns: how to listen, still without the keys themselves.
    /// - Throws: `ValidationError` for a value that is out of its range, `ExitCode(2)` for an address that others reach where
    ///   nobody is asked for a key.
    func apiConfiguration(keys: APIKeyFile?, hint: String) throws -> APIConfiguration {
        let host = Setting.string(host, "BULKHEAD_HOST", default: "127.0.0.1")
        try access.checkAddress(host, keys: keys, hint: hint)
        let port = try Setting.integer(port, "PORT", flagName: "--port", in: 0...65_535, default: 3_000)
        let seconds = try Setting.integer(
            nil, "BULKHEAD_MAX_WAIT", flagName: "--max-wait", in: 1...3_600, default: 90)
        let ttlSeconds = try Setting.integer(
            nil, "BULKHEAD_TTL", flagName: "--ttl", in: 1...604_800, default: 3_600)
        return APIConfiguration(
            host: host, port: port, maxWait: maxWait.map { .milliseconds($0.count) } ?? .seconds(seconds),
            jobTimeToLive: ttl.map { .milliseconds($0.count) } ?? .seconds(ttlSeconds),
            access: try access.rules())
    }
}
