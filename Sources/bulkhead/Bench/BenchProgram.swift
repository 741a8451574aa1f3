import Foundation
import Isolation
import Jobs
import Worker

/// The programs that are measured: static, so that nothing but themselves is, and compiled in the sandbox by the image's
/// own compiler, so that no binary has to be shipped.
enum BenchProgram {
    /// Compiles one C source.
    /// - Parameters:
    ///   - source: the program.
    ///   - options: the compiler's, besides those for a small static program.
    ///   - engine: with the default image as its first.
    /// - Returns: the executable's bytes.
    /// - Throws: `IsolationError` with the compiler's words.
    static func compile(_ source: String, with options: [String], in engine: Engine) async throws -> [UInt8] {
        let outcome = try await engine.run(
            SandboxConfiguration(
                arguments: ["/usr/bin/gcc", "-O2", "-static", "-s", "-o", "program", "program.c"] + options,
                environment: ["PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"],
                files: [.init(path: "program.c", contents: Array(source.utf8))], limits: Limits.compile.resources,
                outputLimit: 65_536, collect: ["program"], collectLimit: 4 << 20))
        guard let file = outcome.files.first else {
            throw IsolationError(
                .host,
                "the test program does not compile: \(String(decoding: outcome.standardError.bytes, as: UTF8.self))")
        }
        return file.contents
    }

    /// A program as a file outside every sandbox, for as long as this is held.
    final class Placed {
        let path: String

        /// - Throws: `IsolationError` where it cannot be written.
        init(_ program: [UInt8]) throws {
            // This process is not root any more: a folder that anybody may write to.
            let folder = NSTemporaryDirectory() + "bulkhead-bench-\(UUID().uuidString)"
            path = folder + "/program"
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
                try Data(program).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
            } catch {
                throw IsolationError(.host, "cannot write \(path): \(error)")
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
    }
}
