import Glibc

/// A system call that failed: what was being done, and the kernel's reason.
public struct SystemError: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, such as `mount proc`.
    public var step: String
    /// The errno of errno(3).
    public var errno: Int32

    public init(_ step: String, errno: Int32) {
        self.step = step
        self.errno = errno
    }

    public var description: String { "\(step): \(Self.text(errno))" }

    /// The kernel's sentence for an errno, such as `Operation not permitted`.
    public static func text(_ errno: Int32) -> String {
        guard let text = strerror(errno) else { return "errno \(errno)" }
        return String(cString: text)
    }
}

/// The result of a shim call, or its `-errno` as an error that names the step. EINTR is retried here and nowhere else.
@inline(__always)
@discardableResult
public func attempt<Value: SignedInteger>(
    _ step: @autoclosure () -> String, _ call: () -> Value
) throws(SystemError) -> Value {
    while true {
        let result = call()
        if result >= 0 { return result }
        if result == -Value(EINTR) { continue }
        throw SystemError(step(), errno: Int32(-result))
    }
}
