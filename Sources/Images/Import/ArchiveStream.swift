import CLinux
import Glibc
import Hashing
import Linux

/// The bytes of an archive, decompressed on the way.
///
/// A decompressor is C code that reads what a stranger wrote: it runs as the host's tool in a process of a user that nobody else is,
/// has no capability and no network, holds nothing but the archive's descriptor and the pipe that this reads, and leaves no process.
final class ArchiveStream {
    /// How an archive is packed.
    enum Compression: String {
        case none, gzip, bzip2, xz, zstd

        /// The tool, its arguments to decompress its standard input, and Debian's package of it.
        var tool: (argv: [String], package: String)? {
            switch self {
            case .none: nil
            case .gzip: (["/usr/bin/gzip", "-dcq"], "gzip")
            case .bzip2: (["/usr/bin/bzip2", "-dcq"], "bzip2")
            case .xz: (["/usr/bin/xz", "-dcq", "--memlimit-decompress=512MiB"], "xz-utils")
            case .zstd: (["/usr/bin/zstd", "-dcq", "--no-progress"], "zstd")
            }
        }

        /// What the first bytes of a file say.
        init(of bytes: [UInt8]) {
            let marks: [(Compression, [UInt8])] = [
                (.gzip, [0x1f, 0x8b]), (.bzip2, Array("BZh".utf8)), (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
                (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            ]
            self = marks.first { bytes.starts(with: $0.1) }?.0 ?? .none
        }
    }

    /// What errors call it.
    let name: String
    private let source: Descriptor
    private let child: pid_t?
    private let tool: String
    private let mostBytes: Int
    private var buffer: [UInt8] = []
    private var position = 0
    private var count = 0
    private var hash = SHA256()

    private static let chunk = 128 << 10

    /// - Parameters:
    ///   - file: the archive, open for reading at its start.
    ///   - name: what errors call it.
    ///   - compression: nil for what its first bytes say.
    ///   - mostBytes: more than that, decompressed, is an error.
    /// - Throws: where the archive cannot be read, or the host lacks the tool.
    init(
        _ file: consuming Descriptor, name: String, compression: Compression? = nil, mostBytes: Int
    ) throws(ImageError) {
        self.name = name
        self.mostBytes = mostBytes
        let packed: Compression
        if let compression { packed = compression } else { packed = try Self.compression(of: file.raw, name: name) }
        guard let tool = packed.tool else {
            self.tool = ""
            child = nil
            source = file
            return
        }
        guard access(tool.argv[0], X_OK) == 0 else {
            throw .step(
                name: "reading \(name)",
                detail:
                    "it is packed with \(packed.rawValue), and \(tool.argv[0]) is missing: apt-get install \(tool.package)"
            )
        }
        self.tool = packed.rawValue
        let ends: Pipe
        do throws(SystemError) {
            ends = try Pipe()
        } catch {
            throw ImageError(error, path: name)
        }
        child = try Self.start(tool.argv, reading: file, writing: ends.writer)
        source = ends.reader
    }

    deinit {
        guard let child else { return }
        kill(child, SIGKILL)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
    }

    private static func compression(of file: Int32, name: String) throws(ImageError) -> Compression {
        var start = [UInt8](repeating: 0, count: 6)
        let count = pread(file, &start, start.count, 0)
        guard count >= 0 else { throw FileSystem.failure("read", name) }
        return Compression(of: Array(start[..<count]))
    }

    /// Starts a tool that reads the archive and writes to `output`.
    private static func start(
        _ tool: [String], reading file: borrowing Descriptor, writing output: borrowing Descriptor
    ) throws(ImageError) -> pid_t {
        let argv =
            ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] + Confinement.offline(user: HostUsers.builder, tool)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for result in [
            posix_spawn_file_actions_adddup2(&actions, file.raw, 0),
            posix_spawn_file_actions_adddup2(&actions, output.raw, 1),
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0),
            // Whoever started this process may have left something of root's open.
            bk_spawn_close_from(&actions, 3),
        ] where result != 0 { throw .system(operation: "preparing", path: tool[0], errno: result) }
        let arguments = argv.map { strdup($0) } + [nil]
        let variables = [strdup("PATH=/usr/bin:/bin"), strdup("LC_ALL=C"), nil]
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, argv[0], &actions, nil, arguments, variables)
        guard result == 0 else { throw .system(operation: "starting", path: tool[0], errno: result) }
        return child
    }

    /// Exactly `wanted` bytes; an archive that ends before is an error.
    func take(_ wanted: Int) throws(ImageError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(wanted)
        while bytes.count < wanted {
            bytes += try some(atMost: wanted - bytes.count)
        }
        return bytes
    }

    /// At least one byte, and at most `most`; an archive that ends here is an error.
    func some(atMost most: Int) throws(ImageError) -> ArraySlice<UInt8> {
        if position == buffer.count, try !fill() {
            throw .step(
                name: "reading \(name)", detail: "it ends in the middle of a member: it is cut short or damaged")
        }
        let end = min(buffer.count, position + most)
        defer { position = end }
        return buffer[position..<end]
    }

    /// Whether there is nothing more.
    func isAtEnd() throws(ImageError) -> Bool {
        if position < buffer.count { return false }
        return try !fill()
    }

    /// Reads what follows the last member, and says how the decompressor ended.
    /// - Returns: SHA-256 of all decompressed bytes, as hexadecimal digits.
    func finish() throws(ImageError) -> String {
        repeat { position = buffer.count } while try fill()
        return hash.hexDigest()
    }

    private func fill() throws(ImageError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        var got = read(source.raw, &bytes, bytes.count)
        while got < 0, errno == EINTR { got = read(source.raw, &bytes, bytes.count) }
        guard got >= 0 else { throw FileSystem.failure("read", name) }
        guard got > 0 else {
            try checkTool()
            return false
        }
        if got < bytes.count { bytes.removeLast(bytes.count - got) }
        count += got
        guard count <= mostBytes else {
            throw .step(
                name: "reading \(name)",
                detail:
                    "it holds more than \(ImportBounds.text(bytes: mostBytes)) once unpacked (--max-size allows more)")
        }
        hash.update(bytes)
        buffer = bytes
        position = 0
        return true
    }

    /// A decompressor that has closed its output ends, and says whether all was well.
    private func checkTool() throws(ImageError) {
        guard let child else { return }
        var information = siginfo_t()
        // It stays a zombie, which deinit reaps: its process id is nobody else's until then.
        while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) != 0 {
            guard errno == EINTR else { throw FileSystem.failure("waitid", tool) }
        }
        guard information.si_code == CLD_EXITED, information._sifields._sigchld.si_status == 0 else {
            throw .step(name: "reading \(name)", detail: "\(tool) says that it is damaged or cut short")
        }
    }
}

extension ImageError {
    /// A system call's failure, with the path where its step does not name it.
    init(_ error: SystemError, path: String) {
        self = .system(operation: error.step, path: path, errno: error.errno)
    }
}
