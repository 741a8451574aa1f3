import CLinux
import Glibc

/// ppoll(2) over a few descriptors, without allocating.
public struct PollSet {
    /// The most descriptors that one set holds.
    public static let capacity = 16

    private var descriptors: [Int32] = []
    private var events: [Int16] = []
    private var returned: [Int16] = []

    public init() {
        descriptors.reserveCapacity(Self.capacity)
        events.reserveCapacity(Self.capacity)
        returned.reserveCapacity(Self.capacity)
    }

    /// Adds a descriptor; a negative one keeps its place and is never ready.
    /// - Returns: its index, for `isReady`.
    @discardableResult
    public mutating func add(_ descriptor: Int32, for event: Int32 = POLLIN) -> Int {
        descriptors.append(descriptor)
        events.append(Int16(event))
        returned.append(0)
        return descriptors.count - 1
    }

    public mutating func removeAll() {
        descriptors.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
        returned.removeAll(keepingCapacity: true)
    }

    /// Waits until one is ready or the time is over.
    /// - Parameter timeout: nanoseconds; nil waits without end.
    /// - Throws: `SystemError`; an interruption by a signal is not one, and leaves nothing ready.
    public mutating func wait(timeout: UInt64? = nil) throws(SystemError) {
        let limit = timeout.map { Int64(min($0, UInt64(Int64.max))) } ?? -1
        let result = bk_ppoll(&descriptors, &events, &returned, Int32(descriptors.count), limit)
        if result == -EINTR {
            for index in returned.indices { returned[index] = 0 }
            return
        }
        if result < 0 { throw SystemError("poll", errno: -result) }
    }

    /// Waits until one is ready or the clock has come to `deadline`, and no longer.
    ///
    /// The kernel lets a poll come back late by a thousandth of its timeout, of a niced process by five, up to 100 ms
    /// (fs/select.c): a deadline of a minute would be missed by as much. So most of the time is waited for first, and the
    /// rest, which is ever less, anew.
    /// - Parameter deadline: on `MonotonicClock`.
    /// - Throws: `SystemError`.
    public mutating func wait(until deadline: UInt64) throws(SystemError) {
        while true {
            let now = MonotonicClock.now
            guard now < deadline else { return try wait(timeout: 0) }
            let left = deadline - now
            try wait(timeout: left > 2_000_000 ? left - left / 64 : left)
            if returned.contains(where: { $0 != 0 }) { return }
        }
    }

    /// Whether a descriptor is ready, has an error or was hung up.
    public func isReady(_ index: Int) -> Bool { returned[index] != 0 }

    /// Whether the descriptor's peer is gone.
    public func isHungUp(_ index: Int) -> Bool { returned[index] & Int16(POLLHUP | POLLERR) != 0 }
}
