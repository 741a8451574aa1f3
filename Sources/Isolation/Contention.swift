import Glibc
import Linux

/// Whether other load made a job's timing doubtful: tasks waited for a CPU (PSI, Documentation/accounting/psi.rst), or
/// the hypervisor took time away (steal, proc(5)).
struct Contention {
    private let waited: UInt64?
    private let stolen: UInt64?

    /// The least that counts, in nanoseconds.
    private static let least: UInt64 = 2_000_000

    /// Reads the counters as they are now; a host without them never reports contention. Not free, so not while a job
    /// waits for it.
    init() {
        waited = Self.pressure()
        stolen = Self.steal()
    }

    /// Whether between `self` and now more than a tenth of `duration` nanoseconds, and at least 2 ms, was lost.
    func exceeds(duration: UInt64) -> Bool {
        // What was over sooner cannot have lost so much.
        guard duration >= Self.least else { return false }
        let now = Contention()
        func grew(_ before: UInt64?, _ after: UInt64?) -> UInt64 {
            guard let before, let after, after > before else { return 0 }
            return after - before
        }
        let lost = max(grew(waited, now.waited), grew(stolen, now.stolen))
        return lost >= Self.least && lost > duration / 10
    }

    private static let pressureFile = HostCounter("/proc/pressure/cpu")
    private static let statFile = HostCounter("/proc/stat")

    private static func pressure() -> UInt64? {
        // some avg10=0.00 avg60=0.00 avg300=0.00 total=0, in microseconds; the first line of two.
        let total = try? pressureFile.file?.number(after: "total", by: UInt8(ascii: "="))
        return total.map { $0 * 1_000 }
    }

    private static func steal() -> UInt64? {
        // cpu user nice system idle iowait irq softirq steal, in ticks of 1/100 s.
        let ticks = try? statFile.file?.numberOfFirstLine(7)
        return ticks.map { $0 * 10_000_000 }
    }
}

/// A counter of the host that stays open for as long as this process lives; without one where the host has none.
private final class HostCounter: Sendable {
    let file: CounterFile?

    init(_ name: StaticString) {
        do throws(SystemError) {
            file = try CounterFile(name)
        } catch {
            file = nil
        }
    }
}
