import CLinux
import Glibc
import Linux

/// A wish to stop that a thread waiting in poll(2) can see.
final class Cancellation: Sendable {
    private let event: Descriptor

    init() throws(SystemError) {
        event = Descriptor(owning: try attempt("eventfd") { bk_eventfd() })
    }

    var descriptor: Int32 { event.raw }

    func cancel() {
        var one: UInt64 = 1
        // It fails only when it has been cancelled 2⁶⁴ times.
        _ = write(event.raw, &one, 8)
    }
}
