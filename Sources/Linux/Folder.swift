import CLinux
import Glibc

/// Listing, making and removing folders by descriptor.
public enum Folder {
    /// The names in a folder, without `.` and `..`, at most `limit`.
    /// - Throws: `SystemError`, with EOVERFLOW where there are more.
    public static func names(of folder: Int32, limit: Int = 100_000) throws(SystemError) -> [String] {
        // A descriptor of its own: readdir moves the position, and closedir closes.
        let copy = try attempt("open folder") { bk_openat(folder, ".", O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0) }
        guard let stream = fdopendir(copy) else {
            let reason = errno
            _ = close(copy)
            throw SystemError("list folder", errno: reason)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw SystemError("list folder", errno: errno) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            if names.count == limit { throw SystemError("list folder", errno: EOVERFLOW) }
            names.append(name)
        }
    }

    /// Makes a folder; one that is there already is fine.
    public static func make(_ path: String, in parent: Int32 = AT_FDCWD, mode: mode_t = 0o755) throws(SystemError) {
        if mkdirat(parent, path, mode) != 0, errno != EEXIST { throw SystemError("mkdir \(path)", errno: errno) }
    }

    /// Removes an empty folder; one that is gone already is fine.
    public static func remove(_ path: String, in parent: Int32 = AT_FDCWD) throws(SystemError) {
        if unlinkat(parent, path, AT_REMOVEDIR) != 0, errno != ENOENT {
            throw SystemError("rmdir \(path)", errno: errno)
        }
    }
}
