import CLinux
import Glibc
import Linux

/// A directory tree on disk: walked without following links, measured, removed.
///
/// All of it is done by descriptor: whoever can write to a folder of the tree meanwhile, by whatever way they got there, leads
/// none of this elsewhere.
struct Tree {
    /// The top, an absolute path; only root can write to what is above it.
    let path: String

    /// Levels of folders below a tree's top. Deeper ones are no image's, and take a descriptor each.
    static let mostDepth = 256

    /// Something in the tree.
    struct Entry {
        /// The folder that it is in, open.
        let folder: Int32
        let name: [UInt8]
        /// Its path below the top, which begins with a slash; nothing for the top itself.
        let path: [UInt8]
        let status: stat

        var kind: mode_t { status.st_mode & S_IFMT }
        var isFolder: Bool { kind == S_IFDIR }

        /// Opens what was looked at, and nothing that took its place.
        func open(_ flags: Int32) throws(ImageError) -> Descriptor {
            let raw = FileSystem.withCString(name) { openat(folder, $0, flags | O_NOFOLLOW | O_CLOEXEC) }
            guard raw >= 0 else { throw FileSystem.failure("open", FileSystem.shown(path)) }
            let file = Descriptor(owning: raw)
            var now = stat()
            guard fstat(file.raw, &now) == 0 else { throw FileSystem.failure("fstat", FileSystem.shown(path)) }
            guard now.st_ino == status.st_ino, now.st_dev == status.st_dev else {
                throw .unsafe(path: FileSystem.shown(path), problem: "was replaced while it was looked at")
            }
            return file
        }
    }

    // MARK: Walking

    /// Calls `visit` for everything below the top and for the top itself, a folder after what is in it.
    ///
    /// Does not go into another file system: a mount below the top is an error.
    /// - Parameters:
    ///   - entering: called for each folder before what is in it, with the folder open.
    ///   - visit: called for everything.
    /// - Throws: what the closures throw, and where the tree cannot be read.
    func walk(
        entering: (_ entry: Entry, _ folder: Int32) throws(ImageError) -> Void = { _, _ in },
        _ visit: (_ entry: Entry) throws(ImageError) -> Void
    ) throws(ImageError) {
        guard let (parent, name) = try openParent(), let status = try Self.status(name, in: parent.raw) else { return }
        try walk(Entry(folder: parent.raw, name: name, path: [], status: status), depth: 0, entering, visit)
    }

    private func walk(
        _ entry: Entry, depth: Int, _ entering: (Entry, Int32) throws(ImageError) -> Void,
        _ visit: (Entry) throws(ImageError) -> Void
    ) throws(ImageError) {
        if entry.isFolder {
            let shown = path + FileSystem.shown(entry.path)
            guard depth <= Self.mostDepth else {
                throw .unsafe(path: shown.prefix(200) + "…", problem: "lies deeper than \(Self.mostDepth) folders")
            }
            let folder = try Self.openFolder(entry.name, in: entry.folder, shown)
            try entering(entry, folder.raw)
            for name in try Self.names(of: folder.raw) {
                // Gone since it was listed.
                guard let status = try Self.status(name, in: folder.raw) else { continue }
                let child = entry.path + [UInt8(ascii: "/")] + name
                try walk(
                    Entry(folder: folder.raw, name: name, path: child, status: status), depth: depth + 1, entering,
                    visit)
            }
        }
        try visit(entry)
    }

    /// Bytes on disk, a file with several names counted once.
    func bytes() throws(ImageError) -> Int {
        var seen: Set<UInt64> = []
        var bytes = 0
        try walk { entry in
            if entry.status.st_nlink > 1 && !entry.isFolder && !seen.insert(UInt64(entry.status.st_ino)).inserted {
                return
            }
            bytes += Int(entry.status.st_blocks) * 512
        }
        return bytes
    }

    // MARK: Removing

    /// Removes the tree, first taking off whatever an interrupted build left mounted in it.
    ///
    /// Goes no further where a mount stays: below it could be the host's own files.
    func remove() throws(ImageError) {
        guard let (parent, name) = try openParent(), try Self.status(name, in: parent.raw) != nil else { return }
        try unmount { $0 == path || $0.hasPrefix(path + "/") }
        try Self.remove(name, in: parent.raw)
    }

    /// Removes what is in the top, and leaves the top.
    func empty() throws(ImageError) {
        guard let (parent, name) = try openParent(), try Self.status(name, in: parent.raw) != nil else { return }
        try unmount { $0.hasPrefix(path + "/") }
        let folder = try Self.openFolder(name, in: parent.raw, path)
        try Self.empty(folder.raw)
    }

    private func unmount(_ isMeant: (String) -> Bool) throws(ImageError) {
        for mount in try Self.mounts(below: path) where isMeant(mount) {
            guard umount2(mount, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 else {
                throw FileSystem.failure("umount", mount)
            }
        }
        if let left = try Self.mounts(below: path).first(where: isMeant) {
            throw .unsafe(path: left, problem: "is still mounted, so the tree around it is not removed")
        }
    }

    /// Removes a name and all that is below it, however deep; a name that is not there is fine.
    static func remove(_ name: [UInt8], in folder: Int32) throws(ImageError) {
        try remove(name, in: folder, top: nil, depth: 0)
    }

    /// Removes all that is in an open folder.
    static func empty(_ folder: Int32) throws(ImageError) { try empty(folder, top: folder, depth: 0) }

    /// Levels that are removed in one go; what is deeper is moved up first, for each level takes a descriptor.
    private static let levels = 64
    /// Names that are held at a time.
    private static let batch = 4_096

    private static func remove(_ name: [UInt8], in folder: Int32, top: Int32?, depth: Int) throws(ImageError) {
        if FileSystem.withCString(name, { unlinkat(folder, $0, 0) }) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw FileSystem.failure("remove", FileSystem.shown(name)) }
        if let top, depth >= levels { return try lift(name, from: folder, to: top) }
        let inner = try openFolder(name, in: folder, FileSystem.shown(name))
        try empty(inner.raw, top: top ?? inner.raw, depth: depth)
        guard FileSystem.withCString(name, { unlinkat(folder, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT else {
            throw FileSystem.failure("remove", FileSystem.shown(name))
        }
    }

    private static func empty(_ folder: Int32, top: Int32, depth: Int) throws(ImageError) {
        try takeBack(folder)
        while case let names = try names(of: folder, most: batch), !names.isEmpty {
            for name in names { try remove(name, in: folder, top: top, depth: depth + 1) }
        }
    }

    /// Makes a folder that others can write this user's alone: nothing comes into it any more, and what is in it stays what it is.
    private static func takeBack(_ folder: Int32) throws(ImageError) {
        var status = stat()
        guard fstat(folder, &status) == 0 else { throw FileSystem.failure("fstat", "folder") }
        if status.st_uid != geteuid() {
            guard fchown(folder, geteuid(), getegid()) == 0 else { throw FileSystem.failure("chown", "folder") }
        }
        if status.st_uid != geteuid() || status.st_mode & 0o022 != 0 || status.st_mode & 0o700 != 0o700 {
            guard fchmod(folder, status.st_mode & 0o755 | 0o700) == 0 else {
                throw FileSystem.failure("chmod", "folder")
            }
        }
    }

    /// Moves a folder up to the top of what is being removed, under a name that nothing there has.
    private static func lift(_ name: [UInt8], from folder: Int32, to top: Int32) throws(ImageError) {
        var number = 0
        while true {
            let free = Array(".deep-\(number)".utf8)
            number += 1
            guard try status(free, in: top) == nil else { continue }
            let result = FileSystem.withCString(name) { name in
                FileSystem.withCString(free) { renameat(folder, name, top, $0) }
            }
            guard result == 0 else { throw FileSystem.failure("move", FileSystem.shown(name)) }
            return
        }
    }

    // MARK: By descriptor

    /// The folder that the top is in, and the top's name; nil where there is no such folder.
    private func openParent() throws(ImageError) -> (folder: Parent, name: [UInt8])? {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let raw = bk_open(
            end == path.startIndex ? "/" : String(path[..<end]), O_RDONLY | BK_O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
        guard raw >= 0 else {
            if raw == -ENOENT || raw == -ENOTDIR { return nil }
            throw .system(operation: "open", path: path, errno: -raw)
        }
        return (Parent(raw), Array(path[end...].utf8.dropFirst()))
    }

    /// A descriptor that can be a part of a tuple.
    private final class Parent {
        let raw: Int32
        init(_ raw: Int32) { self.raw = raw }
        deinit { close(raw) }
    }

    /// `lstat` of a name in a folder; nil where there is none.
    static func status(_ name: [UInt8], in folder: Int32) throws(ImageError) -> stat? {
        var status = stat()
        if FileSystem.withCString(name, { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return status }
        guard errno == ENOENT || errno == ENOTDIR else { throw FileSystem.failure("lstat", FileSystem.shown(name)) }
        return nil
    }

    /// Opens a folder in a folder, through no link and onto no mount.
    static func openFolder(_ name: [UInt8], in folder: Int32, _ shown: String) throws(ImageError) -> Descriptor {
        while true {
            let raw = FileSystem.withCString(name) {
                bk_openat2_beneath(folder, $0, UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0)
            }
            switch -raw {
            case ...0: return Descriptor(owning: raw)
            case EINTR, EAGAIN: continue
            case EXDEV:
                throw .unsafe(path: shown, problem: "is on another file system than the tree it is in")
            case let number: throw .system(operation: "open", path: shown, errno: number)
            }
        }
    }

    /// Names in an open folder, in no order, without `.` and `..`, at most `most`.
    static func names(of folder: Int32, most: Int = .max) throws(ImageError) -> [[UInt8]] {
        var names: [[UInt8]] = []
        do throws(SystemError) {
            try Folder.forEachEntry(of: folder) { name, _ in
                names.append(Array(name))
                return names.count < most
            }
        } catch {
            throw ImageError(error, path: "")
        }
        return names
    }

    // MARK: Mounts

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
