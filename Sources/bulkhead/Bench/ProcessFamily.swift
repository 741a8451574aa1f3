import Glibc
import Linux

/// Processes by descent, and what they use, as /proc shows it to root.
enum ProcessFamily {
    private struct Entry {
        var pid: Int32
        var parent: Int32
        /// Nanoseconds of children that have ended, in steps of a clock tick.
        var endedChildren: UInt64

        init?(pid: Int32) {
            guard let text = try? SmallFile.read("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else {
                return nil
            }
            // State, parent, …; cutime and cstime are the 16th and 17th field of all (proc(5)).
            let fields = text[text.index(after: close)...].split(separator: " ")
            guard fields.count > 14, let parent = Int32(fields[1]), let user = UInt64(fields[13]),
                let system = UInt64(fields[14])
            else { return nil }
            self.pid = pid
            self.parent = parent
            endedChildren = (user + system) * 1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK)))
        }

        static func all() throws -> [Entry] {
            let folder = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY)
            return try Folder.names(of: folder.raw).compactMap { Int32($0) }.compactMap(Entry.init)
        }
    }

    private static func family(of root: Int32) throws -> [Entry] {
        let all = try Entry.all()
        var members: Set<Int32> = [root]
        // Parents may stand after their children.
        while case let more = Set(all.filter { members.contains($0.parent) }.map(\.pid)).subtracting(members),
            !more.isEmpty
        {
            members.formUnion(more)
        }
        return all.filter { members.contains($0.pid) }
    }

    /// User and system time in nanoseconds of a process, of all that descend from it, and of those of them that have ended
    /// and were waited for. Of the last it may lack a clock tick (10 ms) for each process that lives.
    static func cpuTime(of root: Int32) throws -> UInt64 {
        try family(of: root).reduce(0) { sum, entry in
            var time = timespec()
            // CPUCLOCK_SCHED of another process, as clock_getcpuclockid(3) makes it; it may just have ended.
            let clock = clockid_t((~entry.pid << 3) | 2)
            guard clock_gettime(clock, &time) == 0 else { return sum + entry.endedChildren }
            return sum + UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec) + entry.endedChildren
        }
    }

    /// Nanoseconds between two looks at a family's time. A process that nobody waits for takes its time with it: where that was
    /// more than all the others have spent since, none.
    static func elapsed(from before: UInt64, to after: UInt64) -> Double { after > before ? Double(after - before) : 0 }

    /// Bytes of memory of a process and all that descend from it, each page that several map shared out among them (PSS).
    static func memory(of root: Int32) throws -> (bytes: Int, processes: Int) {
        let family = try family(of: root)
        let bytes = try family.reduce(0) { sum, entry in
            let text = try SmallFile.read("/proc/\(entry.pid)/smaps_rollup")
            let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return sum + (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
        }
        return (bytes, family.count)
    }

    /// The direct children of a process.
    static func children(of parent: Int32) throws -> [Int32] {
        try Entry.all().filter { $0.parent == parent }.map(\.pid)
    }

    /// How long each kernel thread has run, in nanoseconds. One that ends in between takes its time with it.
    static func kernelThreads() throws -> [Int32: UInt64] {
        var times: [Int32: UInt64] = [:]
        // All of them are children of kthreadd, which is 2.
        for entry in try Entry.all() where entry.parent == 2 || entry.pid == 2 {
            guard let text = try? SmallFile.read("/proc/\(entry.pid)/schedstat"),
                let time = text.split(separator: " ").first.flatMap({ UInt64($0) })
            else { continue }
            times[entry.pid] = time
        }
        return times
    }

    /// Nanoseconds that all kernel threads together have run since.
    static func kernelTime(since before: [Int32: UInt64]) throws -> UInt64 {
        try kernelThreads().reduce(0) { sum, thread in
            // A number may have been given to another thread.
            let then = before[thread.key] ?? 0
            return sum + (thread.value >= then ? thread.value - then : thread.value)
        }
    }
}
