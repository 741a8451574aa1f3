import Glibc

/// The checkout that a program was built in: `/src` for `/src/.build/x86_64-unknown-linux-gnu/release/bulkhead`.
public enum SourceTree {
    /// How many folders a build may lie below its sources.
    private static let mostFolders = 6

    /// The nearest folder above a program that has a Package.swift. Policies and recipes are taken from there, by root too, so
    /// that it must be root's or of whom the program is, and not for everybody to write in: a program that was unpacked
    /// below /tmp would otherwise take its seccomp policy from whoever can write there (CWE-427).
    /// - Parameter executable: the program's path, links resolved.
    /// - Returns: nil where there is none, or the nearest is somebody else's.
    public static func around(executable: String) -> String? {
        var program = stat()
        guard stat(executable, &program) == 0 else { return nil }
        var folder = executable
        for _ in 0...mostFolders {
            guard let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else { return nil }
            folder = String(folder[..<slash])
            guard access("\(folder)/Package.swift", F_OK) == 0 else { continue }
            var status = stat()
            let isTrusted =
                lstat(folder, &status) == 0 && [0, program.st_uid].contains(status.st_uid)
                && status.st_mode & S_IWOTH == 0
            return isTrusted ? folder : nil
        }
        return nil
    }
}
