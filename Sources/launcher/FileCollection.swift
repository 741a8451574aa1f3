import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Takes files out of a sandbox in which nothing lives any more. A job chose every name and every kind of entry: names
/// are resolved beneath /box without links or mount crossings, nothing is waited for (O_NONBLOCK: a FIFO would block),
/// and only regular files with one link are read, up to what was asked for.
enum FileCollection {
    static func run(
        patterns: [String], maximumBytes: UInt64, maximumFiles: UInt16, from box: borrowing Descriptor,
        send: (SlotReply) throws -> Void
    ) throws {
        var skipped: [String] = []
        // The list travels in one message, and a job makes as many entries with as long names as it likes.
        var roomForSkipped = maximumMessageSize / 2
        var left = maximumBytes
        var files = 0
        let folder = box.raw
        let names = try under(.collect) { () throws(SystemError) in try Folder.names(of: folder) }
        for name in names.sorted() where patterns.contains(where: { matches(name, $0) }) {
            func skip(_ reason: String) {
                let line = "\(name): \(reason)"
                guard skipped.count < 1_000, line.utf8.count + 4 <= roomForSkipped else { return }
                roomForSkipped -= line.utf8.count + 4
                skipped.append(line)
            }
            let raw = bk_openat2_beneath(folder, name, UInt64(O_RDONLY | O_NONBLOCK | BK_O_CLOEXEC), 0)
            if raw < 0 {
                skip(SystemError.text(-raw))
                continue
            }
            let file = Descriptor(owning: raw)
            var status = stat()
            try performC(.collect) { fstat(file.raw, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                skip("not a regular file")
                continue
            }
            guard status.st_nlink == 1 else {
                skip("more than one link")
                continue
            }
            guard files < Int(maximumFiles), UInt64(status.st_size) <= left else {
                skip("too many or too large")
                continue
            }
            left -= UInt64(status.st_size)
            files += 1
            try sendFile(file, name: name, status: status, send: send)
        }
        try send(.collected(skipped: skipped))
    }

    private static func sendFile(
        _ file: borrowing Descriptor, name: String, status: stat, send: (SlotReply) throws -> Void
    ) throws {
        var chunk = [UInt8](repeating: 0, count: SlotRequest.chunkSize)
        var begins = true
        var left = Int(status.st_size)
        let descriptor = file.raw
        repeat {
            let count = try performC(.collect) { read(descriptor, &chunk, min(chunk.count, left)) }
            if count == 0, left > 0 { throw StepFailure(.collect, errno: EIO) }
            try send(
                .file(
                    name: name, begins: begins, executable: status.st_mode & 0o111 != 0, bytes: Array(chunk[0..<count]))
            )
            begins = false
            left -= count
        } while left > 0
    }

    /// A pattern is a name, or `*` and an ending.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        pattern.hasPrefix("*") ? name.hasSuffix(pattern.dropFirst()) && !name.hasPrefix(".") : name == pattern
    }
}
