import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The slot's network namespace. It serves job after job, so it must hold no socket when the next one comes.
///
/// Sockets end with their processes, but for those that a job has sent over a socket which is itself on its way: nobody
/// holds them any more, and they live until the kernel looks for such circles (unix(7), SCM_RIGHTS). Until then the next
/// job would find their names, and could connect.
struct SlotNetwork: ~Copyable {
    /// Its table of AF_UNIX sockets, the only family that a job can have.
    private let table: Descriptor

    /// In the namespace, while the host's /proc is in view.
    init() throws(StepFailure) {
        table = try under(.emptyNetwork) { () throws(SystemError) in
            try Descriptor.open("/proc/self/net/unix", O_RDONLY)
        }
    }

    /// Comes back when no socket is left; to be called once nothing of the job is alive.
    /// - Throws: EBUSY where the kernel does not end what is left: such a namespace must not be used again.
    func becomeEmpty() throws(StepFailure) {
        let deadline = MonotonicClock.now + 2_000_000_000
        while try !isEmpty() {
            guard MonotonicClock.now < deadline else { throw StepFailure(.emptyNetwork, errno: EBUSY) }
            // The end of any AF_UNIX socket makes the kernel look, soon after.
            let socket = try performC(.emptyNetwork) {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            }
            close(socket)
            usleep(200)
        }
    }

    /// Whether the table is no more than its heading.
    private func isEmpty() throws(StepFailure) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 512)
        let descriptor = table.raw
        let count = try performC(.emptyNetwork) { pread(descriptor, &bytes, bytes.count, 0) }
        let lines = bytes[..<count].count { $0 == UInt8(ascii: "\n") }
        guard lines > 0 else { throw StepFailure(.emptyNetwork, errno: EIO) }
        return lines == 1
    }
}
