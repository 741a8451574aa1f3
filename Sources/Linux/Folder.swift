import CLinux
import Glibc

/// Listing, making and removing folders by descriptor.
public enum Folder {
    /// The names in a folder, without `.` and `..`, at most `limit`.
    /// - Throws: `SystemError`, with EOVERFLOW where there are more.
    public static func names(of folder: Int32, limit: Int = 100_000) throws(SystemError) -> [String] {
        var names: [String] = []
        var isWhole = true
        try forEachEntry(of: folder) { name, _ in
            isWhole = names.count < limit
            if isWhole { names.append(String(decoding: name, as: UTF8.self)) }
            return isWhole
        }
        if !isWhole { throw SystemError("list folder", errno: EOVERFLOW) }
        return names
    }

    /// Whether an entry may be a folder, as far as the listing knows.
    public enum EntryKind: Sendable {
        case folder
        case other
        case unknown
    }

    /// Gives every name in a folder to `body`, without `.` and `..`, in no order, until it says no. A name is bytes, of
    /// which its owner guarantees nothing but that they are neither `/` nor NUL.
    public static func forEachEntry(
        of folder: Int32, _ body: (UnsafeBufferPointer<UInt8>, EntryKind) -> Bool
    ) throws(SystemError) {
        // A descriptor of its own: readdir moves the position, and closedir closes.
        let copy = try attempt("open folder") { bk_openat(folder, ".", O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0) }
        guard let stream = fdopendir(copy) else {
            let reason = errno
            _ = close(copy)
            throw SystemError("list folder", errno: reason)
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw SystemError("list folder", errno: errno) }
                return
            }
            let kind: EntryKind =
                switch Int(entry.pointee.d_type) {
                case Int(DT_DIR): .folder
                case Int(DT_UNKNOWN): .unknown
                default: .other
                }
            let goesOn = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let length = pointer.withMemoryRebound(to: CChar.self, capacity: 256) { strnlen($0, 256) }
                return pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    let name = UnsafeBufferPointer(start: bytes, count: length)
                    if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { return true }
                    return body(name, kind)
                }
            }
            if !goesOn { return }
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
