import CSeccomp

/// The names of errno values, as errno(3) lists them.
public enum ErrnoName {
    /// For example `EPERM` for 1; the number itself where it has no name.
    public static func text(_ number: UInt16) -> String {
        guard let name = bulkhead_errno_name(Int32(number)) else { return "errno \(number)" }
        return String(cString: name)
    }

    /// For example 1 for `EPERM`; nil for a name that this C library does not know.
    static func number(of name: String) -> UInt32? {
        (UInt16(1)...4095).first { text($0) == name }.map(UInt32.init)
    }
}
