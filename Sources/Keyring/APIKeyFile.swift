import Glibc
import Jobs

/// The file that the keys are in. Nothing in it opens anything: of each key it has the digest.
public struct APIKeyFile: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// What tells one state of the file from another without reading it. A file that is put in the place of another has
    /// another inode, so that two changes within one tick of the clock are two.
    struct Stamp: Equatable, Sendable {
        var device: UInt64
        var inode: UInt64
        var bytes: Int
        var seconds: Int
        var nanoseconds: Int

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            bytes = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Whether there is one, readable or not.
    public var exists: Bool {
        var status = stat()
        return lstat(path, &status) == 0 || errno != ENOENT && errno != ENOTDIR
    }

    func stamp() throws(APIKeyError) -> Stamp {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("look at") }
        return Stamp(status)
    }

    /// - Throws: `APIKeyError` where it cannot be read, where others than its owner may write it, and for every mistake in it.
    public func read() throws(APIKeyError) -> APIKeyList {
        try readStamped().list
    }

    func readStamped() throws(APIKeyError) -> (list: APIKeyList, stamp: Stamp) {
        // Not blocked by a FIFO.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("open") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("look at") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw APIKeyError("\(path) is no file") }
        guard status.st_mode & 0o022 == 0 else {
            throw APIKeyError("\(path) can be written by others than its owner: chmod go-w \(path)")
        }
        guard status.st_size <= APIKeyList.mostBytes else {
            throw APIKeyError("\(path) is larger than \(APIKeyList.mostBytes) bytes")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read") }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= APIKeyList.mostBytes else {
                throw APIKeyError("\(path) is larger than \(APIKeyList.mostBytes) bytes")
            }
        }
        do {
            return (try APIKeyList(bytes: bytes), Stamp(status))
        } catch {
            throw APIKeyError("\(path): \(error)")
        }
    }

    /// Changes the list, or makes the file. Two that change it at once do so one after the other, and whoever reads it sees
    /// the old or the new one whole.
    ///
    /// A new file is readable by everybody (0644): the service reads it again after it gave up root, under a user that it
    /// has only then. One that is there keeps its owner and mode.
    /// - Throws: `APIKeyError`; what `change` throws as well, and then nothing is changed.
    public func change(_ change: (inout APIKeyList) throws(APIKeyError) -> Void) throws(APIKeyError) {
        try resolved().changeInPlace(change)
    }

    /// What `path` leads to in the end: a link is not the file, and whoever reads the file by another name must see the change.
    private func resolved() throws(APIKeyError) -> APIKeyFile {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return self }
        guard let real = realpath(path, nil) else { throw failure("follow the link") }
        defer { free(real) }
        return APIKeyFile(path: String(cString: real))
    }

    private func changeInPlace(_ change: (inout APIKeyList) throws(APIKeyError) -> Void) throws(APIKeyError) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if mkdir(parent, 0o755) != 0, errno != EEXIST { throw failure("make the folder of") }
        let folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open the folder of") }
        defer { close(folder) }
        let lock = try lock()
        defer { close(lock) }
        var old: stat?
        var list = APIKeyList()
        if exists {
            list = try read()
            var status = stat()
            guard stat(path, &status) == 0 else { throw failure("look at") }
            old = status
        }
        try change(&list)
        let bytes = list.bytes
        guard bytes.count <= APIKeyList.mostBytes else {
            throw APIKeyError("\(path) would be larger than \(APIKeyList.mostBytes) bytes")
        }
        try replace(by: bytes, like: old)
        guard fsync(folder) == 0 else { throw failure("save the folder of") }
    }

    /// Whoever can open what is locked can hold it, and no stranger may keep a key from being revoked: the lock is a file of
    /// its own, for the owner of the keys alone.
    private func lock() throws(APIKeyError) -> Int32 {
        let name = "\(path).lock"
        var lock = open(name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        let isNew = lock >= 0
        if !isNew, errno == EEXIST { lock = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        guard lock >= 0 else { throw failure("open the lock of") }
        do throws(APIKeyError) {
            var status = stat()
            // Root may change the keys of somebody else, who is to get at the lock as well. Only of one that was made here: a
            // name that was there may be a link to any file.
            if isNew, geteuid() == 0, stat(path, &status) == 0, fchown(lock, status.st_uid, status.st_gid) != 0 {
                throw failure("give away the lock of")
            }
            while flock(lock, LOCK_EX) != 0 {
                guard errno == EINTR else { throw failure("lock") }
            }
        } catch {
            close(lock)
            throw error
        }
        return lock
    }

    private func replace(by bytes: [UInt8], like old: stat?) throws(APIKeyError) {
        let temporary = "\(path).\(RandomWord.next())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("write beside") }
        defer { close(descriptor) }
        do throws(APIKeyError) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("write") }
                rest = rest.dropFirst(count)
            }
            // The owner first: a change of it takes bits of the mode away.
            if let old, fchown(descriptor, old.st_uid, old.st_gid) != 0 { throw failure("keep the owner of") }
            guard fchmod(descriptor, (old?.st_mode ?? 0o644) & 0o7777) == 0 else { throw failure("keep the mode of") }
            guard fsync(descriptor) == 0 else { throw failure("save") }
            guard rename(temporary, path) == 0 else { throw failure("replace") }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private func failure(_ what: String) -> APIKeyError {
        APIKeyError("cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }
}
