import CLinux
import Glibc
import LaunchProtocol
import Linux

/// One set-up step: a shim call whose failure stops everything that depends on it. EINTR is retried.
@inline(__always)
@discardableResult
func perform<Value: SignedInteger>(_ step: SetupStep, _ call: () -> Value) throws(StepFailure) -> Value {
    #if BULKHEAD_SABOTAGE
        if Sabotage.leavesOut(step.name) { return 0 }
    #endif
    do {
        return try attempt("", call)
    } catch {
        throw StepFailure(step, errno: error.errno)
    }
}

/// The same for calls of the C library that set errno.
@inline(__always)
@discardableResult
func performC<Value: SignedInteger>(_ step: SetupStep, _ call: () -> Value) throws(StepFailure) -> Value {
    try perform(step) { () -> Value in
        let result = call()
        return result < 0 ? -Value(errno) : result
    }
}

/// A larger operation as one step: its own error keeps the errno.
@inline(__always)
func under<Value: ~Copyable>(
    _ step: SetupStep, _ body: () throws(SystemError) -> Value
) throws(StepFailure) -> Value {
    do {
        return try body()
    } catch {
        throw StepFailure(step, errno: error.errno)
    }
}

/// Says why this process ends, on the descriptor that the driving process has left open for it.
func complain(_ text: String) {
    var line = "bulkhead-launcher: \(text)\n"
    line.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
}
