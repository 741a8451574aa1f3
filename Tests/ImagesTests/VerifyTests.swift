import Foundation
import Glibc
import Testing

@testable import Images

@Suite("Verifying images", .enabled(if: geteuid() == 0, "needs root"))
struct VerifyTests {
    private let fixture: ImportFixture
    private let rootfs: String

    init() throws {
        fixture = try ImportFixture()
        try fixture.python(
            """
            def body(t):
              add(t, 'bin/tool', b'1', mode=0o755); folder(t, 'lib'); add(t, 'lib/a b\\n', b'2'); link(t, 'lib/l', 'x')
            tree(body)
            """)
        rootfs = try fixture.imported("a.tar")
    }

    private func findings() throws -> [String] { try fixture.store.verify("small") }

    @Test("an image is as it was made, and listed the same way each time")
    func sound() throws {
        #expect(try findings().isEmpty)
        let folder = rootfs.dropLast("/rootfs".count)
        let listing = try String(contentsOfFile: "\(folder)/contents.txt", encoding: .utf8)
        #expect(listing.contains("\nf 0644 1 \(sha256("2")) lib/a\\040b\\012\n"))
        #expect(listing.contains("\nl - - \(sha256("x")) lib/l\n"))
        let again = try TreeListing(of: rootfs).write(path: "\(fixture.directory.path)/again")
        #expect(try fixture.store.open("small").manifest.contents == again)
    }

    private func sha256(_ text: String) -> String {
        let path = "\(fixture.directory.path)/hashed"
        try? text.write(toFile: path, atomically: false, encoding: .utf8)
        let result = try? Command(argv: ["/usr/bin/sha256sum", path]).run()
        return String(result?.lines.first?.prefix(64) ?? "")
    }

    @Test(
        "each change is a finding",
        arguments: [
            ("printf 9 > bin/tool", "/bin/tool has other content"),
            ("chmod 700 bin/tool", "/bin/tool has mode 0700, and had 0755"),
            ("chmod 4755 bin/tool", "/bin/tool has a set-id bit"),
            ("chmod 777 lib", "/lib can be written by others"),
            ("chown 1000 bin/tool", "/bin/tool belongs to 1000:0"),
            ("rm bin/tool", "/bin/tool is missing"),
            ("touch lib/new", "/lib/new was not there"),
            ("ln -sfn y lib/l", "/lib/l has other content"),
            ("rm lib/l; mkdir lib/l", "/lib/l is of another kind"),
            ("mknod lib/null c 1 3", "/lib/null is a device, pipe or socket"),
            ("cp bin/tool x; setcap cap_net_raw+ep bin/tool; rm x", "/bin/tool has the attribute security.capability"),
            ("rmdir box", "/box is missing"),
            ("rm bin/sh", "/bin/sh of shell is missing"),
            ("chmod 644 bin/sh", "/bin/sh of shell is missing, or cannot be executed"),
            ("echo x >> ../contents.txt", "contents.txt is not the listing"),
        ])
    func changes(command: String, finding: String) throws {
        let result = try Command(argv: ["/bin/sh", "-c", "cd '\(rootfs)' && \(command)"]).run()
        #expect(result.status == 0, "\(result.text)")
        let found = try findings()
        #expect(found.contains { $0.contains(finding) }, "\(found)")
    }

    @Test("an image from before there were hashes says so, and what mends it")
    func old() throws {
        let path = "\(rootfs.dropLast("/rootfs".count))/image.json"
        var manifest = try ImageManifest.load(path: path)
        manifest.contents = nil
        try manifest.write(path: path)
        let found = try findings()
        #expect(found.count == 1)
        #expect(found.first?.contains("sudo bulkhead rootfs build small --refresh") == true)
    }

    @Test("an image whose /tmp others can write says so; opening it takes /tmp back, with nothing in it")
    func openTemporary() throws {
        let folder = rootfs.dropLast("/rootfs".count)
        chmod("\(rootfs)/tmp", 0o1777)
        // As such images were listed when they were made.
        var manifest = try ImageManifest.load(path: "\(folder)/image.json")
        manifest.contents = try TreeListing(of: rootfs).write(path: "\(folder)/contents.txt")
        try manifest.write(path: "\(folder)/image.json")
        let other = Command(
            argv: [
                "/usr/bin/setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "/bin/sh", "-c",
                "cd '\(rootfs)/tmp' && mkdir -p a/b && touch hello a/b/c && ln -s '\(fixture.outside)' link",
            ])
        #expect(try other.run().status == 0)
        #expect(try findings().contains("/tmp can be written by others"))
        _ = try fixture.store.open("small")
        #expect(mode(rootfs + "/tmp") == 0o755)
        #expect(try FileSystem.names(in: "\(rootfs)/tmp").isEmpty)
        #expect(try findings().isEmpty)
        try fixture.expectOutsideUntouched()
        #expect(try other.run().status != 0)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test("an image is root's alone until it is published")
    func hidden() throws {
        let images = "\(fixture.store.stateDirectory)/images/small"
        var modes: [mode_t] = []
        let result = try fixture.store.importImage(
            "small", from: "\(fixture.directory.path)/a.tar", languages: "\(fixture.directory.path)/languages.yaml",
            ask: { (_, _, staging, _) throws(ImageError) in
                modes.append(mode(staging))
                return "v1"
            }, progress: { _ in })
        #expect(modes == [0o700])
        #expect(mode(String(result.rootfs.dropLast("/rootfs".count))) == 0o755)
        #expect(try FileSystem.names(in: images).allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("no link above the names that a tree is tidied at leads a removal elsewhere")
    func tidying() throws {
        let victim = try TemporaryDirectory()
        try victim.makeDirectory("share/doc")
        let tree = try TemporaryDirectory()
        symlink(victim.path, "\(tree.path)/usr")
        #expect(throws: ImageError.self) { try RootFilesystem(path: tree.path).tidy(users: [.box]) }
        #expect(victim.exists("share/doc"))
        #expect(throws: ImageError.self) {
            try RootFilesystem(path: tree.path).write(["/usr/lib/bulkhead/x": "x"])
        }
        #expect(!victim.exists("lib"))
    }
}
