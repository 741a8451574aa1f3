import Glibc

/// A directory tree on disk: walked without following links, measured, removed.
struct Tree {
    /// The top, an absolute path.
    let path: String

    /// Calls `visit` for everything below the top and for the top itself, a directory after what is in it.
    ///
    /// Does not go into another file system: a mount below the top is an error.
    func walk(_ visit: (_ path: [UInt8], _ status: stat) throws(ImageError) -> Void) throws(ImageError) {
        guard let top = try FileSystem.status(path) else { return }
        try walk(Array(path.utf8), top, device: top.st_dev, visit)
    }

    private func walk(
        _ path: [UInt8], _ status: stat, device: dev_t,
        _ visit: (_ path: [UInt8], _ status: stat) throws(ImageError) -> Void
    ) throws(ImageError) {
        guard status.st_dev == device else {
            throw .unsafe(path: FileSystem.shown(path), problem: "is on another file system than the tree it is in")
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in try FileSystem.rawNames(in: path) {
                let child = path + [UInt8(ascii: "/")] + name
                var below = stat()
                guard FileSystem.withCString(child, { lstat($0, &below) }) == 0 else {
                    throw FileSystem.failure("lstat", FileSystem.shown(child))
                }
                try walk(child, below, device: device, visit)
            }
        }
        try visit(path, status)
    }

    /// Bytes on disk, a file with several names counted once.
    func bytes() throws(ImageError) -> Int {
        var seen: Set<UInt64> = []
        var bytes = 0
        try walk { _, status in
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            if status.st_nlink > 1 && !isDirectory && !seen.insert(UInt64(status.st_ino)).inserted { return }
            bytes += Int(status.st_blocks) * 512
        }
        return bytes
    }

    /// Removes the tree, first taking off whatever an interrupted build left mounted in it.
    ///
    /// Goes no further where a mount stays: below it could be the host's own files.
    func remove() throws(ImageError) {
        guard try FileSystem.status(path) != nil else { return }
        for mount in try Self.mounts(below: path) {
            guard umount2(mount, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 else {
                throw FileSystem.failure("umount", mount)
            }
        }
        if let left = try Self.mounts(below: path).first {
            throw .unsafe(path: left, problem: "is still mounted, so the tree around it is not removed")
        }
        try walk { (path, status) throws(ImageError) in
            let result = FileSystem.withCString(path) { name in
                status.st_mode & S_IFMT == S_IFDIR ? rmdir(name) : unlink(name)
            }
            guard result == 0 else { throw FileSystem.failure("remove", FileSystem.shown(path)) }
        }
    }

    /// Removes what is in the top, and leaves the top.
    func empty() throws(ImageError) {
        for name in try FileSystem.names(in: path) { try Tree(path: "\(path)/\(name)").remove() }
    }

    /// Mount points at or below `path` in this mount namespace, the innermost first.
    static func mounts(below path: String) throws(ImageError) -> [String] {
        guard let file = fopen("/proc/self/mountinfo", "re") else {
            throw FileSystem.failure("open", "/proc/self/mountinfo")
        }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        var mounts: [String] = []
        while getline(&line, &capacity, file) >= 0 {
            guard let line else { break }
            let fields = String(cString: line).split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count > 4 else { continue }
            let point = unescaped(fields[4])
            if point == path || point.hasPrefix(path + "/") { mounts.append(point) }
        }
        guard ferror(file) == 0 else { throw FileSystem.failure("read", "/proc/self/mountinfo") }
        return mounts.reversed()
    }

    /// mountinfo writes space, tab, newline and backslash as three octal digits.
    static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
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
