import Foundation
import Glibc
import Jobs
import Testing

@testable import Images

/// Images as container tools write them, and as somebody would who wants to reach what is outside.
@Suite("Importing images", .enabled(if: geteuid() == 0, "needs root"))
struct ImportImageTests {
    private let fixture: ImportFixture

    init() throws { fixture = try ImportFixture() }

    private func names(_ rootfs: String, _ folder: String) throws -> [String] {
        try FileSystem.names(in: "\(rootfs)/\(folder)")
    }

    @Test(
        "layers lie on each other, in each packing; whiteouts take away what is below, and nothing of their own layer")
    func layers() throws {
        try fixture.python(
            """
            def one(t):
              base(t)
              for d in ["usr", "usr/lib", "keep", "gone", "gone/deep", "opaque", "opaque/sub", "late"]: folder(t, d)
              for f in ["keep/a", "keep/b", "gone/deep/x", "opaque/old", "opaque/sub/old", "late/old", "single"]: add(t, f, b"1")
            def two(t):
              add(t, "keep/.wh.a"); add(t, ".wh.gone"); add(t, ".wh.single"); add(t, ".wh.absent"); add(t, "nowhere/.wh.x")
              add(t, "opaque/.wh..wh..opq"); add(t, "opaque/new", b"2")
              folder(t, "opaque/sub"); add(t, "opaque/sub/new", b"2")
              add(t, "late/new", b"2"); add(t, "late/.wh..wh..opq"); add(t, "late/.wh.new")
              add(t, ".wh..wh.plnk/x")
            def three(t):
              add(t, "keep/b", b"3"); folder(t, "gone"); add(t, "gone/again", b"3")
            image([one, two, three], {1: "+gzip", 2: "+zstd"})
            subprocess.run(["tar", "-C", "image", "-cf", "image.tar", "."], check=True)
            """)
        for source in ["image", "image.tar"] {
            let rootfs = try fixture.imported(source)
            #expect(try names(rootfs, "keep") == ["b"])
            #expect(try String(contentsOfFile: "\(rootfs)/keep/b", encoding: .utf8) == "3")
            #expect(try names(rootfs, "gone") == ["again"])
            #expect(try names(rootfs, "opaque") == ["new", "sub"])
            #expect(try names(rootfs, "opaque/sub") == ["new"])
            #expect(try names(rootfs, "late") == ["new"])
            #expect(try FileSystem.status("\(rootfs)/single") == nil)
            #expect(try FileSystem.status("\(rootfs)/nowhere") == nil)
            #expect(try fixture.store.verify("small").isEmpty)
            let manifest = try fixture.store.open("small").manifest
            #expect(manifest.source?.hasPrefix("image sha256:") == true)
            #expect(manifest.languages.map(\.version) == ["1.2"])
        }
    }

    @Test(
        "a layer that makes a link of a folder and goes on beneath it stays in the tree; so do whiteouts through links")
    func replaced() throws {
        try fixture.python(
            """
            def one(t):
              base(t); folder(t, "data"); add(t, "data/x", b"1"); link(t, "way", outside)
              folder(t, "safe"); add(t, "safe/old", b"1"); add(t, "safe/kept", b"1"); link(t, "to", "/safe")
            def two(t):
              add(t, "way/.wh.secret"); add(t, "way/.wh.folder"); add(t, "way/.wh..wh..opq")
              link(t, "data", outside)
            def three(t):
              folder(t, outside[1:]); add(t, "data/secret", b"3"); add(t, "data/.wh.folder"); add(t, "way/evil", b"3")
              add(t, "to/.wh.old"); add(t, "to/new", b"3")
            image([one, two, three])
            """)
        let rootfs = try fixture.imported("image")
        try fixture.expectOutsideUntouched()
        #expect(try names(rootfs, "safe") == ["kept", "new"])
        #expect(try FileSystem.link("\(rootfs)/data") == fixture.outside)
    }

    @Test("a link where the engine's folders are is refused, in whichever layer it comes")
    func folders() throws {
        try fixture.python(
            "def one(t): base(t); folder(t, 'etc')\ndef two(t): link(t, 'etc', outside)\nimage([one, two])")
        #expect(try fixture.refusal("image").contains("/etc is no folder"))
    }

    @Test(
        "digests, sizes, kinds and names of blobs are checked",
        arguments: [
            ("m['layers'][0]['digest'] = 'sha256:../../x'", "is no SHA-256 digest"),
            ("m['layers'][0]['digest'] = 'sha256:' + '/' * 64", "is no SHA-256 digest"),
            ("m['layers'][0]['digest'] = 'sha512:' + 'a' * 128", "is no SHA-256 digest"),
            ("m['layers'][0]['digest'] = 'sha256:' + 'a' * 64", "No such file"),
            ("m['layers'][0]['size'] += 1", "is damaged"),
            (
                "p = 'image/blobs/sha256/' + m['layers'][0]['digest'][7:]; b = bytearray(open(p, 'rb').read()); b[9] ^= 1\n"
                    + "  open(p, 'wb').write(b)", "is damaged"
            ),
            (
                "p = 'image/blobs/sha256/' + m['layers'][0]['digest'][7:]; os.rename(p, 'blob'); os.symlink('../../../blob', p)",
                "Too many levels of symbolic links"
            ),
            ("m['layers'][0]['mediaType'] = 'application/x-evil'", "which is not read here"),
            ("m['layers'][0]['mediaType'] += '+gzip'", "damaged"),
            ("c['rootfs']['diff_ids'][0] = 'sha256:' + 'a' * 64", "it is damaged: unpacked, its digest is"),
            ("c['rootfs']['diff_ids'] = []", "its configuration names 0"),
            ("c['architecture'] = 'pdp11'", "it is for pdp11"),
            ("m['config'] = dict(blob(b'{}', 'x'), digest='sha256:../../../../etc/passwd')", "is no SHA-256 digest"),
            ("del m['layers']", "is not as the format has it"),
            ("m['layers'] = m['layers'] * 300; c['rootfs']['diff_ids'] *= 300", "it has 300 layers"),
        ])
    func blobs(change: String, message: String) throws {
        try fixture.python("def change(m, c):\n  \(change)\nimage([base], change=change)")
        let refusal = try fixture.refusal("image")
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test("an index names the image for this machine, through another index where it must, and one only")
    func platforms() throws {
        let select = """
            def index(d):
              machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
              other = blob(b"{}", OCI + "manifest.v1+json", platform=dict(os="linux", architecture="pdp11"))
              proof = blob(b"{}", OCI + "manifest.v1+json", platform=dict(os="unknown", architecture="unknown"))
              mine = dict(d, platform=dict(os="linux", architecture=machine))
            """
        try fixture.python(
            select + """

                  return [blob(json.dumps(dict(manifests=[other, mine, proof])).encode(), OCI + "index.v1+json")]
                image([base], index=index)
                """)
        _ = try fixture.imported("image")
        let other = try ImportFixture()
        try other.python(select + "\n  return [other, proof]\nimage([base], index=index)")
        #expect(try other.refusal("image").contains("it has no image for linux/"))
        let several = try ImportFixture()
        try several.python(
            "def index(d): return [d, dict(d, digest='sha256:' + 'a' * 64)]\nimage([base], index=index)")
        #expect(try several.refusal("image").contains("it has several images"))
        let loop = try ImportFixture()
        try loop.python(
            "def index(d):\n  for i in range(5): d = blob(json.dumps(dict(manifests=[d])).encode(), OCI + 'index.v1+json')\n"
                + "  return [d]\nimage([base], index=index)")
        #expect(try loop.refusal("image").contains("indexes name each other"))
    }

    @Test("what docker save wrote before it wrote layouts")
    func dockerArchive() throws {
        let make = """
            os.makedirs("image/abc")
            data, diff = layer(base)
            open("image/abc/layer.tar", "wb").write(data)
            machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
            config = json.dumps(dict(architecture=machine, os="linux", rootfs=dict(type="layers", diff_ids=[diff]))).encode()
            name = hashlib.sha256(config).hexdigest() + ".json"
            layers = ["abc/layer.tar"]
            """
        let end = """

            open("image/" + name, "wb").write(config)
            json.dump([dict(Config=name, RepoTags=["x:1"], Layers=layers)], open("image/manifest.json", "w"))
            subprocess.run(["tar", "-C", "image", "-cf", "image.tar", "."], check=True)
            """
        try fixture.python(make + end)
        _ = try fixture.imported("image.tar")
        // A layer that is there twice is a link, and other programs pack theirs.
        let others = """

            import gzip
            open("image/abc/layer.tar", "wb").write(gzip.compress(data))
            os.makedirs("image/def")
            os.symlink("../abc/layer.tar", "image/def/layer.tar")
            config = json.dumps(dict(architecture=machine, os="linux", rootfs=dict(diff_ids=[diff, diff]))).encode()
            name = hashlib.sha256(config).hexdigest() + ".json"
            layers = ["abc/layer.tar", "def/layer.tar"]
            """
        let twice = try ImportFixture()
        try twice.python(make + others + end)
        _ = try twice.imported("image.tar")
        let folder = try ImportFixture()
        try folder.python(make + end + "\nopen('image/version', 'w').write('Directory Transport Version: 1.1')")
        #expect(try folder.refusal("image").contains("skopeo copy dir:FOLDER oci:OTHER"))
        for (change, message) in [
            ("layers = ['../outside/secret']", "is no name of a file within the image"),
            ("layers = ['/etc/shadow']", "is no name of a file within the image"),
            (
                "os.remove('image/abc/layer.tar'); os.symlink('/etc/shadow', 'image/abc/layer.tar')",
                "is a link to no other layer"
            ),
            ("config += b' '", "is not what its name says"),
        ] {
            let other = try ImportFixture()
            try other.python(make + "\n" + change + end)
            let refusal = try other.refusal("image.tar")
            #expect(refusal.contains(message), "\(refusal)")
        }
    }
}
