import Glibc
import Linux
import Testing

@Suite("System calls")
struct SystemCallTests {
    // MARK: attempt

    @Test("a result is handed on")
    func result() throws {
        #expect(try attempt("step") { Int32(7) } == 7)
        #expect(try attempt("step") { Int64(0) } == 0)
    }

    @Test("a negative errno is an error that names the step")
    func failure() {
        #expect(throws: SystemError("step", errno: ENOENT)) { try attempt("step") { -ENOENT } }
        #expect(SystemError("step", errno: ENOENT).description == "step: No such file or directory")
    }

    @Test("EINTR is tried again, anything else is not")
    func interrupted() throws {
        var answers: [Int32] = [-EINTR, -EINTR, 5, 9]
        #expect(try attempt("step") { answers.removeFirst() } == 5)
        #expect(answers == [9])
        answers = [-EAGAIN, 1]
        #expect(throws: SystemError("step", errno: EAGAIN)) { try attempt("step") { answers.removeFirst() } }
        #expect(answers == [1])
    }

    @Test("the step's text is made only for an error")
    func lazyText() throws {
        var asked = 0
        func text() -> String {
            asked += 1
            return "step"
        }
        try attempt(text()) { Int32(0) }
        #expect(asked == 0)
        _ = try? attempt(text()) { -EPERM }
        #expect(asked == 1)
    }

    // MARK: small files

    @Test("reading is bounded, and an error names the file")
    func read() throws {
        #expect(try SmallFile.read("/proc/sys/kernel/ostype") == "Linux\n")
        #expect(throws: SystemError("open /proc/none", errno: ENOENT)) { try SmallFile.read("/proc/none") }
        #expect(throws: SystemError("read /proc/cpuinfo", errno: EFBIG)) {
            try SmallFile.read("/proc/cpuinfo", limit: 10)
        }
        #expect(throws: SystemError("read /proc", errno: EISDIR)) { try SmallFile.read("/proc") }
        #expect(SmallFile.exists("/proc/self"))
        #expect(!SmallFile.exists("/proc/none"))
    }

    @Test("a value is written in one call")
    func write() throws {
        let pipe = try Pipe()
        try SmallFile.write("max\n", to: pipe.writer.raw, name: "limit")
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(Glibc.read(pipe.reader.raw, &bytes, 16) == 4)
        #expect(throws: SystemError("write limit", errno: EBADF)) {
            try SmallFile.write("1", to: pipe.reader.raw, name: "limit")
        }
    }

    // MARK: poll

    @Test("what is ready, and in its place")
    func poll() throws {
        let first = try Pipe()
        let second = try Pipe()
        var set = PollSet()
        let one = set.add(first.reader.raw)
        let none = set.add(-1)
        let two = set.add(second.reader.raw)
        let out = set.add(second.writer.raw, for: POLLOUT)
        try set.wait(timeout: 0)
        #expect([one, none, two, out].map { set.isReady($0) } == [false, false, false, true])
        var byte: UInt8 = 1
        #expect(Glibc.write(second.writer.raw, &byte, 1) == 1)
        try set.wait()
        #expect([one, none, two, out].map { set.isReady($0) } == [false, false, true, true])
        #expect(!set.isHungUp(two))
        set.removeAll()
        #expect(set.add(first.reader.raw) == 0)
        try set.wait(timeout: 0)
        #expect(!set.isReady(0))
    }

    @Test("the end of the other side")
    func hangUp() throws {
        var ends: [Int32] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        close(ends[1])
        defer { close(ends[0]) }
        var set = PollSet()
        set.add(ends[0], for: 0)
        try set.wait(timeout: 0)
        #expect(set.isReady(0))
        #expect(set.isHungUp(0))
    }

    @Test("a time that is over leaves nothing ready; more than the capacity is an error")
    func limits() throws {
        var set = PollSet()
        set.add(-1)
        let started = MonotonicClock.now
        try set.wait(timeout: 2_000_000)
        #expect(MonotonicClock.now - started >= 2_000_000)
        #expect(!set.isReady(0))
        for _ in 0..<PollSet.capacity { set.add(-1) }
        #expect(throws: SystemError("poll", errno: EINVAL)) { try set.wait(timeout: 0) }
        var huge = PollSet()
        let pipe = try Pipe()
        huge.add(pipe.writer.raw, for: POLLOUT)
        try huge.wait(timeout: .max)
        #expect(huge.isReady(0))
    }

    @Test("until a deadline: not before it, at once for what is ready, at once where it is over")
    func deadline() throws {
        var set = PollSet()
        set.add(-1)
        let deadline = MonotonicClock.now + 20_000_000
        try set.wait(until: deadline)
        #expect(MonotonicClock.now >= deadline)
        #expect(!set.isReady(0))
        let pipe = try Pipe()
        let out = set.add(pipe.writer.raw, for: POLLOUT)
        try set.wait(until: .max)
        #expect(set.isReady(out))
        let over = set.add(-1)
        try set.wait(until: 1)
        #expect(set.isReady(out) && !set.isReady(over))
    }

    // MARK: descriptors and folders

    @Test("a descriptor is closed with its owner, and not when it was given away")
    func ownership() throws {
        func isOpen(_ raw: Int32) -> Bool { fcntl(raw, F_GETFD) >= 0 }
        var raw: Int32 = -1
        do {
            let file = try Descriptor.open("/dev/null", O_RDONLY)
            raw = file.raw
            #expect(fcntl(raw, F_GETFD) == FD_CLOEXEC)
        }
        #expect(!isOpen(raw))
        let released = try Descriptor.open("/dev/null", O_RDONLY).release()
        #expect(isOpen(released))
        close(released)
    }

    @Test("the names of a folder, more than once from one descriptor")
    func folder() throws {
        let folder = try Descriptor.open("/proc/self", O_RDONLY)
        for _ in 0..<2 {
            let names = try Folder.names(of: folder.raw)
            #expect(names.contains("status"))
            #expect(!names.contains(".") && !names.contains(".."))
        }
        #expect(throws: SystemError("list folder", errno: EOVERFLOW)) { try Folder.names(of: folder.raw, limit: 3) }
    }
}
