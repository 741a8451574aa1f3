import Glibc

/// Extended attributes of one path, links not followed.
///
/// The Glibc module does not import <sys/xattr.h>, so the functions are looked up in the C library at run time; a library
/// without them is an error, not a tree that passes unchecked.
struct ExtendedAttributes: Sendable {
    private typealias List = @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>?, Int) -> Int
    private typealias Remove = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32

    private let list: List
    private let remove: Remove

    init() throws(ImageError) {
        guard let list = dlsym(nil, "llistxattr"), let remove = dlsym(nil, "lremovexattr") else {
            throw .step(name: "looking up llistxattr", detail: "the C library has no extended attributes")
        }
        self.list = unsafeBitCast(list, to: List.self)
        self.remove = unsafeBitCast(remove, to: Remove.self)
    }

    /// The attributes' names; none on a file system that has no attributes.
    func names(_ path: [UInt8]) throws(ImageError) -> [String] {
        // The kernel's own bound for one list (XATTR_LIST_MAX).
        var buffer = [CChar](repeating: 0, count: 65_536)
        let count = FileSystem.withCString(path) { path in list(path, nil, 0) }
        guard count != 0 else { return [] }
        if count < 0 && errno == ENOTSUP { return [] }
        let filled = FileSystem.withCString(path) { path in list(path, &buffer, buffer.count) }
        guard filled >= 0 else { throw FileSystem.failure("llistxattr", FileSystem.shown(path)) }
        return buffer.prefix(filled).split(separator: 0).map { name in
            String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    func remove(_ name: String, from path: [UInt8]) throws(ImageError) {
        let result = FileSystem.withCString(path) { path in remove(path, name) }
        guard result == 0 || errno == ENODATA else {
            throw FileSystem.failure("lremovexattr \(name)", FileSystem.shown(path))
        }
    }
}
