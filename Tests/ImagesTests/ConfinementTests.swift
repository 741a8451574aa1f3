import Foundation
import Glibc
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
