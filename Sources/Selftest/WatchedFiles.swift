import Foundation
import Glibc
import Linux

/// Files of the host that no job may change, as they were before the first attack. They are held open, for the process
/// gives up root in between, and read through the page cache, which is where some attacks write.
public struct WatchedFiles: Sendable {
    private let files: [File]

    private struct File: Sendable {
        var path: String
        var descriptor: Int32
        var contents: Data
    }

    /// Files beyond this are not read whole.
    private static let most = 32 << 20

    /// - Parameter paths: those that cannot be opened are left out.
    public init(_ paths: [String]) {
        files = paths.compactMap { path in
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0, let contents = try? Self.read(descriptor) else { return nil }
            return File(path: path, descriptor: descriptor, contents: contents)
        }
    }

    var count: Int { files.count }

    /// What has become of them.
    func judge() -> Judgement {
        guard !files.isEmpty else { return .unjudged("no file could be watched") }
        do {
            for file in files {
                guard try Self.read(file.descriptor) == file.contents else {
                    return .escaped("\(file.path) was changed")
                }
            }
        } catch {
            return .unjudged("a watched file cannot be read any more: \(error)")
        }
        return .contained("\(files.count) files outside, read again, are what they were")
    }

    private static func read(_ descriptor: Int32) throws -> Data {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError("fstat", errno: errno) }
        var data = Data(count: min(Int(status.st_size), most))
        let size = data.count
        let count = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, size, 0) }
        guard count == size else { throw SystemError("read", errno: count < 0 ? errno : EIO) }
        return data
    }
}
