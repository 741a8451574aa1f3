import ArgumentParser
import Foundation
import HTTPAPI
import Keyring

/// Who may use the API.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file with the API keys, made by bulkhead keys (serve: keys.json in --state-dir, where there is one; "
                + "BULKHEAD_KEYS).", valueName: "file"))
    var keys: String?

    @Flag(help: "Ask nobody for an API key, on whatever address (BULKHEAD_WITHOUT_KEYS=1).")
    var withoutKeys = false

    @Option(
        help: ArgumentHelp(
            "Without keys: another name or address that the API may be called by; may be repeated "
                + "(BULKHEAD_ALLOWED_HOSTS, with commas).", valueName: "name"))
    var allowedHost: [String] = []

    @Option(
        help: ArgumentHelp(
            "An origin whose pages may call the API from a browser, such as https://app.example; may be repeated "
                + "(BULKHEAD_CORS_ORIGINS, with commas).", valueName: "origin"))
    var corsOrigin: [String] = []

    /// Where the keys are.
    /// - Parameter standard: where they are unless told otherwise; nil where there is no such place.
    /// - Returns: nil where nobody is asked for a key.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed, `ValidationError` for an empty name and for settings
    ///   that contradict.
    func keyFile(standard: String?) throws -> APIKeyFile? {
        // A variable of the shell that is not set must not open the service to everybody.
        if keys == "" { throw ValidationError("--keys must name a file, and is empty") }
        let given = Setting.string(keys, "BULKHEAD_KEYS", default: "")
        if try Setting.isOn(withoutKeys, "BULKHEAD_WITHOUT_KEYS") {
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
        let hosts = Self.list(allowedHost, "BULKHEAD_ALLOWED_HOSTS")
        for host in hosts where !AccessRules.isHost(host) {
            throw ValidationError("--allowed-host must be a name or an address without a port, not \(host)")
        }
        let origins = Self.list(corsOrigin, "BULKHEAD_CORS_ORIGINS")
        for origin in origins where !AccessRules.isOrigin(origin) {
            throw ValidationError("--cors-origin must be such as https://app.example, in lower case, not \(origin)")
        }
        return AccessRules(allowedHosts: hosts, corsOrigins: origins)
    }

    /// Anybody who reaches the port may run programs where nobody is asked for a key, so that must be nobody else.
    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - keys: where keys are; nil where nobody is asked for one.
    ///   - hint: how to make one.
    /// - Throws: `ExitCode(2)` after the line that is missing was printed.
    func checkAddress(_ host: String, keys: APIKeyFile?, hint: String) throws {
        guard keys == nil, !Self.isLoopback(host), try !Setting.isOn(withoutKeys, "BULKHEAD_WITHOUT_KEYS") else {
            return
        }
        note(
            "without API keys it listens on loopback addresses only, and \(host) is none. Make a key: \(hint)\n"
                + "bulkhead: or let everybody who reaches the port run programs: --without-keys")
        throw ExitCode(2)
    }

    /// Whether an address is one that no other machine reaches. A name is not looked up: what it means can change.
    static func isLoopback(_ host: String) -> Bool {
        var address4 = in_addr()
        if inet_pton(AF_INET, host, &address4) == 1 { return UInt32(bigEndian: address4.s_addr) >> 24 == 127 }
        var address6 = in6_addr()
        if inet_pton(AF_INET6, host, &address6) == 1 {
            return withUnsafeBytes(of: address6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
        }
        return host == "localhost"
    }

    private static func list(_ flags: [String], _ variable: String) -> [String] {
        if !flags.isEmpty { return flags }
        let text = Setting.string(nil, variable, default: "")
        return text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

extension Setting {
    /// A switch: the flag, or the variable with 1.
    /// - Throws: `ValidationError` for a variable that is neither 1 nor 0.
    static func isOn(_ flag: Bool, _ variable: String) throws -> Bool {
        if flag { return true }
        switch string(nil, variable, default: "0") {
        case "0": return false
        case "1": return true
        default: throw ValidationError("\(variable) must be 1 or 0")
        }
    }
}
