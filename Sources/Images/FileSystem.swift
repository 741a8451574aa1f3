import Glibc

/// The few file operations that builds need, each failing with the path and errno.
enum FileSystem {
    /// `lstat`, or nil where nothing is there.
    static func status(_ path: String) throws(ImageError) -> stat? {
        var status = stat()
        guard lstat(path, &status) != 0 else { return status }
        guard errno == ENOENT || errno == ENOTDIR else { throw failure("lstat", path) }
        return nil
    }

    static func isDirectory(_ path: String) throws(ImageError) -> Bool {
        guard let status = try status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory, sorted; none where there is no directory. Names that are not UTF-8 are refused.
    static func names(in path: String) throws(ImageError) -> [String] {
        guard try isDirectory(path) else { return [] }
        var names: [String] = []
        for bytes in try rawNames(in: Array(path.utf8)) {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw .unsafe(path: path, problem: "holds a name that is not UTF-8")
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// The names in a directory as bytes, in no order, without `.` and `..`.
    static func rawNames(in path: [UInt8]) throws(ImageError) -> [[UInt8]] {
        guard let directory = withCString(path, { opendir($0) }) else { throw failure("opendir", shown(path)) }
        defer { closedir(directory) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else { break }
            // d_name is imported as a tuple; the name is read in place, where the kernel's zero ends it.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            let start = UnsafeRawPointer(entry).advanced(by: offset)
            let count = strlen(start.assumingMemoryBound(to: CChar.self))
            let name = Array(UnsafeRawBufferPointer(start: start, count: count))
            if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
        }
        guard errno == 0 else { throw failure("readdir", shown(path)) }
        return names
    }

    /// Makes `path`, and what is missing above it, with mode 0755 whatever the umask.
    static func makeDirectories(_ path: String) throws(ImageError) {
        guard try !isDirectory(path) else { return }
        let parent = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
        if !parent.isEmpty { try makeDirectories(parent) }
        try makeDirectory(path, mode: 0o755)
    }

    static func makeDirectory(_ path: String, mode: mode_t) throws(ImageError) {
        if mkdir(path, mode) != 0, errno != EEXIST { throw failure("mkdir", path) }
        try changeMode(path, mode)
    }

    static func changeMode(_ path: String, _ mode: mode_t) throws(ImageError) {
        guard chmod(path, mode) == 0 else { throw failure("chmod", path) }
    }

    /// Replaces `path` by a new file, never writing through a link that stood there.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(ImageError) {
        if unlink(path) != 0, errno != ENOENT { throw failure("unlink", path) }
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0 else { throw failure("chmod", path) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure("write", path) }
            offset += written
        }
    }

    static func rename(_ from: String, _ to: String) throws(ImageError) {
        guard Glibc.rename(from, to) == 0 else { throw failure("rename to \(to)", from) }
    }

    /// Points `path` at `target` by renaming a new link over it, so that a reader sees the old or the new.
    static func replaceLink(_ path: String, target: String) throws(ImageError) {
        let temporary = path + ".new"
        if unlink(temporary) != 0, errno != ENOENT { throw failure("unlink", temporary) }
        guard symlink(target, temporary) == 0 else { throw failure("symlink", temporary) }
        try rename(temporary, path)
    }

    /// What the link at `path` says, or nil where there is none.
    static func link(_ path: String) throws(ImageError) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        guard count >= 0 else {
            if errno == ENOENT || errno == EINVAL || errno == ENOTDIR { return nil }
            throw failure("readlink", path)
        }
        return String(validating: buffer.prefix(count), as: UTF8.self)
    }

    /// What the link at `path` says, as bytes.
    static func rawLink(_ path: [UInt8]) throws(ImageError) -> [UInt8] {
        // A link's text is at most PATH_MAX.
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = withCString(path) { readlink($0, &buffer, buffer.count) }
        guard count >= 0 else { throw failure("readlink", shown(path)) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    /// Refuses a path that others could change: it has to belong to root or to this user and be writable by its owner only.
    static func requireOwned(_ path: String) throws(ImageError) {
        guard let status = try status(path) else { throw .unsafe(path: path, problem: "does not exist") }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw .unsafe(path: path, problem: "belongs to uid \(status.st_uid), not to root: chown root \(path)")
        }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o022 == 0 else {
            throw .unsafe(path: path, problem: "is not a directory that its owner alone can write: chmod go-w \(path)")
        }
    }

    /// The next bytes of an open file; none at its end.
    static func piece(of file: Int32, _ path: String) throws(ImageError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 128 << 10)
        var count = read(file, &bytes, bytes.count)
        while count < 0, errno == EINTR { count = read(file, &bytes, bytes.count) }
        guard count >= 0 else { throw failure("read", path) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    static func failure(_ operation: String, _ path: String) -> ImageError {
        .system(operation: operation, path: path, errno: errno)
    }

    /// Bytes of a path as a message shows them.
    static func shown(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

    /// Calls `body` with `path` ended by a zero.
    static func withCString<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        var bytes = path.map { CChar(bitPattern: $0) }
        bytes.append(0)
        return bytes.withUnsafeBufferPointer { buffer in
            // A buffer of at least one element has an address.
            guard let base = buffer.baseAddress else { preconditionFailure("an array of one byte has no address") }
            return body(base)
        }
    }
}
