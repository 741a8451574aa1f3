import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Puts files into a parked sandbox's /box. No code of a job has run in it yet, and still every name is resolved beneath
/// the folder's descriptor, without symbolic links (openat2(2)): what runs as root here never trusts a path.
struct FileDelivery: ~Copyable {
    private var current: Descriptor?
    private var currentPath = ""
    /// A file that was made before its content was known, and that content has not come.
    private var held: Descriptor?
    private var heldPath = ""

    init() {
        current = nil
        held = nil
    }

    /// Whether everything came that was announced.
    var isComplete: Bool { held == nil }

    /// Makes a file whose content is to follow.
    /// - Returns: the file, for as long as its content has not come.
    mutating func announce(_ path: String, in box: borrowing Descriptor, owner: UInt32) throws(StepFailure) -> Int32 {
        let file = try create(path, executable: false, in: box, owner: owner)
        let number = file.raw
        held = consume file
        heldPath = path
        return number
    }

    /// Takes one chunk.
    mutating func take(
        path: String, begins: Bool, executable: Bool, bytes: [UInt8], into box: borrowing Descriptor, owner: UInt32
    ) throws(StepFailure) {
        if begins {
            current = nil
            if path == heldPath, let file = held.take() {
                if executable {
                    let number = file.raw
                    try performC(.writeFile) { fchmod(number, 0o755) }
                }
                current = consume file
            } else {
                current = try create(path, executable: executable, in: box, owner: owner)
            }
            currentPath = path
        }
        guard path == currentPath, let file = current?.raw else { throw StepFailure(.protocolViolation, errno: EPROTO) }
        var written = 0
        while written < bytes.count {
            written += try performC(.writeFile) {
                bytes.withUnsafeBytes { write(file, $0.baseAddress?.advanced(by: written), bytes.count - written) }
            }
        }
    }

    private func create(
        _ path: String, executable: Bool, in box: borrowing Descriptor, owner: UInt32
    ) throws(StepFailure) -> Descriptor {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !names.isEmpty, names.count <= 32, path.utf8.count < 4_096,
            names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) })
        else { throw StepFailure(.writeFile, errno: EINVAL) }
        var folder = box.raw
        var opened: Descriptor?
        for name in names.dropLast() {
            let isNew = mkdirat(folder, String(name), 0o755) == 0
            if !isNew, errno != EEXIST { throw StepFailure(.writeFile, errno: errno) }
            let parent = folder
            let next = Descriptor(
                owning: try perform(.writeFile) {
                    bk_openat2_beneath(parent, String(name), UInt64(O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC), 0)
                })
            folder = next.raw
            if isNew { try performC(.writeFile) { fchown(folder, owner, owner) } }
            opened = consume next
        }
        let mode: UInt64 = executable ? 0o755 : 0o644
        let parent = folder
        let file = Descriptor(
            owning: try perform(.writeFile) {
                bk_openat2_beneath(
                    parent, String(names.last ?? ""), UInt64(O_WRONLY | O_CREAT | O_EXCL | BK_O_CLOEXEC), mode)
            })
        _ = consume opened
        try performC(.writeFile) { fchown(file.raw, owner, owner) }
        return file
    }
}
