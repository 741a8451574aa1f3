import Glibc

/// An advisory lock (flock) on a file, held until the value goes away.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    enum Kind {
        case shared
        case exclusive
    }

    /// Locks `path`, or returns nil when it is held otherwise and `waiting` is false.
    ///
    /// `creating` makes the file where it is missing, readable by its owner alone: who can open it can hold it.
    static func take(_ path: String, _ kind: Kind, waiting: Bool, creating: Bool) throws(ImageError) -> FileLock? {
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0)
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("open", path) }
        let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waiting ? 0 : LOCK_NB)
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            let number = errno
            close(descriptor)
            guard number == EWOULDBLOCK else { throw .system(operation: "flock", path: path, errno: number) }
            return nil
        }
        return FileLock(descriptor: descriptor)
    }

    /// Whether the locked file still has a name: one that was removed while this waited protects nothing.
    var isLinked: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }
}
