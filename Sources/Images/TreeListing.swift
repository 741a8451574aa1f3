import Glibc
import Hashing
import Linux

/// What a tree holds, name by name, in an order and form that depend on nothing else: `contents.txt` beside an image's tree.
///
/// A line for each name, sorted by its bytes: the kind (`f`, `d`, `l`, or `o` for what an image cannot have), the permission
/// bits in octal, the size, SHA-256 of a file's bytes or of what a link says, and the path below the tree's top. Owners are not
/// listed, for all is root's; nor are times, which no program may rely on.
struct TreeListing {
    /// What is known of one name, but for the name.
    struct Record: Equatable {
        var kind: Character
        /// Four octal digits, or `-` for a link, which has none.
        var mode: String
        /// Bytes of a file, else `-`.
        var size: String
        /// 64 hexadecimal digits, or `-`.
        var digest: String

        var text: String { "\(kind) \(mode) \(size) \(digest)" }
    }

    private static let heading = "bulkhead tree 1"
    private static let mostBytes = 512 << 20
    private static let openTemporary = Record(kind: "d", mode: "1777", size: "-", digest: "-")
    private static let closedTemporary = Record(kind: "d", mode: "0755", size: "-", digest: "-")

    /// By the path, escaped as in the file.
    private(set) var records: [String: Record]

    // MARK: Looking at a tree

    /// Hashes all files below `path`.
    init(of path: String) throws(ImageError) {
        var records: [String: Record] = [:]
        // A file with several names is read once.
        var hashed: [UInt64: String] = [:]
        try Tree(path: path).walk { (entry) throws(ImageError) in
            let status = entry.status
            let mode = String(status.st_mode & 0o7777, radix: 8)
            var record = Record(
                kind: "o", mode: String(repeating: "0", count: max(0, 4 - mode.count)) + mode, size: "-", digest: "-")
            switch entry.kind {
            case S_IFDIR: record.kind = "d"
            case S_IFREG:
                record.kind = "f"
                record.size = "\(status.st_size)"
                if let known = hashed[UInt64(status.st_ino)] {
                    record.digest = known
                } else {
                    record.digest = try Self.digest(of: entry)
                    if status.st_nlink > 1 { hashed[UInt64(status.st_ino)] = record.digest }
                }
            case S_IFLNK:
                let link = try FileSystem.rawLink(entry.name, in: entry.folder)
                record = Record(kind: "l", mode: "-", size: "-", digest: SHA256.hex(link))
            default: break
            }
            records[Self.escaped(entry.path.isEmpty ? [UInt8(ascii: ".")] : entry.path.dropFirst())] = record
        }
        self.records = records
    }

    private static func digest(of entry: Tree.Entry) throws(ImageError) -> String {
        let file = try entry.open(O_RDONLY | O_NONBLOCK)
        var hash = SHA256()
        while case let piece = try FileSystem.piece(of: file.raw, FileSystem.shown(entry.path)), !piece.isEmpty {
            hash.update(piece)
        }
        return hash.hexDigest()
    }

    // MARK: The file

    /// Writes the listing to a file, readable by all.
    /// - Returns: SHA-256 of the file.
    func write(path: String) throws(ImageError) -> String {
        var text = Self.heading + "\n"
        for (path, record) in records.sorted(by: { $0.key < $1.key }) {
            text += "\(record.text) \(path)\n"
        }
        let bytes = Array(text.utf8)
        try FileSystem.write(bytes, to: path, mode: 0o644)
        return SHA256.hex(bytes)
    }

    /// Reads a listing, which has to be the one whose digest is given.
    init(path: String, digest: String) throws(ImageError) {
        let file = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw FileSystem.failure("open", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        while case let piece = try FileSystem.piece(of: file, path), !piece.isEmpty {
            bytes += piece
            guard bytes.count <= Self.mostBytes else { throw .unsafe(path: path, problem: "is too large") }
        }
        guard SHA256.hex(bytes) == digest else {
            throw .unsafe(path: path, problem: "is not the listing that the image's manifest names")
        }
        records = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() {
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count == 5, let kind = fields[0].first else {
                throw .unsafe(path: path, problem: "has a line that is not understood")
            }
            records[fields[4]] = Record(kind: kind, mode: fields[1], size: fields[2], digest: fields[3])
        }
    }

    /// A path without a space, a control character or a byte above ASCII: those are a backslash and three octal digits.
    static func escaped(_ path: some Sequence<UInt8>) -> String {
        var bytes: [UInt8] = []
        for byte in path {
            if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "\\") {
                bytes.append(byte)
            } else {
                let digits = String(byte, radix: 8)
                bytes +=
                    Array("\\".utf8) + Array(String(repeating: "0", count: 3 - digits.count).utf8) + Array(digits.utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Comparing

    /// What is not as this listing says, a line for each name.
    func differences(to now: TreeListing) -> [String] {
        var lines: [String] = []
        for path in Set(records.keys).union(now.records.keys).sorted() {
            switch (records[path], now.records[path]) {
            case (let was?, let now?) where was == now: continue
            // Taken back since (``RootFilesystem/closeTemporary(in:)``).
            case (let was?, let now?) where path == "tmp" && was == Self.openTemporary && now == Self.closedTemporary:
                continue
            case (let was?, let now?):
                if was.kind != now.kind {
                    lines.append("/\(path) is of another kind than when the image was made")
                } else if was.digest != now.digest || was.size != now.size {
                    lines.append("/\(path) has other content than when the image was made")
                } else {
                    lines.append("/\(path) has mode \(now.mode), and had \(was.mode) when the image was made")
                }
            case (.some, nil): lines.append("/\(path) is missing")
            case (nil, _): lines.append("/\(path) was not there when the image was made")
            }
        }
        return lines
    }
}
