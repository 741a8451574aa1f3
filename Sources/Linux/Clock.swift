import CLinux

/// CLOCK_MONOTONIC, the clock of every deadline: it never jumps with the wall clock (clock_gettime(2)).
public enum MonotonicClock {
    /// Nanoseconds since an unspecified start, the same for all processes of a boot.
    public static var now: UInt64 { bk_monotonic_ns() }
}
