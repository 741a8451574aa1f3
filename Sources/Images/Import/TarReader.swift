import Glibc

/// One member of a tar archive, its name taken apart and found to stay within the tree.
struct TarMember {
    enum Kind: Equatable {
        case file
        case directory
        case symbolicLink([UInt8])
        /// The name of an earlier member, taken apart like a member's own.
        case hardLink([[UInt8]])
        case device
        case pipe
    }

    /// The name's components, without `.`; none for the tree's top.
    var path: [[UInt8]]
    var kind: Kind
    /// The permission bits, set-id bits included.
    var mode: mode_t
    /// The bytes that follow, of a file.
    var size: Int
    /// Seconds since 1970, and the nanoseconds.
    var modified: (seconds: Int, nanoseconds: Int)
    /// The extended attributes that the archive has for it, by name.
    var attributes: [String]

    /// The name as messages show it.
    var shownPath: String { TarMember.shown(path) }

    static func shown(_ path: [[UInt8]]) -> String {
        path.isEmpty ? "." : FileSystem.shown(Array(path.joined(separator: [UInt8(ascii: "/")])))
    }
}

/// Reads tar archives as ustar, pax and GNU tar write them (tar(5), pax of POSIX.1-2017), for trees that strangers packed.
///
/// What two readers could understand in two ways is an error: sizes that are no numbers, names with `..` or from the root,
/// content of what has none, kinds that are not listed here, sparse files.
struct TarReader {
    private static let block = 512
    /// Of the extended headers of one member together: how many, their bytes, and the records and attributes in them.
    private static let mostHeaders = 16
    private static let mostHeaderBytes = 1 << 20
    private static let mostRecords = 4_096
    private static let mostAttributes = 256
    /// The kernel's own bounds (PATH_MAX, NAME_MAX).
    private static let mostPathBytes = 4_096
    private static let mostNameBytes = 255

    private let stream: ArchiveStream
    /// Extended headers read so far.
    private(set) var headers = 0
    /// What is left of the last member's content, and of the block that it ends in.
    private var content = 0
    private var padding = 0

    init(_ stream: ArchiveStream) {
        self.stream = stream
    }

    /// The next member, or nil at the archive's end. Content of the last one that was not taken is passed over.
    mutating func next() throws(ImageError) -> TarMember? {
        while let bytes = try contentPiece() { _ = bytes }
        var extended = Extended()
        var (own, bytes) = (0, 0)
        while true {
            if try stream.isAtEnd() {
                guard extended.isEmpty else { throw problem("it ends after a header that belongs to a further member") }
                return nil
            }
            let header = try stream.take(Self.block)
            guard header.contains(where: { $0 != 0 }) else { return nil }
            try check(header)
            let kind = header[156]
            guard "xgLK".utf8.contains(kind) else { return try member(header, kind, extended) }
            own += 1
            headers += 1
            let size = try number(header[124..<136], "size")
            guard own <= Self.mostHeaders, size <= Self.mostHeaderBytes - bytes else {
                throw problem("a member with more extended headers, or longer ones, than any has")
            }
            bytes += size
            let content = try body(size)
            switch kind {
            case UInt8(ascii: "L"): extended.path = Self.text(content)
            case UInt8(ascii: "K"): extended.link = Self.text(content)
            default: try extended.add(try records(content), isGlobal: kind == UInt8(ascii: "g"), problem)
            }
        }
    }

    /// A piece of the member's content, or nil when there is no more.
    mutating func contentPiece() throws(ImageError) -> ArraySlice<UInt8>? {
        guard content > 0 else {
            if padding > 0 { _ = try stream.take(padding) }
            padding = 0
            return nil
        }
        let piece = try stream.some(atMost: content)
        content -= piece.count
        return piece
    }

    // MARK: Headers

    /// What extended headers say of the member that follows.
    private struct Extended {
        var path: [UInt8]?
        var link: [UInt8]?
        var size: Int?
        var modified: (Int, Int)?
        var attributes: [String] = []
        var isEmpty: Bool { path == nil && link == nil && size == nil && modified == nil && attributes.isEmpty }

        mutating func add(
            _ records: [(key: String, value: [UInt8])], isGlobal: Bool, _ problem: (String) -> ImageError
        ) throws(ImageError) {
            for (key, value) in records {
                let text = String(decoding: value, as: UTF8.self)
                switch key {
                case "path", "linkpath", "size":
                    guard !isGlobal else { throw problem("a global header sets '\(key)' for every member") }
                    if key == "path" { path = value }
                    if key == "linkpath" { link = value }
                    if key == "size" {
                        guard let number = Int(text), number >= 0 else { throw problem("a size of '\(text)'") }
                        size = number
                    }
                case "mtime":
                    let parts = text.split(separator: ".", maxSplits: 1)
                    // Of a time that is no number only the member's own header is left.
                    guard !isGlobal, let seconds = parts.first.flatMap({ Int($0) }) else { continue }
                    // A time before 1970 is 1970.
                    guard !text.hasPrefix("-") else {
                        modified = (0, 0)
                        continue
                    }
                    let digits = parts.count > 1 ? String(parts[1].prefix(9)) : ""
                    let fraction = Int(digits.padding(toLength: 9, withPad: "0")) ?? 0
                    modified = (seconds, fraction)
                case _ where key.hasPrefix("GNU.sparse."):
                    throw problem("it has sparse files: pack it without --sparse")
                case _ where key.hasPrefix("SCHILY.xattr."):
                    try add(attribute: key.dropFirst("SCHILY.xattr.".count), problem)
                case _ where key.hasPrefix("LIBARCHIVE.xattr."):
                    try add(attribute: key.dropFirst("LIBARCHIVE.xattr.".count), problem)
                case _ where key.hasPrefix("SCHILY.acl."):
                    try add(attribute: "system.posix_acl", problem)
                default:
                    // Owners, further times, comments: nothing of them is used.
                    continue
                }
            }
        }

        private mutating func add(
            attribute: Substring, _ problem: (String) -> ImageError
        ) throws(ImageError) {
            // The kernel's bound for a name (XATTR_NAME_MAX).
            guard attributes.count < TarReader.mostAttributes, attribute.utf8.count <= TarReader.mostNameBytes else {
                throw problem("a member with more extended attributes, or longer names of them, than files have")
            }
            attributes.append(String(attribute))
        }
    }

    private func check(_ header: [UInt8]) throws(ImageError) {
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        // A checksum that is no number is as wrong as another number.
        guard (try? number(header[148..<156], "checksum")) == sum else {
            throw problem("it is no tar archive, or damaged: a header's checksum is wrong")
        }
    }

    /// The content of an extended header.
    private func body(_ size: Int) throws(ImageError) -> [UInt8] {
        let bytes = try stream.take(size)
        _ = try stream.take((Self.block - size % Self.block) % Self.block)
        return bytes
    }

    /// pax records: `LENGTH KEY=VALUE\n`, the length in decimal digits and of the whole record.
    private func records(_ bytes: [UInt8]) throws(ImageError) -> [(key: String, value: [UInt8])] {
        var records: [(String, [UInt8])] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")), space - rest.startIndex <= 8,
                let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count
            else { throw problem("an extended header that is no list of records") }
            guard records.count < Self.mostRecords else { throw problem("an extended header of too many records") }
            let end = rest.startIndex + length
            let record = rest[(space + 1)..<(end - 1)]
            guard rest[end - 1] == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw problem("an extended header that is no list of records")
            }
            records.append(
                (String(decoding: record[record.startIndex..<equals], as: UTF8.self), Array(record[(equals + 1)...])))
            rest = rest[end...]
        }
        return records
    }

    private mutating func member(
        _ header: [UInt8], _ type: UInt8, _ extended: Extended
    ) throws(ImageError) -> TarMember {
        var name = Self.text(Array(header[0..<100]))
        // Only POSIX has a prefix there; GNU tar keeps other things in its place.
        if header[257..<263].elementsEqual("ustar\0".utf8) {
            let prefix = Self.text(Array(header[345..<500]))
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        let raw = extended.path ?? name
        let path = try components(raw, of: "member")
        let shown = TarMember.shown(path)
        let ownSize = try number(header[124..<136], "size")
        let ownTime = try time(header[136..<148])
        let size = extended.size ?? ownSize
        let link = extended.link ?? Self.text(Array(header[157..<257]))
        let kind: TarMember.Kind
        switch type {
        case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
            // Archives older than the format's kinds have folders as files whose name ends in a slash.
            kind = raw.last == UInt8(ascii: "/") ? .directory : .file
        case UInt8(ascii: "1"): kind = .hardLink(try components(link, of: "hard link '\(shown)' to"))
        case UInt8(ascii: "2"): kind = .symbolicLink(try target(link, of: path))
        case UInt8(ascii: "3"), UInt8(ascii: "4"): kind = .device
        case UInt8(ascii: "5"): kind = .directory
        case UInt8(ascii: "6"): kind = .pipe
        case UInt8(ascii: "S"): throw problem("'\(shown)' is a sparse file: pack it without --sparse")
        default: throw problem("'\(shown)' is of a kind that is not known (\(type))")
        }
        guard kind == .file || size == 0 else { throw problem("'\(shown)' is no file and yet has content") }
        guard !path.isEmpty || kind == .directory else { throw problem("the tree's top is no folder") }
        content = size
        padding = (Self.block - size % Self.block) % Self.block
        return TarMember(
            path: path, kind: kind, mode: mode_t(try number(header[100..<108], "mode") & 0o7777), size: size,
            modified: extended.modified ?? (ownTime, 0), attributes: extended.attributes)
    }

    // MARK: Values

    /// Octal digits, or GNU's and star's big-endian bytes with the first bit set.
    private func number(_ field: ArraySlice<UInt8>, _ what: String) throws(ImageError) -> Int {
        if let first = field.first, first & 0x80 != 0 {
            guard !Self.isNegative(field) else { throw problem("a negative \(what)") }
            var value = Int(first & 0x7f)
            for byte in field.dropFirst() {
                guard value < 1 << 54 else { throw problem("a \(what) that is too large") }
                value = value << 8 | Int(byte)
            }
            return value
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") && $0 != 0 }
        if digits.isEmpty { return 0 }
        guard let value = Int(String(decoding: digits, as: UTF8.self), radix: 8), value >= 0 else {
            throw problem("a \(what) that is no number")
        }
        return value
    }

    /// Of GNU's and star's numbers the second bit is the sign's.
    private static func isNegative(_ field: ArraySlice<UInt8>) -> Bool {
        field.first.map { $0 & 0xc0 == 0xc0 } ?? false
    }

    /// Seconds since 1970; a time before that is 1970.
    private func time(_ field: ArraySlice<UInt8>) throws(ImageError) -> Int {
        Self.isNegative(field) ? 0 : try number(field, "time")
    }

    /// Up to the first NUL.
    private static func text(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }

    /// A name's components; one that could lead out of the tree is refused.
    private func components(_ name: [UInt8], of what: String) throws(ImageError) -> [[UInt8]] {
        let shown = FileSystem.shown(name.prefix(200))
        guard name.first != UInt8(ascii: "/") else {
            throw problem("\(what) '\(shown)' is a path from the root: pack the tree from within it (tar -C TREE .)")
        }
        guard !name.isEmpty, !name.contains(0), name.count <= Self.mostPathBytes else {
            throw problem("\(what) '\(shown)' is no name")
        }
        var parts: [[UInt8]] = []
        for part in name.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            guard part != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
                throw problem("\(what) '\(shown)' leads upwards by '..'")
            }
            guard part.count <= Self.mostNameBytes else { throw problem("\(what) '\(shown)' is too long") }
            parts.append(Array(part))
        }
        return parts
    }

    /// What a link says. From the root it means the image's own, as in the sandbox; upwards it may not pass the tree's top.
    private func target(_ link: [UInt8], of path: [[UInt8]]) throws(ImageError) -> [UInt8] {
        guard !link.isEmpty, !link.contains(0), link.count < Self.mostPathBytes else {
            throw problem("link '\(TarMember.shown(path))' leads to no name")
        }
        guard link.first != UInt8(ascii: "/") else { return link }
        var depth = path.count - 1
        for part in link.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            depth += part == [UInt8(ascii: "."), UInt8(ascii: ".")] ? -1 : 1
            guard depth >= 0 else {
                throw problem(
                    "link '\(TarMember.shown(path))' leads out of the tree: \(FileSystem.shown(link))")
            }
        }
        return link
    }

    private func problem(_ text: String) -> ImageError { .step(name: "reading \(stream.name)", detail: text) }
}

extension String {
    /// The text with `pad` behind it until it has that length.
    fileprivate func padding(toLength length: Int, withPad pad: Character) -> String {
        self + String(repeating: pad, count: max(0, length - count))
    }
}
