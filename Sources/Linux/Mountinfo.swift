/// One line of /proc/self/mountinfo (proc(5)).
public struct Mount: Equatable, Sendable {
    /// The folder within the file system that forms the mount's root.
    public var root: String
    /// Where it is mounted, as this process sees it.
    public var point: String
    /// The file system's type, such as `cgroup2`.
    public var type: String
    /// Options of the file system itself (the last column): for cgroup v1 the controllers.
    public var superOptions: [String]

    /// Every mount of a mountinfo text; a line that does not have the documented form is left out.
    public static func parse(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            // 36 35 98:0 /root /point options [optional…] - type source superoptions
            guard parts.count >= 10, UInt32(parts[0]) != nil, let dash = parts[6...].firstIndex(of: "-"),
                parts.count >= dash + 4
            else {
                return nil
            }
            return Mount(
                root: unescape(parts[3]), point: unescape(parts[4]), type: String(parts[dash + 1]),
                superOptions: parts[dash + 3].split(separator: ",").map(String.init))
        }
    }

    /// Space, tab, newline and backslash are written as three octal digits (proc(5)).
    private static func unescape(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
