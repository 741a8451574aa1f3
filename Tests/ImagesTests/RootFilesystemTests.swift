import Foundation
import Glibc
import Testing

@testable import Images

@Suite("Tidying, stripping and checking a tree")
struct RootFilesystemTests {
    private let directory: TemporaryDirectory
    private let filesystem: RootFilesystem

    /// A tree that could be an image's, belonging to whoever runs the tests.
    init() throws {
        directory = try TemporaryDirectory()
        for name in [
            "usr/bin", "usr/lib", "usr/sbin", "usr/share/doc/x", "etc/apt", "var/log", "tmp", "dev", "proc", "sys",
            "box",
        ] { try directory.makeDirectory(name) }
        for (link, target) in RootFilesystem.mergedLinks { symlink(target, "\(directory.path)/\(link)") }
        try directory.write("program", to: "usr/bin/program", mode: 0o755)
        filesystem = RootFilesystem(path: directory.path, owner: getuid(), group: getgid())
    }

    private var findings: String {
        do {
            try filesystem.verify()
            return ""
        } catch {
            return error.description
        }
    }

    @Test("a sound tree passes")
    func sound() throws {
        try filesystem.strip()
        #expect(findings == "")
        #expect(directory.mode("tmp") == 0o755)
        #expect(directory.mode("usr/bin/program") == 0o755)
    }

    @Test(
        "set-id bits and others' write bits are seen, and gone after stripping",
        arguments: [
            (mode_t(0o4755), mode_t(0o755), "set-id"), (0o2755, 0o755, "set-id"), (0o666, 0o644, "written by others"),
            (0o664, 0o644, "written by others"),
        ])
    func modes(before: mode_t, after: mode_t, finding: String) throws {
        try filesystem.strip()
        chmod("\(directory.path)/usr/bin/program", before)
        #expect(findings.contains("usr/bin/program") && findings.contains(finding))
        try filesystem.strip()
        #expect(directory.mode("usr/bin/program") == after)
        #expect(findings == "")
    }

    @Test("directories lose their privileges too, /tmp like the others")
    func directories() throws {
        try directory.makeDirectory("var/mail")
        chmod("\(directory.path)/var/mail", 0o2775)
        chmod("\(directory.path)/var/log", 0o1777)
        #expect(findings.contains("var/mail has a set-id bit"))
        #expect(findings.contains("var/log can be written by others"))
        try filesystem.strip()
        #expect(directory.mode("var/mail") == 0o755)
        #expect(directory.mode("var/log") == 0o755)
        chmod("\(directory.path)/tmp", 0o1777)
        #expect(findings.contains("/tmp can be written by others"))
    }

    @Test("pipes and sockets are seen and removed; links stay and are not followed")
    func specials() throws {
        try filesystem.strip()
        mkfifo("\(directory.path)/usr/lib/pipe", 0o644)
        let outside = try TemporaryDirectory()
        try outside.write("host", to: "file", mode: 0o666)
        symlink("\(outside.path)/file", "\(directory.path)/usr/lib/link")
        #expect(findings.contains("usr/lib/pipe is a device, pipe or socket"))
        try filesystem.strip()
        #expect(!directory.exists("usr/lib/pipe"))
        #expect(directory.exists("usr/lib/link"))
        #expect(outside.mode("file") == 0o666)
        #expect(findings == "")
    }

    @Test("a file of another owner is seen")
    func owners() throws {
        try filesystem.strip()
        let other = RootFilesystem(path: directory.path, owner: getuid() + 1, group: getgid())
        #expect(throws: ImageError.self) { try other.verify() }
    }

    @Test("a tree without the mount points or without merged /usr is no image")
    func shape() throws {
        try filesystem.strip()
        rmdir("\(directory.path)/proc")
        unlink("\(directory.path)/lib")
        mkdir("\(directory.path)/lib", 0o755)
        #expect(findings.contains("/proc is missing"))
        #expect(findings.contains("/lib is not a link to usr/lib"))
    }

    @Test("tidying leaves no trace of the build host and the accounts that a job needs")
    func tidy() throws {
        try directory.write("nameserver 192.0.2.1", to: "etc/resolv.conf")
        try directory.write("0123456789abcdef", to: "etc/machine-id")
        try directory.write("deb http://mirror.example.org/ x main", to: "etc/apt/sources.list")
        try directory.write("log", to: "var/log/dpkg.log")
        try directory.write("left", to: "tmp/left")
        chmod("\(directory.path)/tmp", 0o1777)
        let outside = try TemporaryDirectory()
        try outside.write("host", to: "file")
        symlink(outside.path, "\(directory.path)/run")
        try filesystem.tidy(users: [.box])
        try filesystem.strip()
        #expect(findings == "")
        #expect(directory.mode("tmp") == 0o755)
        for name in ["etc/apt", "var/log/dpkg.log", "tmp/left", "usr/share/doc"] { #expect(!directory.exists(name)) }
        #expect(outside.exists("file"))
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(directory.path)/\(name)", encoding: .utf8)
        }
        #expect(try text("etc/resolv.conf") == "")
        #expect(try text("etc/machine-id") == "")
        #expect(try text("etc/hostname") == "sandbox\n")
        #expect(try text("etc/passwd").contains("\nbox:x:1000:1000::/box:/bin/sh\n"))
        #expect(try text("etc/group").contains("\nbox:x:1000:\n"))
    }

    @Test("file capabilities and access lists are seen and removed", .enabled(if: geteuid() == 0, "needs root"))
    func capabilities() throws {
        try filesystem.strip()
        // struct vfs_cap_data, revision 2, CAP_NET_RAW effective and permitted.
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12)
        typealias Set =
            @convention(c) (
                UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32
            ) -> Int32
        let set = unsafeBitCast(try #require(dlsym(nil, "lsetxattr")), to: Set.self)
        #expect(set("\(directory.path)/usr/bin/program", "security.capability", capability, capability.count, 0) == 0)
        #expect(findings.contains("usr/bin/program has the attribute security.capability"))
        try filesystem.strip()
        #expect(findings == "")
    }

    @Test("device nodes are seen and removed", .enabled(if: geteuid() == 0, "needs root"))
    func devices() throws {
        try filesystem.strip()
        // Major 1, minor 3 in the encoding of dev_t.
        #expect(mknod("\(directory.path)/dev/null", S_IFCHR | 0o644, 0x103) == 0)
        #expect(findings.contains("dev/null is a device"))
        try filesystem.strip()
        #expect(!directory.exists("dev/null"))
    }

    @Test("a tree's size counts a file with two names once")
    func size() throws {
        let before = try Tree(path: directory.path).bytes()
        try directory.write(String(repeating: "x", count: 100_000), to: "usr/lib/a")
        link("\(directory.path)/usr/lib/a", "\(directory.path)/usr/lib/b")
        let grown = try Tree(path: directory.path).bytes() - before
        #expect(grown >= 100_000 && grown < 150_000)
    }

    @Test("mount points are read with their escapes")
    func mounts() throws {
        #expect(Tree.unescaped("/a\\040b\\134c") == "/a b\\c")
        #expect(Tree.unescaped("/a\\0") == "/a\\0")
        #expect(try Tree.mounts(below: "/proc").contains("/proc"))
        #expect(try Tree.mounts(below: directory.path).isEmpty)
    }
}
