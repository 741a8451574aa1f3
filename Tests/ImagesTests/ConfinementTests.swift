import Foundation
import Glibc
import Linux
import Testing

@testable import Images

@Suite("Programs of a build", .enabled(if: geteuid() == 0, "needs root"))
struct ConfinementTests {
    private let directory: TemporaryDirectory
    /// Nobody else's here.
    private let user: uid_t = 1_950_000_000

    init() throws { directory = try TemporaryDirectory() }

    private var processes: [String] {
        FileManager.default.enumerator(atPath: "/proc")?.allObjects.compactMap { $0 as? String }.filter { name in
            var status = stat()
            return !name.contains("/") && Int(name) != nil && stat("/proc/\(name)", &status) == 0
                && status.st_uid == user
        } ?? []
    }

    @Test("within a tree there is a /tmp to write to, which is gone with the program, as is all that it has started")
    func inside() throws {
        let program =
            "id -u; ls -A /tmp; (setsid sleep 1000 > /dev/null 2>&1 < /dev/null &); echo x > /tmp/here; cat /tmp/here"
        let result = try Command(argv: Confinement.inside("/", user: user, ["/bin/sh", "-c", program])).run()
        #expect(result.lines == ["\(user)", "x"], "\(result.text)")
        #expect(access("/tmp/here", F_OK) != 0)
        #expect(processes.isEmpty)
    }

    @Test("a folder within one that is root's alone is reached by the program, and by nobody else")
    func exposing() throws {
        chmod(directory.path, 0o700)
        try directory.makeDirectory("given")
        chown("\(directory.path)/given", user, user)
        try directory.makeDirectory("kept")
        let program =
            "ls '\(directory.path)'; echo x > '\(directory.path)/given/file'; (setsid sleep 1000 > /dev/null 2>&1 &)"
        let result = try Command(
            argv: Confinement.exposing(
                ["given"], of: directory.path,
                [
                    "/usr/bin/unshare", "--fork", "--", "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)",
                    "--clear-groups", "--", "/bin/sh", "-c", program,
                ])
        ).run()
        #expect(result.lines == ["given"], "\(result.text)")
        #expect(directory.exists("given/file"))
        #expect(directory.mode("") == 0o700)
        #expect(processes.isEmpty)
    }
}

@Suite("Python packages", .enabled(if: geteuid() == 0, "needs root"))
struct PythonPackagesTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.makeDirectory("site/package")
        try directory.write("", to: "site/package/module.py", mode: 0o666)
        try directory.write("", to: "site/package/program", mode: 0o4777)
        for name in ["site", "site/package", "site/package/module.py", "site/package/program"] {
            chown("\(directory.path)/\(name)", 12_345, 12_345)
        }
        try directory.write("secret", to: "secret", mode: 0o600)
    }

    private func take() throws(ImageError) {
        try PythonPackages(
            packages: [], exclude: [], rootfs: "", directory: "", environment: [:], progress: { _ in },
            inside: { Command(argv: $0) }
        ).take("\(directory.path)/site")
    }

    @Test("what pip has made becomes root's, and nobody else can write it")
    func taken() throws {
        chmod("\(directory.path)/site/package", 0o777)
        try take()
        let names = ["site", "site/package", "site/package/module.py", "site/package/program"]
        #expect(names.map(directory.mode) == [0o755, 0o755, 0o644, 0o755])
        for name in names {
            var status = stat()
            #expect(lstat("\(directory.path)/\(name)", &status) == 0 && status.st_uid == 0 && status.st_gid == 0)
        }
    }

    @Test("a link, another name of a file, or a pipe in its place is refused, and nothing is done to what it leads to")
    func planted() throws {
        let place = "\(directory.path)/site/planted.whl"
        let secret = "\(directory.path)/secret"
        for plant in [{ symlink(secret, place) }, { link(secret, place) }, { mkfifo(place, 0o600) }] {
            chown(secret, 12_346, 12_346)
            #expect(plant() == 0)
            #expect(throws: ImageError.self) { try take() }
            var status = stat()
            #expect(stat(secret, &status) == 0 && status.st_mode & 0o7777 == 0o600 && status.st_uid == 12_346)
            unlink(place)
        }
    }

    @Test("the builder's uid is of nobody else: not a person's, and not the engine's")
    func user() {
        let engine = HostUsers.first..<HostUsers.first + HostUsers.instances * HostUsers.perInstance
        #expect(HostUsers.builder >= engine.upperBound && HostUsers.builder < 1 << 31)
    }
}
