import NIOCore
import NIOPosix

/// The threads that serve connections.
public enum EventLoops {
    /// Comes back when each of them has taken a task: not before one that is stuck goes on.
    /// - Returns: false where one has ended.
    public static func allAnswer() async -> Bool {
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            do { try await loop.submit {}.get() } catch { return false }
        }
        return true
    }
}
