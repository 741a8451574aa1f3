import Foundation
import Glibc

extension Image {
    /// Has the kernel read the image's programs and libraries ahead, on this process's account.
    ///
    /// Page cache is charged to the control group that first touches it. Without this the first job of a language pays for
    /// the interpreter in time and in memory: node then peaks at 104 MB, and at 14.5 MB afterwards.
    /// - Parameter limit: the most bytes to read.
    /// - Returns: the bytes that the kernel was asked to read.
    public func readAhead(limit: Int) -> Int {
        var asked = 0
        for folder in ["usr/bin", "usr/lib", "usr/libexec"] {
            // A folder that an image lacks has no entries.
            guard let entries = FileManager.default.enumerator(atPath: "\(rootfs)/\(folder)") else { continue }
            for case let entry as String in entries {
                let file = Glibc.open("\(rootfs)/\(folder)/\(entry)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
                // Links, and what this process may not read, jobs may or may not need: it is only advice.
                guard file >= 0 else { continue }
                defer { close(file) }
                var status = stat()
                guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                guard asked + Int(status.st_size) <= limit else { return asked }
                if posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED) == 0 { asked += Int(status.st_size) }
            }
        }
        return asked
    }
}
