import Foundation
import Glibc
import Synchronization
import Testing

@testable import Images

@Suite("Trees on disk")
struct TreeTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.makeDirectory("victim/folder")
        for number in 0..<20 { try directory.write("mine", to: "victim/\(number)") }
    }

    private var victims: Int {
        get throws { try FileSystem.names(in: "\(directory.path)/victim").count }
    }

    /// Runs `body` while another thread swaps each of the folders with a link to the victim, as fast as it can.
    private func swapping(_ count: Int, in folder: String, _ body: () -> Void) throws {
        for number in 0..<count {
            try directory.makeDirectory("\(folder)/d\(number)")
            for file in 0..<20 { try directory.write("", to: "\(folder)/d\(number)/\(file)") }
            symlink("\(directory.path)/victim", "\(directory.path)/\(folder)/l\(number)")
        }
        let path = "\(directory.path)/\(folder)"
        typealias Rename = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
        let exchange = unsafeBitCast(try #require(dlsym(nil, "renameat2")), to: Rename.self)
        let state = Mutex((isRunning: false, stop: false))
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            repeat {
                for number in 0..<count {
                    // RENAME_EXCHANGE
                    _ = exchange(AT_FDCWD, "\(path)/d\(number)", AT_FDCWD, "\(path)/l\(number)", 2)
                }
                state.withLock { $0.isRunning = true }
            } while state.withLock { !$0.stop }
            ended.signal()
        }
        while state.withLock({ !$0.isRunning }) { sched_yield() }
        body()
        state.withLock { $0.stop = true }
        ended.wait()
    }

    @Test("whoever swaps folders for links meanwhile leads no removal elsewhere")
    func removal() throws {
        for round in 0..<40 {
            // What is swapped away under it is an error, and nothing more.
            try swapping(20, in: "tree\(round)") { try? Tree(path: "\(directory.path)/tree\(round)").remove() }
            guard try victims == 21 else { break }
        }
        #expect(try victims == 21)
    }

    @Test("nor a change of owners and modes", .enabled(if: geteuid() == 0, "needs root"))
    func stripping() throws {
        chmod("\(directory.path)/victim", 0o777)
        for number in 0..<20 { chmod("\(directory.path)/victim/\(number)", 0o666) }
        for round in 0..<20 {
            try swapping(20, in: "tree\(round)") {
                try? RootFilesystem(path: "\(directory.path)/tree\(round)", owner: 12_345, group: 12_345).strip()
            }
        }
        #expect(directory.mode("victim") == 0o777)
        #expect((0..<20).allSatisfy { directory.mode("victim/\($0)") == 0o666 })
    }

    @Test("a tree is removed however deep it is, and walked no deeper than an image is")
    func depth() throws {
        try directory.makeDirectory("deep")
        var folder = open("\(directory.path)/deep", O_RDONLY | O_DIRECTORY)
        for level in 0..<3_000 {
            mkdirat(folder, "folder", 0o755)
            if level % 100 == 0 { mkdirat(folder, ".deep-0", 0o755) }
            let inner = openat(folder, "folder", O_RDONLY | O_DIRECTORY)
            close(folder)
            folder = inner
        }
        close(folder)
        #expect(throws: ImageError.self) { try Tree(path: "\(directory.path)/deep").bytes() }
        try Tree(path: "\(directory.path)/deep").remove()
        #expect(!directory.exists("deep"))
    }

    @Test("what others own and can write is removed all the same", .enabled(if: geteuid() == 0, "needs root"))
    func foreign() throws {
        try directory.makeDirectory("tree/a/b")
        try directory.write("", to: "tree/a/b/file")
        for name in ["tree/a/b/file", "tree/a/b", "tree/a"] {
            chown("\(directory.path)/\(name)", 12_345, 12_345)
            chmod("\(directory.path)/\(name)", 0o777)
        }
        try Tree(path: "\(directory.path)/tree").remove()
        #expect(!directory.exists("tree"))
    }
}
