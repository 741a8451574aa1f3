import ArgumentParser
import Foundation
import Isolation
import Jobs
import Linux

/// Where `bulkhead run` puts collected files: a folder that was opened before the program ran.
///
/// The process that runs programs is by then a user who may write nowhere. So a process of its own writes, as the user who
/// called sudo, else as the owner of the folder; it was started before root was given up, and takes the files over a pipe.
/// A job chose their names: each is resolved beneath the folder, without links, and no file is replaced unless asked for.
struct CollectedFolder {
    private let input: Int32
    private let writer: pid_t

    /// Opens the folder; before anything is started, so that a wrong name costs nothing.
    static func open(_ path: String) throws -> Int32 {
        do {
            return try Descriptor.open(path, O_RDONLY | O_DIRECTORY).release()
        } catch {
            throw ValidationError("--collect-to: cannot open the folder \(path): \(SystemError.text(error.errno))")
        }
    }

    /// Starts the writer. Must be called as root.
    /// - Parameters:
    ///   - folder: what `open` gave; taken over.
    ///   - replace: whether files that are there already are replaced.
    /// - Throws: `SystemError` when the writer cannot be started.
    init(folder: Int32, replace: Bool) throws {
        let folder = Descriptor(owning: folder)
        var status = stat()
        guard fstat(folder.raw, &status) == 0 else { throw SystemError("stat folder", errno: errno) }
        let environment = ProcessInfo.processInfo.environment
        let caller = environment["SUDO_UID"].flatMap { UInt32($0) }
        let user = caller ?? status.st_uid
        let group = caller == nil ? status.st_gid : environment["SUDO_GID"].flatMap { UInt32($0) } ?? status.st_gid
        let pipe = try Linux.Pipe()
        var words = [Installation.executable, WriteFilesCommand.name, "--uid", "\(user)", "--gid", "\(group)"]
        if replace { words.append("--replace") }
        let vector = words.map { strdup($0) } + [nil]
        // The libraries of this binary may be found by LD_LIBRARY_PATH alone.
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in vector + variables { free(text) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // In this order: the pipe may have the number that the folder gets.
        posix_spawn_file_actions_adddup2(&actions, pipe.reader.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, folder.raw, WriteFilesCommand.folder)
        var pid: pid_t = 0
        let error = posix_spawn(&pid, words[0], &actions, nil, vector, variables)
        guard error == 0 else { throw SystemError("posix_spawn", errno: error) }
        writer = pid
        input = pipe.writer.release()
    }

    /// Ends the writer, after it has written these files.
    /// - Returns: whether every file was written; what was not is said on standard error.
    func finish(_ files: [CollectedFile]) -> Bool {
        var bytes = ByteWriter()
        let whole = files.compactMap { file in file.contents.map { (file.path, [UInt8]($0)) } }
        bytes.put(UInt16(whole.count))
        for (path, contents) in whole {
            bytes.put(path)
            bytes.put(contents)
        }
        let handle = FileHandle(fileDescriptor: input, closeOnDealloc: false)
        // A writer that has ended says so by its status.
        try? handle.write(contentsOf: Data(bytes.bytes))
        close(input)
        var status: Int32 = 0
        while waitpid(writer, &status, 0) < 0, errno == EINTR {}
        return status == 0
    }
}

/// The writing process of `CollectedFolder`.
struct WriteFilesCommand: ParsableCommand {
    static let name = "write-files"
    /// The descriptor of the folder.
    static let folder: Int32 = 3
    static let configuration = CommandConfiguration(
        commandName: name, abstract: "Part of bulkhead run.", shouldDisplay: false)

    @Option var uid: UInt32
    @Option var gid: UInt32
    @Flag var replace = false

    func run() throws {
        if geteuid() == 0, uid != 0 { try Identity.become(user: uid, group: gid) }
        var bytes: [UInt8] = []
        while let more = try FileHandle.standardInput.read(upToCount: 1 << 20), !more.isEmpty {
            bytes += more
            guard bytes.count <= CollectedFile.mostBytes + (1 << 20) else { throw ExitCode(EX_DATAERR) }
        }
        // The command that runs the program ended without a word: it was killed, or nothing came to be.
        if bytes.isEmpty { return }
        var reader = ByteReader(bytes)
        var isWhole = true
        for _ in 0..<(try reader.number(UInt16.self)) {
            let path = try reader.string()
            let contents = try reader.byteArray()
            do {
                try write(contents, to: path)
            } catch {
                isWhole = false
                let hint = error.errno == EEXIST ? " (--force replaces it)" : ""
                note("cannot write \(path.printable): \(SystemError.text(error.errno))\(hint)")
            }
        }
        try reader.end()
        if !isWhole { throw ExitCode(EX_CANTCREAT) }
    }

    private func write(_ contents: [UInt8], to path: String) throws(SystemError) {
        let names = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let name = names.last, names.count <= PathPattern.mostComponents,
            names.allSatisfy({ !["", ".", ".."].contains($0) && !$0.utf8.contains(0) })
        else { throw SystemError("path", errno: EINVAL) }
        var folder = try Descriptor.openBeneath(Self.folder, ".", O_RDONLY | O_DIRECTORY)
        for name in names.dropLast() {
            try Folder.make(name, in: folder.raw)
            folder = try Descriptor.openBeneath(folder.raw, name, O_RDONLY | O_DIRECTORY)
        }
        // What is there is taken away and never written to: it may be a link, or a FIFO that somebody reads.
        if replace, unlinkat(folder.raw, name, 0) != 0, errno != ENOENT { throw SystemError("unlink", errno: errno) }
        let file = try Descriptor.openBeneath(folder.raw, name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        var written = 0
        while written < contents.count {
            written += try attempt("write") { () -> Int in
                let count = contents.withUnsafeBytes {
                    Foundation.write(file.raw, $0.baseAddress?.advanced(by: written), contents.count - written)
                }
                return count < 0 ? -Int(errno) : count
            }
        }
    }
}
