import Glibc
import Linux

/// How many descriptors this process may have.
enum DescriptorLimit {
    /// More connections than anybody serves programs over; each takes some kilobytes.
    private static let mostConnections = 4_096
    /// For files, timers, pipes and a Redis.
    private static let own = 224

    /// Raises the limit as far as that needs no privilege, for the usual one is there for select(2), which nothing here uses.
    /// - Parameter descriptors: that are needed for other things.
    /// - Returns: how many connections may be served at once, so that clients who hold connections open and send nothing
    ///   neither keep others out for long nor take the descriptors that jobs need.
    /// - Throws: `SystemError`.
    static func connections(besides descriptors: Int) throws -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw SystemError("getrlimit RLIMIT_NOFILE", errno: errno)
        }
        let wanted = rlim_t(mostConnections + own + descriptors)
        if limit.rlim_cur < wanted, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
                throw SystemError("setrlimit RLIMIT_NOFILE", errno: errno)
            }
        }
        let left = Int(min(limit.rlim_cur, rlim_t(1 << 20))) - own - descriptors
        return max(64, min(mostConnections, left))
    }
}
