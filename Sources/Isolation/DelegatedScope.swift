import CLinux
import Glibc
import Linux

/// On a stock systemd host, without a unit of its own, the engine gets itself a delegated scope by starting again in one.
public enum DelegatedScope {
    /// Set for the process in the scope, so that a host that delegates nothing ends in an error and not in a loop.
    private static let mark = "BULKHEAD_IN_SCOPE"

    /// Comes back when this process may make control groups where it is. Otherwise the process is replaced by
    /// `systemd-run --scope -p Delegate=yes` with the same command, and this says so on standard error.
    /// - Throws: `IsolationError` when there is no way to a delegated group.
    public static func ensure(arguments: [String]) throws {
        let host = try CgroupHost.detect()
        guard host.needsDelegation else { return }
        guard getenv(mark) == nil else {
            throw IsolationError(
                .host, "systemd did not delegate a cgroup to this scope; run bulkhead as a unit with Delegate=yes")
        }
        let program = try readLink("/proc/self/exe")
        let note =
            "bulkhead: this cgroup is not delegated; going on in a scope of its own "
            + "(systemd-run --scope -p Delegate=yes)\n"
        FileHandleNote.write(note)
        setenv(mark, "1", 1)
        let command =
            ["systemd-run", "--scope", "--quiet", "--collect", "-p", "Delegate=yes", "--", program]
            + arguments.dropFirst()
        var vector: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        vector.append(nil)
        execvp("systemd-run", vector)
        throw IsolationError(
            .host,
            "\(SystemError("systemd-run", errno: errno)); without it, run bulkhead as a unit with Delegate=yes")
    }

    private static func readLink(_ path: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink(path, &buffer, buffer.count - 1)
        guard count > 0 else { throw SystemError("readlink \(path)", errno: errno) }
        return String(decoding: buffer[0..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A line to standard error, without any buffer that an exec would lose.
enum FileHandleNote {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
