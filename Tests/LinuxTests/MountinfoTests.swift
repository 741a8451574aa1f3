import Linux
import Testing

@Suite("Reading mountinfo")
struct MountinfoTests {
    @Test("a line as proc(5) shows it")
    func line() {
        let mounts = Mount.parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n")
        #expect(mounts.count == 1)
        #expect(mounts.first?.root == "/mnt1")
        #expect(mounts.first?.point == "/mnt2")
        #expect(mounts.first?.type == "ext3")
        #expect(mounts.first?.superOptions == ["rw", "errors=continue"])
    }

    @Test("no optional field, one, several", arguments: ["", "shared:1 ", "shared:1 master:2 propagate_from:3 "])
    func optionalFields(fields: String) {
        let mounts = Mount.parse("1 2 0:3 / /sys/fs/cgroup rw \(fields)- cgroup2 cgroup2 rw,nsdelegate")
        #expect(mounts.map(\.type) == ["cgroup2"])
        #expect(mounts.first?.superOptions == ["rw", "nsdelegate"])
    }

    @Test("octal escapes, and a backslash that begins none")
    func escapes() {
        func point(_ text: String) -> String? { Mount.parse("1 2 0:3 / \(text) rw - tmpfs none rw").first?.point }
        #expect(point("/a\\040b\\011c\\012d\\134e") == "/a b\tc\nd\\e")
        #expect(point("/ü\\303\\274") == "/üü")
        #expect(point("/end\\") == "/end\\")
        #expect(point("/end\\04") == "/end\\04")
        #expect(point("/no\\089") == "/no\\089")
        #expect(point("/much\\777") == "/much\\777")
        #expect(point("/twice\\134040") == "/twice\\040")
    }

    @Test("a source that is empty or a dash does not shift the fields")
    func oddSources() {
        #expect(Mount.parse("1 2 0:3 / /a rw - tmpfs  rw,size=1").first?.superOptions == ["rw", "size=1"])
        #expect(Mount.parse("1 2 0:3 / /a rw - tmpfs - rw").first?.superOptions == ["rw"])
        #expect(Mount.parse("1 2 0:3 / - rw - tmpfs none rw").first?.point == "-")
    }

    @Test(
        "what is no line is left out",
        arguments: [
            "", "\n\n", "garbage", "1 2 3 4 5 6 7 8 9 10", "- - - - - - - - - -", "1 2 0:3 / /a rw - tmpfs",
            "1 2 0:3 / /a rw shared:1 tmpfs none rw", String(repeating: " ", count: 100),
        ])
    func garbage(text: String) { #expect(Mount.parse(text) == []) }

    @Test("good lines between bad ones are kept")
    func mixed() {
        let text = "x\n1 2 0:3 / /a rw - tmpfs none rw\n\n- -\n4 2 0:3 / /b rw - proc none rw"
        #expect(Mount.parse(text).map(\.point) == ["/a", "/b"])
    }

    @Test("this host's own is read in full")
    func own() throws {
        let text = try SmallFile.read("/proc/self/mountinfo", limit: 1 << 22)
        #expect(Mount.parse(text).count == text.split(separator: "\n").count)
    }
}
