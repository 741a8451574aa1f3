import Foundation
import Glibc
import Jobs
import Linux
import Testing

@testable import Images

/// Archives as somebody would write them who wants to reach what is outside.
@Suite("Importing archives", .enabled(if: geteuid() == 0, "needs root"))
struct ImportArchiveTests {
    private let fixture: ImportFixture

    init() throws { fixture = try ImportFixture() }

    @Test(
        "what leads out of the tree, or could be read in two ways, is refused, and nothing is left",
        arguments: [
            ("add(t, '../evil', b'x')", "leads upwards by '..'"),
            ("add(t, 'bin/../../evil', b'x')", "leads upwards by '..'"),
            ("add(t, outside + '/evil', b'x')", "is a path from the root"),
            ("add(t, 'x', b'', pax={'path': '../evil'})", "leads upwards by '..'"),
            ("link(t, 'l', '../outside')", "leads out of the tree"),
            ("link(t, 'bin/l', '../../../../outside/secret')", "leads out of the tree"),
            ("hard(t, 'h', outside + '/secret')", "is a path from the root"),
            ("hard(t, 'h', '../../../../../outside/secret')", "leads upwards by '..'"),
            ("hard(t, 'h', 'etc/shadow')", "which is no file before it"),
            ("link(t, 'd', outside); hard(t, 'h', 'd/secret')", "which is no file before it"),
            ("hard(t, 'h', 'bin')", "which is no file before it"),
            ("add(t, 'bin/sh/x', b'x')", "is below something that is no folder"),
            ("link(t, 'd', '/nowhere'); add(t, 'd/x', b'x')", "is below something that is no folder"),
            ("link(t, 'd', 'd'); add(t, 'd/x', b'x')", "is below something that is no folder"),
            ("link(t, 'etc', outside)", "/etc is no folder"),
            ("link(t, 'var', outside)", "/var is no folder"),
            ("add(t, 's', type=b'S')", "is a sparse file"),
            ("add(t, 's', b'x', pax={'GNU.sparse.major': '1'})", "sparse files"),
            ("add(t, 'z', type=b'Z')", "is of a kind that is not known"),
            ("add(t, 'big', size=1 << 40)", "--max-size allows more"),
            ("add(t, 'big', pax={'size': '-1'})", "a size of '-1'"),
            ("add(t, 'big', pax={'size': '99999999999999999999'})", "a size of"),
            ("add(t, 'cut', size=100000)", "ends in the middle of a member"),
            ("add(t, 'l', b'x' * 600, type=tarfile.SYMTYPE, link='bin/sh')", "is no file and yet has content"),
            ("add(t, '/'.join(['d'] * 300) + '/x', b'x')", "lies deeper than"),
            (
                "for i in range(4): folder(t, '/'.join(['d'] * 120 * (i > 0) + ['e']))\n"
                    + "  link(t, 'l', 'd/' * 119 + 'd'); add(t, 'l/' + '/'.join(['f'] * 200) + '/x', b'x')",
                "lies deeper than"
            ),
            ("t.fileobj.write(b'no header' * 100)", "checksum"),
            ("t.pax_headers = {}; add(t, 'p\\0q', b'x', pax={'path': 'p\\0q'})", "is no name"),
        ])
    func refused(body: String, message: String) throws {
        try fixture.python("def body(t):\n  \(body)\ntree(body)")
        let refusal = try fixture.refusal("a.tar")
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test("more members than allowed, more bytes than allowed, by what comes and by what is said")
    func bounds() throws {
        try fixture.python("def body(t):\n  for i in range(50): add(t, f'f{i}', b'x' * 1000)\ntree(body)")
        #expect(try fixture.refusal("a.tar", bounds: ImportBounds(members: 20)).contains("--max-entries"))
        #expect(try fixture.refusal("a.tar", bounds: ImportBounds(bytes: 20_000)).contains("--max-size"))
        // 200 MiB of nothing, 200 KiB packed.
        try fixture.python(
            "def body(t): pass\ntree(body)\nopen('b.tgz','wb').write(gzip.compress(open('a.tar','rb').read() + bytes(200 << 20), 1))"
        )
        #expect(try fixture.refusal("b.tgz", bounds: ImportBounds(bytes: 1 << 20)).contains("--max-size"))
    }

    @Test("an archive that is cut short or damaged, in each packing", arguments: ["gzip", "xz", "zstd"])
    func damaged(tool: String) throws {
        try fixture.python(
            """
            def body(t): add(t, 'f', os.urandom(300000))
            tree(body)
            whole = subprocess.run(["\(tool)", "-c"], stdin=open('a.tar','rb'), stdout=subprocess.PIPE, check=True).stdout
            open('whole', 'wb').write(whole)
            open('cut', 'wb').write(whole[:-1000])
            open('bad', 'wb').write(whole[:-1000] + bytes(1000))
            """)
        for name in ["cut", "bad"] {
            let refusal = try fixture.refusal(name)
            #expect(refusal.contains("damaged") || refusal.contains("cut short"), "\(refusal)")
        }
        let rootfs = try fixture.imported("whole")
        #expect(try FileSystem.status("\(rootfs)/f")?.st_size == 300_000)
    }

    @Test("folders on the way to members count, and extended headers")
    func countedBeside() throws {
        try fixture.python("def body(t):\n  for i in range(10): add(t, f'{i}/' + 'd/' * 45 + 'f')\ntree(body)")
        #expect(try fixture.refusal("a.tar", bounds: ImportBounds(members: 472)).contains("--max-entries"))
        _ = try fixture.imported("a.tar", bounds: ImportBounds(members: 473))
        try fixture.python("def body(t):\n  for i in range(10): add(t, f'g{i}', pax={'comment': 'x'})\ntree(body)")
        let error = #expect(throws: ImageError.self) {
            try fixture.imported("a.tar", bounds: ImportBounds(members: 22))
        }
        #expect(error?.description.contains("--max-entries") == true)
        _ = try fixture.imported("a.tar", bounds: ImportBounds(members: 23))
    }

    @Test(
        "extended headers are bounded, for each member and all together",
        arguments: [
            ("for i in range(17): add(t, 'h', b'x', type=b'L')", "more extended headers"),
            ("for i in range(3): add(t, 'h', b'x' * 500000, type=b'K')", "more extended headers, or longer ones"),
            ("add(t, 'h', b'5 a=\\n' * 5000, type=b'x')", "too many records"),
            ("add(t, 'f', pax={f'SCHILY.xattr.user.{i}': '' for i in range(300)})", "more extended attributes"),
            ("add(t, 'f', pax={'SCHILY.xattr.user.' + 'x' * 300: ''})", "longer names of them"),
        ])
    func extendedHeaders(body: String, message: String) throws {
        try fixture.python("def body(t):\n  \(body)\n  add(t, 'f')\ntree(body)")
        let refusal = try fixture.refusal("a.tar")
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test("nothing that an archive says reaches a terminal as an escape sequence")
    func escapes() throws {
        let hostile = "a\u{1b}]0;title\u{07}\r\n"
        func python(_ body: String) throws {
            try fixture.python("bad = 'a\\x1b]0;title\\x07\\r\\n'\ndef body(t):\n  \(body)\ntree(body)")
        }
        for body in [
            "add(t, '../' + bad)", "link(t, bad, '../../' + bad)", "hard(t, bad, bad + 'x')", "add(t, bad, type=b'Z')",
        ] {
            try python(body)
            let refusal = try fixture.refusal("a.tar")
            #expect(refusal.contains("a\\u{1b}]0;title\\u{7}\\u{d}\\u{a}"), "\(refusal)")
            #expect(refusal == refusal.printable)
        }
        try python("add(t, bad, mode=0o4755)")
        let rootfs = try fixture.imported("a.tar")
        #expect(fixture.progress.allSatisfy { $0 == $0.printable }, "\(fixture.progress)")
        #expect(fixture.progress.contains { $0.contains("set-id bits taken off: 1 (a\\u{1b}") })
        chmod("\(rootfs)/\(hostile)", 0o4777)
        let findings = try fixture.store.verify("small")
        #expect(findings.count >= 2 && findings.allSatisfy { $0 == $0.printable }, "\(findings)")
        #expect(
            ImageError.step(name: hostile, detail: "two\nlines").description
                == "a\\u{1b}]0;title\\u{7}\\u{d}\n failed: two\nlines")
    }

    @Test("a time before 1970 is 1970, however it is written; other negative numbers are refused")
    func negative() throws {
        try fixture.python(
            """
            t = tarfile.open('a.tar', 'w', format=tarfile.GNU_FORMAT); base(t); add(t, 'f', mtime=-1); t.close()
            t = tarfile.open('b.tar', 'w', format=tarfile.PAX_FORMAT); base(t); add(t, 'f', mtime=-1.5); t.close()
            t = tarfile.open('c.tar', 'w', format=tarfile.GNU_FORMAT); base(t)
            m = tarfile.TarInfo('f'); m.size = -1; t.addfile(m); t.close()
            """)
        #expect(try fixture.refusal("c.tar").contains("a negative size"))
        for name in ["a.tar", "b.tar"] {
            let rootfs = try fixture.imported(name)
            #expect(try FileSystem.status("\(rootfs)/f")?.st_mtim.tv_sec == 0)
        }
    }

    @Test("a source that is not there makes nothing, and what failed is not listed")
    func nothingMade() throws {
        #expect(try fixture.refusal("absent").contains("No such file"))
        #expect(try FileSystem.status("\(fixture.store.stateDirectory)/images/small") == nil)
        try fixture.python("open('text','w').write('no archive'*200)")
        #expect(try fixture.refusal("text").contains("no tar archive"))
        #expect(try fixture.store.list().isEmpty)
    }

    @Test("bounds are said in the unit that fits")
    func units() throws {
        #expect(
            [0, 1_000, 1_024, 5 << 20, 8 << 30].map(ImportBounds.text) == [
                "0 bytes", "1000 bytes", "1 KiB", "5 MiB", "8 GiB",
            ])
        try fixture.python("tree(lambda t: add(t, 'f', b'x' * 5000))")
        #expect(try fixture.refusal("a.tar", bounds: ImportBounds(bytes: 1_024)).contains("larger than 1 KiB"))
    }

    @Test("what gives rights is left out, and said")
    func privileges() throws {
        try fixture.python(
            """
            def body(t):
              add(t, 'bin/su', b'x', mode=0o6755)
              add(t, 'bin/ping', b'x', mode=0o755, pax={'SCHILY.xattr.security.capability': '\\x01\\x00\\x00\\x02'})
              add(t, 'lib/open', b'x', mode=0o666)
              m = tarfile.TarInfo('dev/sda'); m.type = tarfile.BLKTYPE; m.devmajor = 8; t.addfile(m)
              m = tarfile.TarInfo('lib/mem'); m.type = tarfile.CHRTYPE; m.devmajor = 1; m.devminor = 1; t.addfile(m)
              add(t, 'lib/pipe', type=tarfile.FIFOTYPE)
              add(t, 'etc/shadow', b'root:x')
              m = tarfile.TarInfo('lib/owned'); m.uid = m.gid = 1000; t.addfile(m)
            tree(body)
            """)
        let rootfs = try fixture.imported("a.tar")
        for line in [
            "set-id bits taken off: 1 (bin/su)", "file capabilities left out: 1 (bin/ping)",
            "write permission for others taken off: 1 (lib/open)", "device nodes left out: 2 (dev/sda, lib/mem)",
            "named pipes left out: 1 (lib/pipe)",
        ] { #expect(fixture.progress.contains(line), "\(fixture.progress)") }
        #expect(try FileSystem.status("\(rootfs)/bin/su").map { $0.st_mode & 0o7777 } == 0o755)
        #expect(try FileSystem.status("\(rootfs)/lib/open").map { $0.st_mode & 0o7777 } == 0o644)
        #expect(try FileSystem.status("\(rootfs)/lib/owned")?.st_uid == 0)
        for name in ["lib/mem", "lib/pipe", "etc/shadow", "dev/sda"] {
            #expect(try FileSystem.status("\(rootfs)/\(name)") == nil)
        }
        #expect(try fixture.store.verify("small").isEmpty)
        let passwd = try String(contentsOfFile: "\(rootfs)/etc/passwd", encoding: .utf8)
        #expect(passwd.contains("\nbox:x:1000:1000::/box:"))
    }

    @Test("links lead to where they lead in the image, whoever unpacks")
    func links() throws {
        try fixture.python(
            """
            def body(t):
              folder(t, 'usr'); folder(t, 'usr/lib'); link(t, 'lib', 'usr/lib'); add(t, 'lib/here', b'1')
              folder(t, 'data'); link(t, 'within', '/data'); add(t, 'within/x', b'5'); link(t, 'data/up', '../data')
              add(t, 'within/up/y', b'6')
              link(t, 'out', outside); folder(t, outside[1:] + '/folder'); add(t, 'out/secret', b'overwritten')
              add(t, 'out/folder/evil', b'x'); link(t, 'out/folder/again', outside + '/secret')
              add(t, 'out/folder/again', b'a file in the place of a link')
              add(t, 'a', b'content', mtime=1000000000); hard(t, 'b', 'a'); hard(t, 'usr/c', './b'); link(t, 'a', 'b')
              add(t, 'x', b'1'); add(t, 'x', b'2'); folder(t, 'x'); add(t, 'x/y', b'3')
              add(t, b'n\\xe9'.decode('utf-8', 'surrogateescape'), b'latin')
            tree(body)
            """)
        let rootfs = try fixture.imported("a.tar")
        try fixture.expectOutsideUntouched()
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(rootfs)/\(name)", encoding: .utf8)
        }
        #expect(try text("usr/lib/here") == "1")
        #expect(try text("data/x") == "5" && text("data/y") == "6")
        #expect(try text("b") == "content" && FileSystem.link("\(rootfs)/a") == "b")
        #expect(try FileSystem.status("\(rootfs)/usr/c")?.st_nlink == 2)
        #expect(try FileSystem.status("\(rootfs)/b")?.st_mtim.tv_sec == 1_000_000_000)
        #expect(try text("x/y") == "3")
        #expect(try fixture.store.verify("small").isEmpty)
    }

    @Test("what is no archive, what a recipe is called, what the language file gets wrong")
    func operators() throws {
        try fixture.python("def body(t): pass\ntree(body)\nopen('text','w').write('no archive'*200)")
        #expect(try fixture.refusal("text").contains("no tar archive"))
        #expect(try fixture.refusal("outside").contains("no image layout"))
        #expect(try fixture.refusal("absent").contains("No such file"))
        try fixture.directory.write("languages:\n  - {name: x, fle: y}\n", to: "languages.yaml")
        let wrong = try fixture.refusal("a.tar")
        #expect(wrong.contains("languages.yaml:2: unknown key 'fle' in a language"), "\(wrong)")
        try fixture.directory.write("name: small\nlanguages: []\n", to: "languages.yaml")
        #expect(try fixture.refusal("a.tar").contains("unknown key 'name' in a file of languages"))
    }

    @Test("a program that a language needs has to be there, for a job to execute")
    func programs() throws {
        try fixture.python(
            "t = tarfile.open('a.tar', 'w'); folder(t, 'bin'); add(t, 'bin/sh', b'x', mode=0o750); t.close()")
        #expect(try fixture.refusal("a.tar").contains("the image has no program /bin/sh"))
    }

    @Test("a decompressor is a user that nobody else is, and leaves no process")
    func decompressors() throws {
        try fixture.python(
            "tree(lambda t: None); open('a.tar.gz', 'wb').write(gzip.compress(open('a.tar', 'rb').read()))")
        _ = try fixture.imported("a.tar.gz")
        let left = try FileSystem.names(in: "/proc").filter { name in
            var status = stat()
            return Int(name) != nil && stat("/proc/\(name)", &status) == 0 && status.st_uid == HostUsers.builder
        }
        #expect(left.isEmpty, "\(left)")
    }
}
