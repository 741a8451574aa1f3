import Foundation
import Glibc
import Linux
import Testing

/// Everything that starts sandboxes: needs root, and one suite at a time, because they count what is on the host.
@Suite("End to end", .serialized, .enabled(if: Installation.isPrivileged))
enum EndToEnd {}

/// The binaries under test and what they need.
enum Installation {
    /// Says once that suites are skipped, where they are.
    static let isPrivileged: Bool = {
        if geteuid() == 0 { return true }
        print("privileged suite skipped: needs root")
        return false
    }()

    /// The folder of `bulkhead` and `bulkhead-launcher`: `BULKHEAD_BINARIES`, else the test bundle's own.
    static let binaries: String = {
        if let given = variable("BULKHEAD_BINARIES") { return given }
        // The bundle is mapped into whatever program runs it.
        let maps = (try? SmallFile.read("/proc/self/maps", limit: 1 << 24)) ?? ""
        let bundle = maps.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "/").map { String(line[$0...]) }
        }.first { $0.hasSuffix(".xctest") }
        return bundle.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
    }()

    static var bulkhead: String { "\(binaries)/bulkhead" }
    static var launcher: String { "\(binaries)/bulkhead-launcher" }

    /// The source tree that this file was compiled in.
    static let sources = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    static var stateDirectory: String { variable("BULKHEAD_STATE_DIR") ?? "/var/lib/bulkhead" }

    /// The environment of every command under test: little, and the same wherever the tests are run.
    static let environment: [String: String] = {
        var environment = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
            "BULKHEAD_STATE_DIR": stateDirectory,
            // An empty file: what this host's own may say is not under test.
            "BULKHEAD_CONFIG": "/dev/null",
        ]
        // A build folder outside the source tree has no policies above it.
        environment["BULKHEAD_POLICIES"] = variable("BULKHEAD_POLICIES") ?? "\(sources)/policies"
        // Debug builds find Swift's runtime by this where it is not on the loader's path.
        environment["LD_LIBRARY_PATH"] = variable("LD_LIBRARY_PATH")
        return environment
    }()

    /// Whether an image is built here; says so where it is not.
    static func hasImage(_ name: String) -> Bool {
        if access("\(stateDirectory)/images/\(name)/current", F_OK) == 0 { return true }
        print("privileged suite skipped: needs the image \(name) (bulkhead rootfs build \(name))")
        return false
    }

    static func variable(_ name: String) -> String? {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
        return value
    }

    /// A number that the environment may change.
    static func count(_ name: String, default standard: Int) -> Int {
        variable(name).flatMap { Int($0) } ?? standard
    }
}
