import Glibc

/// The uids, and gids of the same numbers, that are Bulkhead's own on a host: no person and no other service has one of them.
public enum HostUsers {
    /// The first: above what systemd's tools and useradd give out, below 2³¹ (systemd's docs/UIDS-GIDS.md lists
    /// 1879048192…2147483647 as unused).
    public static let first: UInt32 = 1_900_000_000
    /// How many one instance of the engine has.
    public static let perInstance: UInt32 = 1_024
    /// The most instances of the engine on one host.
    public static let instances: UInt32 = 64

    /// Whoever reads or runs what strangers made for an image, on behalf of this process: above the engine's, and another one for
    /// each process that lives (the kernel's process ids end at 2²²).
    public static var builder: UInt32 { first + instances * perInstance + UInt32(bitPattern: getpid()) }
}
