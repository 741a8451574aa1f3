import Glibc
import Linux

/// Writes the members of untrusted archives into a tree, one archive after the other.
///
/// Every name is opened by descriptor with the tree as the root of the path (openat2(2), RESOLVE_IN_ROOT): whatever links
/// an archive has made before, they lead to where they lead in the sandbox, and never out of the tree. The last component of a
/// name is never followed. What is there already in a member's place is removed first, as Docker and tar do, except for a folder
/// in a folder's place. Only root can write to the tree meanwhile.
final class TreeWriter {
    /// Names in layers that say what is gone from the layers below (OCI image specification, layer.md).
    private static let whiteout = Array(".wh.".utf8)
    private static let opaque = Array(".wh..wh..opq".utf8)
    /// Deeper trees would be a burden to whoever walks them; the kernel's own bound for one path is 4,096 bytes.
    private static let mostDepth = Tree.mostDepth
    private static let mostPathBytes = 3_072

    private(set) var report = ImportReport()
    private let root: Descriptor
    private let rootPathBytes: Int
    private let bounds: ImportBounds
    private var bytes = 0
    private var members = 0
    /// The folder that the last member was in: its neighbours come next. Gone whenever something is removed, for a
    /// folder of the same name need not be the same folder then.
    private var parent: (path: [[UInt8]], folder: Folder)?
    /// The names that the layer being written has made, by the folder that they are in.
    private var written: Set<Name> = []

    private struct Name: Hashable {
        var folder: UInt64
        var name: [UInt8]
    }

    /// An open folder of the tree.
    private final class Folder {
        let descriptor: Descriptor
        let inode: UInt64

        init(_ descriptor: consuming Descriptor) throws(ImageError) {
            var status = stat()
            guard fstat(descriptor.raw, &status) == 0 else { throw FileSystem.failure("fstat", "folder") }
            inode = UInt64(status.st_ino)
            self.descriptor = descriptor
        }
    }

    /// - Parameters:
    ///   - path: the tree's top, an empty folder that only root can write.
    ///   - bounds: the most that all archives together may hold.
    /// - Throws: where the folder cannot be opened.
    init(path: String, bounds: ImportBounds) throws(ImageError) {
        do throws(SystemError) {
            root = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            throw ImageError(error, path: path)
        }
        guard let real = try FileSystem.link("/proc/self/fd/\(root.raw)") else {
            throw .unsafe(path: path, problem: "has no name")
        }
        rootPathBytes = real.utf8.count
        self.bounds = bounds
    }

    /// Writes an archive to the tree.
    /// - Parameters:
    ///   - stream: the archive.
    ///   - isLayer: whether names that begin with `.wh.` take away rather than add.
    /// - Returns: SHA-256 of the archive's bytes, decompressed.
    /// - Throws: at the first member that is refused.
    func write(_ stream: ArchiveStream, isLayer: Bool) throws(ImageError) -> String {
        written = []
        parent = nil
        defer { parent = nil }
        var reader = TarReader(stream)
        var headers = 0
        while let member = try reader.next() {
            try count(1 + reader.headers - headers, stream)
            headers = reader.headers
            if isLayer, let name = member.path.last, name.starts(with: Self.whiteout) {
                try takeAway(name, in: Array(member.path.dropLast()), stream)
            } else {
                try write(member, &reader, stream)
            }
        }
        return try stream.finish()
    }

    // MARK: Members

    private func write(
        _ member: TarMember, _ reader: inout TarReader, _ stream: ArchiveStream
    ) throws(ImageError) {
        note(member)
        if member.kind == .device || member.kind == .pipe { return }
        guard let name = member.path.last else { return }
        let folder = try open(Array(member.path.dropLast()), creating: true, stream)
        let parent = folder.descriptor.raw
        let mode = member.mode & 0o755
        var existing = stat()
        let isThere = FileSystem.withCString(name) { fstatat(parent, $0, &existing, AT_SYMLINK_NOFOLLOW) } == 0
        if isThere, member.kind == .directory, existing.st_mode & S_IFMT == S_IFDIR {
            try check(FileSystem.withCString(name) { fchmodat(parent, $0, mode, 0) }, "chmod", member)
            written.insert(Name(folder: folder.inode, name: name))
            return
        }
        switch member.kind {
        case .hardLink(let target):
            try link(target, as: name, folder, replacing: isThere, member, stream)
        case .directory:
            if isThere { try remove(name, in: parent) }
            try check(FileSystem.withCString(name) { mkdirat(parent, $0, 0o700) }, "mkdir", member)
            try check(FileSystem.withCString(name) { fchmodat(parent, $0, mode, 0) }, "chmod", member)
        case .symbolicLink(let target):
            if isThere { try remove(name, in: parent) }
            let result = FileSystem.withCString(target) { target in
                FileSystem.withCString(name) { symlinkat(target, parent, $0) }
            }
            try check(result, "symlink", member)
        case .file:
            if isThere { try remove(name, in: parent) }
            try writeFile(member, name, in: parent, mode, &reader, stream)
        case .device, .pipe: return
        }
        written.insert(Name(folder: folder.inode, name: name))
    }

    /// Notes what the member has that the image will not.
    private func note(_ member: TarMember) {
        let path = member.shownPath
        switch member.kind {
        case .device: report.add(.device, path)
        case .pipe: report.add(.pipe, path)
        case .file, .directory:
            if member.mode & 0o6000 != 0 { report.add(.setID, path) }
            if member.mode & 0o022 != 0, path != "tmp" { report.add(.writable, path) }
        case .symbolicLink, .hardLink: break
        }
        for attribute in member.attributes {
            report.add(attribute == "security.capability" ? .capability : .attribute, path)
        }
    }

    private func writeFile(
        _ member: TarMember, _ name: [UInt8], in parent: Int32, _ mode: mode_t, _ reader: inout TarReader,
        _ stream: ArchiveStream
    ) throws(ImageError) {
        // By what the header says, before a byte is written.
        let (sum, overflow) = bytes.addingReportingOverflow(member.size)
        guard !overflow, sum <= bounds.bytes else {
            throw problem(
                "its files are larger than \(ImportBounds.text(bytes: bounds.bytes)) together (--max-size allows more)",
                stream)
        }
        bytes = sum
        let raw = FileSystem.withCString(name) {
            openat(parent, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        try check(raw, "create", member)
        let file = Descriptor(owning: raw)
        while let piece = try reader.contentPiece() {
            var rest = piece
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(file.raw, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw FileSystem.failure("write", member.shownPath) }
                rest = rest.dropFirst(count)
            }
        }
        try check(fchmod(file.raw, mode), "chmod", member)
        // Compiled Python files name the time of their source.
        let time = timespec(tv_sec: member.modified.seconds, tv_nsec: member.modified.nanoseconds)
        try check(futimens(file.raw, [time, time]), "set the time of", member)
    }

    private func link(
        _ target: [[UInt8]], as name: [UInt8], _ folder: Folder, replacing: Bool, _ member: TarMember,
        _ stream: ArchiveStream
    ) throws(ImageError) {
        let lost = problem(
            "hard link '\(member.shownPath)' to '\(TarMember.shown(target))', which is no file before it", stream)
        guard let last = target.last else { throw lost }
        guard target != member.path else { return }
        let from = try find(Array(target.dropLast()))
        guard let from else { throw lost }
        var status = stat()
        let found = FileSystem.withCString(last) {
            fstatat(from.raw, $0, &status, AT_SYMLINK_NOFOLLOW)
        }
        let kind = status.st_mode & S_IFMT
        guard found == 0, kind == S_IFREG || kind == S_IFLNK else { throw lost }
        if replacing {
            var existing = stat()
            let parent = folder.descriptor.raw
            let isThere = FileSystem.withCString(name) { fstatat(parent, $0, &existing, AT_SYMLINK_NOFOLLOW) } == 0
            // The same file by another way.
            if isThere, existing.st_ino == status.st_ino { return }
            try remove(name, in: parent)
        }
        // Not AT_SYMLINK_FOLLOW: of a link in the target's place the link itself gets another name.
        let result = FileSystem.withCString(last) { last in
            FileSystem.withCString(name) { linkat(from.raw, last, folder.descriptor.raw, $0, 0) }
        }
        try check(result, "link", member)
    }

    // MARK: Folders

    /// The folder of that name, with `creating` made where it is missing.
    private func open(
        _ path: [[UInt8]], creating: Bool, _ stream: ArchiveStream
    ) throws(ImageError) -> Folder {
        if let parent, parent.path == path { return parent.folder }
        let descriptor: Descriptor
        if let there = try find(path) {
            descriptor = there
            try checkDepth(descriptor.raw, path, stream)
        } else if creating {
            descriptor = try make(path, stream)
        } else {
            throw noFolder(path, stream)
        }
        let folder = try Folder(descriptor)
        parent = (path, folder)
        return folder
    }

    /// Makes what is missing of a folder, each level counted like a member; how deep it would lie is found out before the first.
    private func make(_ path: [[UInt8]], _ stream: ArchiveStream) throws(ImageError) -> Descriptor {
        // Whether a link stands above or not: looking this far costs a descriptor and a call for each level.
        guard path.count < Self.mostDepth else { throw tooDeep(path, stream) }
        guard var above = try find([]) else { throw noFolder(path, stream) }
        var missing = path[...]
        while !missing.isEmpty, let next = try find(Array(path[...missing.startIndex])) {
            above = next
            missing = missing.dropFirst()
        }
        try checkDepth(above.raw, path, further: missing, stream)
        for name in missing {
            try count(1, stream)
            let parent = above.raw
            guard FileSystem.withCString(name, { mkdirat(parent, $0, 0o755) }) == 0 else {
                throw noFolder(path, stream)
            }
            above = try Tree.openFolder(name, in: parent, TarMember.shown(path))
        }
        return above
    }

    private func noFolder(_ path: [[UInt8]], _ stream: ArchiveStream) -> ImageError {
        problem("'\(TarMember.shown(path))' is below something that is no folder", stream)
    }

    private func tooDeep(_ path: [[UInt8]], _ stream: ArchiveStream) -> ImageError {
        problem("'\(TarMember.shown(path).prefix(200))' lies deeper than \(Self.mostDepth) folders", stream)
    }

    /// Counts what the archive has or makes: members, their extended headers, folders on the way to them.
    private func count(_ number: Int, _ stream: ArchiveStream) throws(ImageError) {
        members += number
        guard members <= bounds.members else {
            throw problem("it has more than \(bounds.members) members (--max-entries allows more)", stream)
        }
    }

    /// Opens a folder of the tree; nil where there is none.
    private func find(_ path: [[UInt8]]) throws(ImageError) -> Descriptor? {
        let joined = path.isEmpty ? [UInt8(ascii: ".")] : Array(path.joined(separator: [UInt8(ascii: "/")]))
        // Names need not be UTF-8, so the call is made on bytes.
        let raw = FileSystem.withCString(joined) { openInRoot(root.raw, $0) }
        if raw >= 0 { return Descriptor(owning: raw) }
        switch -raw {
        case ENOENT, ENOTDIR, ELOOP: return nil
        case let number: throw .system(operation: "open", path: TarMember.shown(path), errno: number)
        }
    }

    /// By the folder's real name, for links can make a short name lead deep; with the levels that are to be made below it.
    private func checkDepth(
        _ folder: Int32, _ path: [[UInt8]], further: ArraySlice<[UInt8]> = [], _ stream: ArchiveStream
    ) throws(ImageError) {
        let name = try FileSystem.rawLink(Array(FileSystem.magicLink(folder).utf8), in: AT_FDCWD).dropFirst(
            rootPathBytes)
        let depth = name.count { $0 == UInt8(ascii: "/") } + further.count
        let bytes = further.reduce(name.count) { $0 + 1 + $1.count }
        guard depth < Self.mostDepth, bytes <= Self.mostPathBytes else { throw tooDeep(path, stream) }
    }

    // MARK: Taking away

    /// Removes what the layers below have of a name, or of a whole folder. What this layer itself has written stays, whichever of
    /// the two comes first.
    private func takeAway(_ mark: [UInt8], in path: [[UInt8]], _ stream: ArchiveStream) throws(ImageError) {
        guard let descriptor = try find(path) else { return }
        try checkDepth(descriptor.raw, path, stream)
        let folder = try Folder(descriptor)
        if mark == Self.opaque { return try removeLower(in: folder) }
        let name = Array(mark.dropFirst(Self.whiteout.count))
        // The names that aufs keeps for itself, as Docker passes over them.
        if name.starts(with: Self.whiteout) { return }
        guard !name.isEmpty, name != [UInt8(ascii: ".")], name != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
            throw problem(
                "'\(TarMember.shown(path))/\(FileSystem.shown(mark))' takes away no name", stream)
        }
        try removeLower(name, in: folder)
    }

    private func removeLower(in folder: Folder) throws(ImageError) {
        for name in try Tree.names(of: folder.descriptor.raw) { try removeLower(name, in: folder) }
    }

    private func removeLower(_ name: [UInt8], in folder: Folder) throws(ImageError) {
        var status = stat()
        let found = FileSystem.withCString(name) {
            fstatat(folder.descriptor.raw, $0, &status, AT_SYMLINK_NOFOLLOW)
        }
        guard found == 0 else { return }
        guard written.contains(Name(folder: folder.inode, name: name)) else {
            return try remove(name, in: folder.descriptor.raw)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return }
        try removeLower(
            in: Folder(try Tree.openFolder(name, in: folder.descriptor.raw, FileSystem.shown(name))))
    }

    /// Removes a name and all that is below it, following nothing.
    private func remove(_ name: [UInt8], in folder: Int32) throws(ImageError) {
        parent = nil
        try Tree.remove(name, in: folder)
    }

    // MARK: Errors

    private func check(_ result: Int32, _ operation: String, _ member: TarMember) throws(ImageError) {
        guard result >= 0 else { throw FileSystem.failure(operation, member.shownPath) }
    }

    private func problem(_ text: String, _ stream: ArchiveStream) -> ImageError {
        .step(name: "reading \(stream.name)", detail: text)
    }
}
