import CLinux
import Glibc
import LaunchProtocol

/// A value that protects, by the name of what it protects from or with: `protecting("ipc namespace", BK_CLONE_NEWIPC, else: 0)`.
///
/// A build with BULKHEAD_SABOTAGE leaves one named protection out, to show which attack then succeeds
/// (scripts/sabotage.sh). In every other build this is `value`, and neither the names nor the other values are in it.
@inline(__always)
func protecting<Value>(_ name: @autoclosure () -> String, _ value: Value, else other: @autoclosure () -> Value) -> Value
{
    #if BULKHEAD_SABOTAGE
        if Sabotage.leavesOut(name()) { return other() }
    #endif
    return value
}

#if BULKHEAD_SABOTAGE
    /// What this build leaves out: the name in the file `leave-out` beside the launcher, a step's or that of a `protecting`.
    enum Sabotage {
        private static let name: String = {
            var path = [CChar](repeating: 0, count: 4_096)
            let length = readlink("/proc/self/exe", &path, 4_000)
            let executable = path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
            let folder = String(
                decoding: executable[...(executable.lastIndex(of: UInt8(ascii: "/")) ?? 0)], as: UTF8.self)
            var bytes = [UInt8](repeating: 0, count: 256)
            let file = bk_open("\(folder)leave-out", O_RDONLY | BK_O_CLOEXEC, 0)
            let count = file < 0 ? 0 : read(file, &bytes, 256)
            if file >= 0 { close(file) }
            return String(decoding: bytes.prefix { $0 != 10 && $0 != 0 }, as: UTF8.self)
        }()

        static func leavesOut(_ name: String) -> Bool { name == Self.name }

        /// While the host's files are in view, and loudly.
        static func announce() { complain("SABOTAGED: this launcher leaves out \"\(name)\"") }
    }
#endif
