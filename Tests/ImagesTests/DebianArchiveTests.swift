import Testing

@testable import Images

@Suite("Where packages come from")
struct DebianArchiveTests {
    private let debian = "PRETTY_NAME=\"Debian\"\nID=debian\n"

    @Test("a Debian host's own mirror is used, whatever else it has")
    func mirror() {
        let archive = DebianArchive.host(
            osRelease: debian,
            targets: [
                "https://packages.example.org/node/|nodistro|Node Source",
                "https://packages.example.org/debian/|bookworm|Vendor",
                "http://mirror.example.org/debian/|trixie-updates|Debian",
                "http://mirror.example.org/debian/|trixie|Debian",
                "http://mirror.example.org/other/|trixie|Debian",
                "http://security.example.org/debian-security/|trixie-security|Debian",
                "N: a note",
            ])
        #expect(archive.main == "http://mirror.example.org/debian/")
        #expect(archive.security == "http://security.example.org/debian-security/")
        #expect(
            archive.sources(suite: "bookworm").map { String($0.drop { $0 != "]" }) } == [
                "] http://mirror.example.org/debian/ bookworm main",
                "] http://mirror.example.org/debian/ bookworm-updates main",
                "] http://security.example.org/debian-security/ bookworm-security main",
            ])
    }

    @Test("before the lists were fetched the address tells")
    func noLists() {
        let archive = DebianArchive.host(
            osRelease: debian,
            targets: ["http://vendor.example.org/apt|stable|", "http://mirror.example.org/debian|bookworm|"])
        #expect(archive == DebianArchive(main: "http://mirror.example.org/debian/", security: nil))
    }

    @Test("another distribution, or a host without sources, takes Debian's general address")
    func general() {
        let ubuntu = "ID=ubuntu\nID_LIKE=debian\n"
        let target = "http://archive.example.org/ubuntu/|noble|Ubuntu"
        #expect(DebianArchive.host(osRelease: ubuntu, targets: [target]) == .general)
        #expect(DebianArchive.host(osRelease: debian, targets: []) == .general)
    }

    @Test("every line is bound to Debian's keys")
    func keys() {
        for line in DebianArchive.general.sources(suite: "bookworm") {
            #expect(line.hasPrefix("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http"))
        }
        #expect(DebianArchive.general.sources(suite: "sid").count == 1)
    }

    @Test("what is named when it cannot be reached is the host alone")
    func hosts() {
        #expect(DebianArchive.hostName("http://me:secret@mirror.example.org/debian/") == "mirror.example.org")
        #expect(
            DebianArchive.general.probes(suite: "bookworm").map(\.uri) == [
                "http://deb.debian.org/debian/dists/bookworm/InRelease",
                "http://deb.debian.org/debian-security/dists/bookworm-security/InRelease",
            ])
        #expect(DebianArchive(main: "file:/srv/debian/", security: nil).probes(suite: "bookworm").isEmpty)
    }

    @Test("the host's proxy goes along, its trust in unsigned packages does not")
    func options() {
        let kept = [
            "Acquire::http::Proxy \"http://proxy.example.org:3128\";", "Acquire::Check-Valid-Until \"false\";",
        ]
        let dropped = [
            "Acquire::AllowInsecureRepositories \"true\";", "APT::Get::AllowUnauthenticated \"true\";",
            "Dir::Etc \"etc/apt\";", "Acquire::http::Proxy",
        ]
        #expect(DebianArchive.transportOptions(aptConfig: kept + dropped) == kept)
    }

    @Test("missing programs are named by their packages, once each")
    func missing() {
        #expect(BuildHost.missingPackages(pip: false) { _ in true }.isEmpty)
        #expect(
            BuildHost.missingPackages(pip: true) { $0.hasSuffix("/mmdebstrap/x") } == [
                "apt", "dpkg", "mmdebstrap", "debian-archive-keyring", "util-linux", "python3-pip",
            ])
        let text = ImageError.missing(packages: ["mmdebstrap"], imagesDirectory: "/state/images").description
        #expect(text.contains("apt-get install mmdebstrap"))
        #expect(text.contains("/state/images/NAME"))
    }

    @Test("an archive that does not answer is reported in apt's words")
    func reasons() {
        let lines = [
            "Ign:1 http://a/x", "  Could not resolve 'a'", "Err:1 http://a/x", "  Could not resolve 'a'", "E: Failed",
        ]
        #expect(ImageBuilder.reason(.init(status: 100, lines: lines)) == "Could not resolve 'a'")
        #expect(ImageBuilder.reason(.init(status: 100, lines: ["E: Failed"])) == "E: Failed")
        #expect(ImageBuilder.reason(.init(status: Command.timedOut, lines: lines)) == "no answer within 15 s")
    }
}
