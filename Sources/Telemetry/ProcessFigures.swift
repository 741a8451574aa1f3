import Glibc
import Linux

/// What every process tells of itself, under the names that all Prometheus clients use
/// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics). What /proc does not say is left out.
public enum ProcessFigures {
    public static func families() -> [Family] {
        var families: [Family] = []
        if let status = SelfStatus() {
            families += [
                Family(
                    "process_cpu_seconds_total", .counter, help: "User and system CPU time of this process.",
                    value: status.cpuSeconds),
                Family(
                    "process_start_time_seconds", .gauge, help: "When this process started, since 1970.",
                    value: status.startTime),
                Family(
                    "process_resident_memory_bytes", .gauge, help: "Resident memory of this process.",
                    value: status.residentBytes),
                Family(
                    "process_virtual_memory_bytes", .gauge, help: "Virtual memory of this process.",
                    value: status.virtualBytes),
                Family("process_threads", .gauge, help: "Threads of this process.", value: status.threads),
            ]
        }
        if let count = openDescriptors() {
            families.append(
                Family("process_open_fds", .gauge, help: "Open file descriptors of this process.", value: count))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(
                Family(
                    "process_max_fds", .gauge, help: "File descriptors that this process may open.",
                    value: limit.rlim_cur == rlim_t.max ? Double.infinity : Double(limit.rlim_cur)))
        }
        return families
    }

    /// Fields of /proc/self/stat, by their numbers in proc_pid_stat(5).
    private struct SelfStatus {
        var cpuSeconds: Double
        var startTime: Double
        var residentBytes: Double
        var virtualBytes: Double
        var threads: Double

        init?() {
            guard let text = try? SmallFile.read("/proc/self/stat"), let name = text.lastIndex(of: ")") else {
                return nil
            }
            // The name may hold anything; field 3 is the first behind it.
            let fields = text[text.index(after: name)...].split(separator: " ").map { Double($0) }
            func field(_ number: Int) -> Double? { fields.indices.contains(number - 3) ? fields[number - 3] : nil }
            guard let user = field(14), let system = field(15), let threads = field(20), let start = field(22),
                let virtual = field(23), let resident = field(24), let boot = ProcessFigures.bootTime
            else { return nil }
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            cpuSeconds = (user + system) / ticks
            startTime = boot + start / ticks
            residentBytes = resident * Double(sysconf(Int32(_SC_PAGESIZE)))
            virtualBytes = virtual
            self.threads = threads
        }
    }

    private static let bootTime: Double? = (try? SmallFile.read("/proc/stat", limit: 1 << 20))?.split(separator: "\n")
        .lazy
        .first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }

    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without `.` and `..`, and the one that reads them.
        return max(0, count - 3)
    }
}
