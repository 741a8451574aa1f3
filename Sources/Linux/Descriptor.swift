import CLinux
import Glibc

/// An open file descriptor that has one owner and is closed with it.
@frozen
public struct Descriptor: ~Copyable, Sendable {
    public let raw: Int32

    /// Takes over a descriptor that nobody else closes.
    public init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        // Whatever close answers, the descriptor is gone (close(2)); retrying could close somebody else's.
        _ = Glibc.close(raw)
    }

    /// Gives the descriptor away; the caller closes it.
    public consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }
}

extension Descriptor {
    /// Opens a path with O_CLOEXEC.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0, step: String? = nil
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: try attempt(step ?? "open \(path)") { bk_open(path, flags | BK_O_CLOEXEC, mode) })
    }

    /// Opens a name below this folder with O_CLOEXEC.
    public func open(
        _ name: String, _ flags: Int32, mode: UInt32 = 0, step: String? = nil
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt(step ?? "open \(name)") { bk_openat(raw, name, flags | BK_O_CLOEXEC, mode) })
    }

    /// Opens a path beneath a folder with O_CLOEXEC, through no link and into no other mount (openat2(2)).
    public static func openBeneath(
        _ folder: Int32, _ path: String, _ flags: Int32, mode: UInt32 = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt("open \(path)") {
                bk_openat2_beneath(folder, path, UInt64(flags | BK_O_CLOEXEC), UInt64(mode))
            })
    }

    /// Opens a path with O_CLOEXEC as a process would whose root the folder is: links, absolute ones too, lead to where they would
    /// lead there, and nothing leads out of the folder or into another mount (openat2(2)).
    public static func openInRoot(
        _ folder: Int32, _ path: String, _ flags: Int32, mode: UInt32 = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt("open \(path)") {
                bk_openat2_in_root(folder, path, UInt64(flags | BK_O_CLOEXEC), UInt64(mode))
            })
    }
}
