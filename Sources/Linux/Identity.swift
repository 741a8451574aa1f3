import CLinux
import Glibc

/// Who this process is.
public enum Identity {
    /// Becomes an ordinary user for good, in every thread, with no supplementary group.
    public static func become(user: UInt32, group: UInt32) throws(SystemError) {
        try attempt("become user \(user)") { bk_drop_identity_all_threads(user, group) }
    }
}
