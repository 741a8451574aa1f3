import ArgumentParser
import Foundation
import HTTPAPI
import Keyring
import ServiceClient

/// Who may use the API.
struct AccessOptions: ParsableArguments {
    @Option(Settings.keys) var keys: String?
    @Flag(Settings.withoutKeys) var withoutKeys = false
    @Option(Settings.allowedHost) var allowedHost: [String]
    @Option(Settings.corsOrigin) var corsOrigin: [String]

    /// Where the keys are.
    /// - Parameter standard: where they are unless told otherwise; nil where there is no such place.
    /// - Returns: nil where nobody is asked for a key.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed, `ValidationError` for an empty name and for settings
    ///   that contradict.
    func keyFile(standard: String?) throws -> APIKeyFile? {
        // A variable of the shell that is not set must not open the service to everybody.
        if keys == "" { throw ValidationError("--keys must name a file, and is empty") }
        let given = try Settings.keys.given(keys) ?? ""
        if try Settings.withoutKeys.isOn(withoutKeys) {
            guard given.isEmpty else { throw ValidationError("--keys and --without-keys contradict each other") }
            return nil
        }
        guard given.isEmpty else {
            let file = APIKeyFile(path: given)
            guard file.exists else {
                note("there is no \(given); make a key: bulkhead keys add NAME --keys \(given)")
                throw ExitCode(2)
            }
            return file
        }
        guard let file = standard.map(APIKeyFile.init), file.exists else { return nil }
        return file
    }

    /// What holds besides the keys.
    /// - Throws: `ValidationError` for a name or an origin that is none.
    func rules() throws -> AccessRules {
        AccessRules(
            allowedHosts: try Settings.allowedHost.values(allowedHost),
            corsOrigins: try Settings.corsOrigin.values(corsOrigin))
    }

    /// Anybody who reaches the port may run programs where nobody is asked for a key, so that must be nobody else.
    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - keys: where keys are; nil where nobody is asked for one.
    ///   - hint: how to make one.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed.
    func checkAddress(_ host: String, keys: APIKeyFile?, hint: String) throws {
        guard keys == nil, !ServiceAddress.isLoopback(host), try !Settings.withoutKeys.isOn(withoutKeys) else {
            return
        }
        note(
            "without API keys it listens on loopback addresses only, and \(host) is none. Make a key: \(hint)\n"
                + "bulkhead: or let everybody who reaches the port run programs: --without-keys")
        throw ExitCode(2)
    }
}
