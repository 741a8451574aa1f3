import ArgumentParser
import HTTPAPI
import Keyring

/// Where and how HTTP is served.
struct ListeningOptions: ParsableArguments {
    @Option(Settings.host) var host: String?
    @Option(Settings.port) var port: String?
    @Option(Settings.maxWait) var maxWait: String?
    @Option(Settings.ttl) var ttl: String?

    @OptionGroup var access: AccessOptions

    /// - Parameters:
    ///   - keys: where API keys are; nil where nobody is asked for one.
    ///   - hint: how to make one.
    /// - Returns: how to listen, still without the keys themselves.
    /// - Throws: `ValidationError` for a value that is out of its range, `ExitCode(2)` for an address that others reach where
    ///   nobody is asked for a key.
    func apiConfiguration(keys: APIKeyFile?, hint: String) throws -> APIConfiguration {
        let host = try Settings.host.value(host)
        try access.checkAddress(host, keys: keys, hint: hint)
        return APIConfiguration(
            host: host, port: try Settings.port.value(port), maxWait: try Settings.maxWait.value(maxWait),
            jobTimeToLive: try Settings.ttl.value(ttl), access: try access.rules())
    }
}
