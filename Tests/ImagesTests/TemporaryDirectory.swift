import Foundation
import Glibc

/// A fresh directory that goes away with the value.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/bulkhead-images-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        path = String(cString: made)
        // Whatever the umask: the store refuses directories that others can write.
        chmod(path, 0o755)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(path)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        chmod("\(path)/\(name)", mode)
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0
    }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}
