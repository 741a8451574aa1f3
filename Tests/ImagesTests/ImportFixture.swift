import Foundation
import Glibc
import Testing

@testable import Images

/// A state directory, a file of one language, archives that Python's tarfile writes, and a folder that nothing may reach.
final class ImportFixture {
    let directory: TemporaryDirectory
    let store: ImageStore
    private(set) var progress: [String] = []

    init() throws {
        directory = try TemporaryDirectory()
        store = ImageStore(stateDirectory: "\(directory.path)/state", recipeDirectories: [])
        try directory.makeDirectory("outside/folder")
        try directory.write("secret", to: "outside/secret", mode: 0o600)
        try directory.write(
            """
            languages:
              - name: shell
                file: main.sh
                run: [/bin/sh, "{file}"]
                version: {command: [/bin/sh, --version], pattern: 'v(.+)'}
            """, to: "languages.yaml")
    }

    var outside: String { "\(directory.path)/outside" }

    /// What every archive here begins with, and functions that write members, layers and images.
    private static let prelude = """
        import gzip, hashlib, io, json, os, subprocess, sys, tarfile
        outside = os.path.abspath("outside")
        def add(t, name, data=b"", type=tarfile.REGTYPE, mode=0o644, link="", pax=None, size=None, mtime=0):
            m = tarfile.TarInfo(name)
            m.type, m.mode, m.linkname, m.mtime = type, mode, link, mtime
            m.size = len(data) if size is None else size
            m.pax_headers = pax or {}
            t.addfile(m, io.BytesIO(data) if size is None else None)
        def folder(t, name, mode=0o755): add(t, name, type=tarfile.DIRTYPE, mode=mode)
        def link(t, name, to): add(t, name, type=tarfile.SYMTYPE, link=to)
        def hard(t, name, to): add(t, name, type=tarfile.LNKTYPE, link=to)
        def base(t):
            folder(t, "./"); folder(t, "./bin"); add(t, "./bin/sh", b"#!x", mode=0o755)
        def tree(body):
            t = tarfile.open("a.tar", "w", format=tarfile.PAX_FORMAT); base(t); body(t); t.close()
        def layer(body, pack=lambda b: b):
            f = io.BytesIO(); t = tarfile.open(fileobj=f, mode="w", format=tarfile.PAX_FORMAT); body(t); t.close()
            return pack(f.getvalue()), "sha256:" + hashlib.sha256(f.getvalue()).hexdigest()
        def zstd(b): return subprocess.run(["zstd", "-q"], input=b, stdout=subprocess.PIPE, check=True).stdout
        OCI = "application/vnd.oci.image."
        def blob(b, media, **more):
            digest = hashlib.sha256(b).hexdigest()
            open("image/blobs/sha256/" + digest, "wb").write(b)
            return dict(mediaType=media, digest="sha256:" + digest, size=len(b), **more)
        def image(bodies, packs={}, change=lambda m, c: None, index=lambda d: [d]):
            os.makedirs("image/blobs/sha256")
            layers, diffs = [], []
            for i, body in enumerate(bodies):
                kind = packs.get(i, "")
                b, diff = layer(body, {"": lambda b: b, "+gzip": gzip.compress, "+zstd": zstd}[kind])
                layers.append(blob(b, OCI + "layer.v1.tar" + kind)); diffs.append(diff)
            m = dict(schemaVersion=2, layers=layers)
            c = dict(architecture={"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], os="linux",
                     rootfs=dict(type="layers", diff_ids=diffs))
            change(m, c)
            m["config"] = m.get("config") or blob(json.dumps(c).encode(), OCI + "config.v1+json")
            d = blob(json.dumps(m).encode(), OCI + "manifest.v1+json")
            json.dump(dict(schemaVersion=2, manifests=index(d)), open("image/index.json", "w"))
            json.dump(dict(imageLayoutVersion="1.0.0"), open("image/oci-layout", "w"))

        """

    /// Runs a program of Python's in the directory.
    func python(_ program: String) throws {
        let result = try Command(
            argv: ["/usr/bin/env", "-C", directory.path, "/usr/bin/python3", "-c", Self.prelude + program], seconds: 60
        ).run()
        try #require(result.status == 0, "\(result.text)")
    }

    /// Imports `source`, `a.tar` or `image` in the directory.
    func imported(_ source: String, bounds: ImportBounds = ImportBounds()) throws(ImageError) -> String {
        var lines: [String] = []
        defer { progress = lines }
        return try store.importImage(
            "small", from: "\(directory.path)/\(source)", languages: "\(directory.path)/languages.yaml", bounds: bounds,
            ask: { _, _, _, _ in "v1.2" }, progress: { lines.append($0) }
        ).rootfs
    }

    /// The error of an import that has to fail, and to leave nothing behind.
    func refusal(_ source: String, bounds: ImportBounds = ImportBounds()) throws -> String {
        let error = #expect(throws: ImageError.self) { try imported(source, bounds: bounds) }
        #expect(try store.list().allSatisfy { $0.manifest == nil })
        let left = try FileSystem.names(in: "\(store.stateDirectory)/images/small").filter { $0 != "build.lock" }
        #expect(left.isEmpty, "\(left)")
        try expectOutsideUntouched()
        return error?.description ?? "imported"
    }

    func expectOutsideUntouched() throws {
        #expect(try FileSystem.names(in: outside) == ["folder", "secret"])
        #expect(try FileSystem.names(in: "\(outside)/folder").isEmpty)
        #expect(try String(contentsOfFile: "\(outside)/secret", encoding: .utf8) == "secret")
        #expect(directory.mode("outside/secret") == 0o600)
        var status = stat()
        #expect(stat("\(outside)/secret", &status) == 0 && status.st_nlink == 1)
    }
}
