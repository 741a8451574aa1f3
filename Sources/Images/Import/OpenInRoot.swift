import CLinux
import Glibc

/// Opens a folder with `folder` as the root of the path and of every link in it; answers the descriptor, or `-errno`.
///
/// A path of bytes: names in archives need not be UTF-8.
func openInRoot(_ folder: Int32, _ path: UnsafePointer<CChar>, flags: Int32 = O_RDONLY | O_DIRECTORY) -> Int32 {
    while true {
        let result = bk_openat2_in_root(folder, path, UInt64(flags | O_CLOEXEC), 0)
        // EAGAIN: something in the file system was renamed meanwhile, and the kernel could not be sure (openat2(2)).
        if result != -EINTR && result != -EAGAIN { return result }
    }
}
