import CLinux
import Glibc

/// Reads and writes of the kernel's small files: procfs, sysfs, cgroupfs.
public enum SmallFile {
    /// What a small file holds, at most `limit` bytes.
    /// - Throws: `SystemError` with the file's name, EFBIG where it holds more.
    public static func read(
        _ name: String, in folder: Int32 = AT_FDCWD, limit: Int = 65_536
    ) throws(SystemError) -> String {
        let file = Descriptor(
            owning: try attempt("open \(name)") { bk_openat(folder, name, O_RDONLY | BK_O_CLOEXEC, 0) })
        return try read(file.raw, name: name, limit: limit)
    }

    /// What an open small file holds from its start, at most `limit` bytes.
    public static func read(_ file: Int32, name: String, limit: Int = 65_536) throws(SystemError) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let offset = off_t(bytes.count)
            let count = try attempt("read \(name)") { () -> Int in
                let count = Glibc.pread(file, &chunk, chunk.count, offset)
                return count < 0 ? -Int(errno) : count
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[0..<count])
            if bytes.count > limit { throw SystemError("read \(name)", errno: EFBIG) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a value in one call, as these files require.
    public static func write(
        _ value: String, to name: String, in folder: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let file = Descriptor(
            owning: try attempt("open \(name)") { bk_openat(folder, name, O_WRONLY | BK_O_CLOEXEC, 0) })
        try write(value, to: file.raw, name: name)
    }

    /// Writes a value in one call to an open small file.
    public static func write(_ value: String, to file: Int32, name: String) throws(SystemError) {
        var value = value
        let written = try attempt("write \(name)") { () -> Int in
            value.withUTF8 { bytes in
                let count = Glibc.write(file, bytes.baseAddress, bytes.count)
                return count < 0 ? -Int(errno) : count
            }
        }
        if written != value.utf8.count { throw SystemError("write \(name)", errno: EIO) }
    }

    /// Whether a file is there.
    public static func exists(_ name: String, in folder: Int32 = AT_FDCWD) -> Bool {
        faccessat(folder, name, F_OK, 0) == 0
    }
}
