import Glibc
import Jobs
import Testing

@testable import Images

/// What keeps the built images from being tested here, or nil.
private let skipped: String? = {
    let reason: String?
    if geteuid() != 0 {
        reason = "BuiltImageTests need root"
    } else if let image = BuiltImageTests.images.first(where: { name in
        (try? Image.open(name: name, stateDirectory: ImageStore.defaultStateDirectory)) == nil
    }) {
        reason = "BuiltImageTests need the image '\(image)': bulkhead rootfs build --all"
    } else {
        reason = nil
    }
    if let reason { print("privileged suite skipped: \(reason)") }
    return reason
}()

/// The images of this host, used as their manifests say: each language compiles and runs a program in the tree, read-only,
/// as the job's user, with nothing but /box and /tmp to write and the compile stage's CPU time.
@Suite("Built images", .enabled(if: skipped == nil))
struct BuiltImageTests {
    static let images = ["default", "java", "go", "scripting", "python-data"]

    static let programs = [
        "javascript": "console.log('hello')",
        "python": "import json, random, ssl, sqlite3\nprint('hello')",
        "c":
            "#include <stdio.h>\n#include <math.h>\nint main(int n, char **v) { puts(sqrt(n) > 0 ? \"hello\" : v[0]); }",
        "c++": "#include <bits/stdc++.h>\nint main() { std::cout << \"hello\" << std::endl; }",
        "bash": "echo hello | cat",
        "java": "public class Main { record R(String s) {}\n"
            + "public static void main(String[] a) { System.out.println(new R(\"hello\").s()); } }",
        "ruby": "puts 'hello'",
        "php": "<?php echo \"hello\\n\";",
        "perl": "use POSIX; print \"hello\\n\";",
        "lua": "print('hello')",
        "typescript": "const text: string = 'hello'; console.log(text);",
        "python-data": "import numpy, pandas\nprint('hello')",
        "go": "package main\nimport (\"fmt\"; \"net/http\"; \"encoding/json\")\n"
            + "func main() { _, _ = json.Marshal(http.StatusOK); fmt.Println(\"hello\") }",
    ]

    /// A language's own words for a shell, so that they run one after the other under one user.
    private func words(_ argv: [String], _ language: Language, heapMiB: Int) -> String {
        argv.map { word in
            let filled =
                word == "{file}" ? language.fileName : word.replacing("{heapMiB}", with: "\(heapMiB)")
            return "'" + filled.replacing("'", with: "'\\''") + "'"
        }.joined(separator: " ")
    }

    @Test("every language answers hello", arguments: images)
    func hello(name: String) throws {
        let image = try Image.open(name: name, stateDirectory: ImageStore.defaultStateDirectory)
        #expect(!image.manifest.languages.isEmpty)
        for language in image.manifest.languages {
            let directory = try TemporaryDirectory()
            try directory.write(try #require(Self.programs[language.name]), to: language.fileName)
            var script = "cd /box && cp /tmp/source '\(language.fileName)' && "
            for (variable, value) in language.environment { script += "export \(variable)='\(value)' && " }
            if let compile = language.compile { script += words(compile, language, heapMiB: 307) + " && " }
            for product in language.products { script += "ls \(product) > /dev/null && " }
            script += words(language.run, language, heapMiB: ((language.memoryBytes ?? 0) * 6 / 10) >> 20)
            // Mounts are made in a namespace of their own: the tree itself stays as it was built.
            let mounts = """
                set -e
                mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
                mount -t tmpfs -o mode=755,uid=1000,gid=1000,size=256m tmpfs "$1/box"
                mount -t tmpfs -o mode=1777,size=256m tmpfs "$1/tmp"
                mount -t tmpfs tmpfs "$1/dev"
                for node in null zero urandom; do touch "$1/dev/$node"; mount --bind "/dev/$node" "$1/dev/$node"; done
                mount -t proc proc "$1/proc"
                cp "$2" "$1/tmp/source"
                ulimit -t 10
                exec chroot --userspec=1000:1000 "$1" /bin/sh -c "$3"
                """
            let command = Command(
                argv: [
                    "/usr/bin/unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "/bin/sh", "-c", mounts,
                    "sh", image.rootfs, "\(directory.path)/\(language.fileName)", script,
                ],
                environment: [
                    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/box", "LANG": "C.UTF-8",
                    "TZ": "UTC",
                    "TMPDIR": "/tmp",
                ], seconds: 60)
            let result = try command.run()
            #expect(result.lines == ["hello"], "\(language.name): \(result.text)")
            #expect(result.status == 0)
        }
    }

    @Test("no tree gives a privilege", arguments: images)
    func verified(name: String) throws {
        let image = try Image.open(name: name, stateDirectory: ImageStore.defaultStateDirectory)
        try RootFilesystem(path: image.rootfs).verify()
    }

    @Test("versions are those of the packages", arguments: images)
    func versions(name: String) throws {
        let image = try Image.open(name: name, stateDirectory: ImageStore.defaultStateDirectory)
        for language in image.manifest.languages {
            #expect(language.version.wholeMatch(of: /\d+(\.\d+)+/) != nil, "\(language.name) \(language.version)")
        }
    }
}
