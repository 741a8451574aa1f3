import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Takes files out of a sandbox in which nothing lives any more.
///
/// A job chose every name, every kind of entry and the shape of the tree. Every open starts from the descriptor of a folder
/// that was reached in the same way, goes beneath it without links or mount crossings, and waits for nothing (O_NONBLOCK: a
/// FIFO would block). Only regular files with one link are read. What this costs has a bound in each direction: bytes,
/// files, entries looked at, depth, entries told of, and time.
struct FileCollection {
    private let patterns: [PathPattern]
    private let maximumBytes: UInt64
    private var bytesLeft: UInt64
    private var filesLeft: Int
    private var entriesLeft = 16_384
    private var skipsLeft = 256
    private var skippedBytesLeft = 128 << 10
    private var unlisted: UInt32 = 0
    /// Paths that a pattern names literally: dealt with before the walk, and not again in it.
    private var named: Set<[UInt8]> = []
    private var isExhausted = false
    private let deadline = MonotonicClock.now + 5_000_000_000

    /// Folders above a file. With the longest path it is also what a request can name.
    private static let mostFolders = PathPattern.mostComponents - 1

    typealias Send = (SlotReply) throws -> Void

    init(_ patterns: [PathPattern], maximumBytes: UInt64, maximumFiles: UInt16) {
        self.patterns = patterns
        self.maximumBytes = maximumBytes
        bytesLeft = maximumBytes
        filesLeft = Int(maximumFiles)
    }

    /// Sends the files, then what was left out of what was asked for.
    /// - Parameters:
    ///   - box: the folder that the patterns start from.
    ///   - send: to the driving process.
    /// - Throws: `StepFailure` where the kernel fails, and what `send` throws.
    mutating func run(from box: borrowing Descriptor, send: Send) throws {
        for pattern in patterns where pattern.isLiteral && named.insert(Array(pattern.text.utf8)).inserted {
            try take(pattern.text, at: Array(pattern.text.utf8), in: box.raw, send: send)
        }
        let wildcards = patterns.filter { !$0.isLiteral }
        if !wildcards.isEmpty {
            try walk(
                box.raw, path: [], depth: 0, patterns: zip(wildcards, wildcards.map(\.start)).map { ($0, $1) },
                send: send)
        }
        try send(.collected(unlisted: unlisted))
    }

    // MARK: The walk

    private typealias Followed = [(pattern: PathPattern, position: PathPattern.Position)]

    private static func advance(_ patterns: Followed, over name: some RandomAccessCollection<UInt8>) -> Followed {
        var next: Followed = []
        for (pattern, position) in patterns {
            let position = pattern.advance(position, over: name)
            if position.isMatch || position.goesOn { next.append((pattern, position)) }
        }
        return next
    }

    private mutating func walk(
        _ folder: Int32, path: [UInt8], depth: Int, patterns: Followed, send: Send
    ) throws {
        for name in try names(in: folder, path: path, patterns: patterns, send: send) {
            guard try hasTime(send) else { return }
            let followed = Self.advance(patterns, over: name)
            let here = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            let isMatch = followed.contains { $0.position.isMatch } && !named.contains(here)
            guard let text = String(validating: name, as: UTF8.self) else {
                try skip(here, .nameNotUTF8, send: send)
                continue
            }
            guard here.count <= PathPattern.mostBytes else {
                try skip(here, .tooDeep, send: send)
                continue
            }
            let raw = open(text, in: folder)
            if raw < 0 {
                if isMatch { try skip(here, Self.reason(-raw), send: send) }
                continue
            }
            let entry = Descriptor(owning: raw)
            let status = try Self.status(of: entry)
            guard status.st_mode & S_IFMT == S_IFDIR else {
                if isMatch { try take(entry, at: here, status: status, send: send) }
                continue
            }
            if isMatch, followed.contains(where: { $0.position.isNamed }) { try skip(here, .folder, send: send) }
            let below = followed.filter { $0.position.goesOn }
            if below.isEmpty { continue }
            if depth == Self.mostFolders {
                try skip(here, .tooDeep, send: send)
            } else {
                try walk(entry.raw, path: here, depth: depth + 1, patterns: below, send: send)
            }
        }
    }

    /// The names that matter, sorted, so that the same tree gives the same answer.
    private mutating func names(
        in folder: Int32, path: [UInt8], patterns: Followed, send: Send
    ) throws -> [[UInt8]] {
        var names: [[UInt8]] = []
        var left = entriesLeft
        var isCut = false
        let deadline = deadline
        try under(.collect) { () throws(SystemError) in
            try Folder.forEachEntry(of: folder) { name, kind in
                isCut = left == 0 || MonotonicClock.now > deadline
                if isCut { return false }
                left -= 1
                let followed = Self.advance(patterns, over: name)
                if followed.contains(where: { $0.position.isMatch || kind != .other }) { names.append(Array(name)) }
                return true
            }
        }
        entriesLeft = left
        if isCut, !isExhausted, try hasTime(send) {
            isExhausted = true
            try skip(path.isEmpty ? Self.root : path, .tooManyEntries, send: send)
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// How /box itself is called where something is said of it.
    private static let root = Array(".".utf8)

    private mutating func hasTime(_ send: Send) throws -> Bool {
        if MonotonicClock.now <= deadline { return true }
        if !isExhausted {
            isExhausted = true
            try skip(Self.root, .outOfTime, send: send)
        }
        return false
    }

    // MARK: One file

    private func open(_ path: String, in folder: Int32) -> Int32 {
        var result = -EINTR
        while result == -EINTR {
            let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | BK_O_CLOEXEC
            result =
                protecting("collect beneath", true, else: false)
                ? bk_openat2_beneath(folder, path, UInt64(flags), 0) : bk_openat(folder, path, flags, 0)
        }
        return result
    }

    private static func status(of file: borrowing Descriptor) throws(StepFailure) -> stat {
        var status = stat()
        let raw = file.raw
        try performC(.collect) { fstat(raw, &status) }
        return status
    }

    private mutating func take(_ path: String, at bytes: [UInt8], in folder: Int32, send: Send) throws {
        let raw = open(path, in: folder)
        if raw < 0 { return try skip(bytes, Self.reason(-raw), send: send) }
        let file = Descriptor(owning: raw)
        let status = try Self.status(of: file)
        try take(file, at: bytes, status: status, send: send)
    }

    private mutating func take(
        _ file: borrowing Descriptor, at bytes: [UInt8], status: stat, send: Send
    ) throws {
        let size = UInt64(status.st_size)
        let reason: SkipReason? =
            if status.st_mode & S_IFMT == S_IFDIR {
                .folder
            } else if protecting("collect regular files", status.st_mode & S_IFMT != S_IFREG, else: false) {
                .notRegular
            } else if protecting("collect one link", status.st_nlink != 1, else: false) {
                .severalLinks
            } else if size > maximumBytes {
                .tooLarge
            } else if filesLeft == 0 {
                .tooManyFiles
            } else if size > bytesLeft {
                .noRoomLeft
            } else {
                nil
            }
        if let reason {
            return try skip(bytes, reason, bytes: status.st_mode & S_IFMT == S_IFREG ? size : 0, send: send)
        }
        // Each component was checked on the way here.
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return try skip(bytes, .nameNotUTF8, send: send)
        }
        bytesLeft -= size
        filesLeft -= 1
        try Self.sendContent(of: file, path: text, status: status, send: send)
    }

    private static func sendContent(
        of file: borrowing Descriptor, path: String, status: stat, send: Send
    ) throws {
        var left = Int(status.st_size)
        var chunk = [UInt8](repeating: 0, count: max(1, min(SlotRequest.chunkSize, left)))
        var begins = true
        let descriptor = file.raw
        repeat {
            let count = try performC(.collect) { read(descriptor, &chunk, min(chunk.count, left)) }
            // Nobody is alive who could have made it shorter.
            if count == 0, left > 0 { throw StepFailure(.collect, errno: EIO) }
            try send(
                .file(
                    name: path, begins: begins, executable: status.st_mode & 0o111 != 0, bytes: Array(chunk[0..<count]))
            )
            begins = false
            left -= count
        } while left > 0
    }

    private static func reason(_ errno: Int32) -> SkipReason {
        switch errno {
        case ENOENT, ENOTDIR: .noSuchFile
        case ELOOP: .symbolicLink
        // What a socket answers, and a device on a mount without devices.
        case ENXIO, ENODEV, EACCES: .notRegular
        default: .unreadable
        }
    }

    private mutating func skip(_ path: [UInt8], _ reason: SkipReason, bytes: UInt64 = 0, send: Send) throws {
        guard skipsLeft > 0, path.count <= skippedBytesLeft else {
            unlisted = unlisted == .max ? .max : unlisted + 1
            return
        }
        skipsLeft -= 1
        skippedBytesLeft -= path.count
        try send(.skipped(path: path, reason: reason, bytes: bytes))
    }
}
