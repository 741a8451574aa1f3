import Glibc
import Linux

/// Whether other load made a job's timing doubtful: tasks waited for a CPU (PSI, Documentation/accounting/psi.rst), or
/// the hypervisor took time away (steal, proc(5)).
struct Contention {
    private let waited: UInt64?
    private let stolen: UInt64?

    /// Reads the counters as they are now; a host without them never reports contention.
    init() {
        waited = Self.pressure()
        stolen = Self.steal()
    }

    /// Whether between `self` and now more than a tenth of `duration` nanoseconds, and at least 2 ms, was lost.
    func exceeds(duration: UInt64) -> Bool {
        let now = Contention()
        func grew(_ before: UInt64?, _ after: UInt64?) -> UInt64 {
            guard let before, let after, after > before else { return 0 }
            return after - before
        }
        let lost = max(grew(waited, now.waited), grew(stolen, now.stolen))
        return lost >= 2_000_000 && lost > duration / 10
    }

    private static func pressure() -> UInt64? {
        guard let text = try? SmallFile.read("/proc/pressure/cpu") else { return nil }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let total = line.split(separator: " ").first(where: { $0.hasPrefix("total=") }),
            let microseconds = UInt64(total.dropFirst(6))
        else { return nil }
        return microseconds * 1_000
    }

    private static func steal() -> UInt64? {
        guard let text = try? SmallFile.read("/proc/stat", limit: 1 << 20), let line = text.split(separator: "\n").first
        else { return nil }
        // cpu user nice system idle iowait irq softirq steal, in ticks of 1/100 s.
        let fields = line.split(separator: " ")
        guard fields.count > 8, let ticks = UInt64(fields[8]) else { return nil }
        return ticks * 10_000_000
    }
}
