import Glibc

/// Extended attributes of an open file, a link's own too where it is open by O_PATH.
///
/// The Glibc module does not import <sys/xattr.h>, so the functions are looked up in the C library at run time; a library
/// without them is an error, not a tree that passes unchecked.
struct ExtendedAttributes: Sendable {
    private typealias List = @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>?, Int) -> Int
    private typealias Remove = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32

    private let list: List
    private let remove: Remove

    init() throws(ImageError) {
        guard let list = dlsym(nil, "listxattr"), let remove = dlsym(nil, "removexattr") else {
            throw .step(name: "looking up listxattr", detail: "the C library has no extended attributes")
        }
        self.list = unsafeBitCast(list, to: List.self)
        self.remove = unsafeBitCast(remove, to: Remove.self)
    }

    /// The attributes' names; none on a file system that has no attributes.
    /// - Parameters:
    ///   - file: an open file.
    ///   - shown: what errors call it.
    /// - Returns: the names.
    /// - Throws: where they cannot be read.
    func names(of file: Int32, _ shown: String) throws(ImageError) -> [String] {
        let path = FileSystem.magicLink(file)
        let count = list(path, nil, 0)
        if count == 0 || (count < 0 && errno == ENOTSUP) { return [] }
        // The kernel's own bound for one list (XATTR_LIST_MAX).
        var buffer = [CChar](repeating: 0, count: 65_536)
        let filled = list(path, &buffer, buffer.count)
        guard filled >= 0 else { throw FileSystem.failure("listxattr", shown) }
        return buffer.prefix(filled).split(separator: 0).map { name in
            String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    func remove(_ name: String, from file: Int32, _ shown: String) throws(ImageError) {
        guard remove(FileSystem.magicLink(file), name) == 0 || errno == ENODATA else {
            throw FileSystem.failure("removexattr \(name)", shown)
        }
    }
}
