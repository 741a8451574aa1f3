import Glibc

/// What this machine has to have before a build starts.
enum BuildHost {
    /// A program or file, and the Debian package that brings it.
    static let needs: [(path: String, package: String)] = [
        ("/usr/bin/apt-get", "apt"),
        ("/usr/bin/dpkg-query", "dpkg"),
        ("/usr/bin/mmdebstrap", "mmdebstrap"),
        ("/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh", "mmdebstrap"),
        (DebianArchive.keyring, "debian-archive-keyring"),
        ("/usr/bin/setpriv", "util-linux"),
        ("/usr/bin/unshare", "util-linux"),
    ]

    /// The packages that are missing; `exists` is how a path is looked for.
    static func missingPackages(
        pip: Bool, exists: (String) -> Bool = { access($0, F_OK) == 0 }
    ) -> [String] {
        var packages: [String] = []
        for need in needs + (pip ? [("/usr/bin/pip3", "python3-pip")] : []) where !exists(need.path) {
            if !packages.contains(need.package) { packages.append(need.package) }
        }
        return packages
    }

    /// The machine's architecture as `uname -m` says.
    static func architecture() -> String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
