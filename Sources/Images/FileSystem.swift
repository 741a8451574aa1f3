import Glibc
import Jobs
import Linux

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
        let folder: Descriptor
        do throws(SystemError) {
            folder = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw ImageError(error, path: "")
        }
        for bytes in try Tree.names(of: folder.raw) {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw .unsafe(path: path, problem: "holds a name that is not UTF-8")
            }
            names.append(name)
        }
        return names.sorted()
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

    /// Changes the mode of a folder of this user's, never of what a link in its place leads to.
    static func changeMode(_ path: String, _ mode: mode_t) throws(ImageError) {
        let folder = try openFolder(path)
        try changeMode(of: folder.raw, mode, path)
    }

    /// Opens a folder, through no link in its place.
    static func openFolder(_ path: String) throws(ImageError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            throw ImageError(error, path: "")
        }
    }

    /// Changes the mode of an open file, which may be open by O_PATH.
    static func changeMode(of file: Int32, _ mode: mode_t, _ shown: String) throws(ImageError) {
        guard chmod(magicLink(file), mode) == 0 else { throw failure("chmod", shown) }
    }

    /// Changes the owner of an open file, which may be a link, open by O_PATH.
    static func changeOwner(of file: Int32, _ owner: uid_t, _ group: gid_t, _ shown: String) throws(ImageError) {
        guard chown(magicLink(file), owner, group) == 0 else { throw failure("chown", shown) }
    }

    /// The name by which the kernel leads to an open file itself, and through nothing that a path could be led astray by.
    static func magicLink(_ file: Int32) -> String { "/proc/self/fd/\(file)" }

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

    /// What the link of that name in a folder says, as bytes.
    static func rawLink(_ name: [UInt8], in folder: Int32) throws(ImageError) -> [UInt8] {
        // A link's text is at most PATH_MAX.
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = withCString(name) { readlinkat(folder, $0, &buffer, buffer.count) }
        guard count >= 0 else { throw failure("readlink", shown(name)) }
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

    /// Bytes of a name or a path as a message shows them: strangers choose names, and messages are read on root's terminal.
    static func shown(_ path: some Collection<UInt8>) -> String { String(decoding: path, as: UTF8.self).printable }

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
