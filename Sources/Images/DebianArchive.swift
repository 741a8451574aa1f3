import Foundation

/// Where Debian's packages come from: the host's own choice where it runs Debian, else Debian's general address.
struct DebianArchive: Equatable {
    /// The main archive, for the suite and its updates; ends in `/`.
    var main: String
    /// The archive of security updates, or nil where the host names none.
    var security: String?

    /// The only keys that a package list is accepted from.
    static let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    static let general = DebianArchive(
        main: "http://deb.debian.org/debian/", security: "http://deb.debian.org/debian-security/")

    /// How `apt-get indextargets` is asked; ``host(osRelease:targets:)`` reads the answer.
    static let targetsCommand = [
        "/usr/bin/apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(ORIGIN)", "Created-By: Packages",
    ]

    /// Picks the archive from the host's `/etc/os-release` and its apt sources as apt itself reads them.
    ///
    /// apt knows an archive's origin once its lists were fetched; before that the usual last path component tells.
    /// A wrong guess cannot yield a wrong image, as the keyring is Debian's: it fails.
    static func host(osRelease: String, targets: [String]) -> DebianArchive {
        guard osRelease.split(separator: "\n").contains(where: { $0 == "ID=debian" || $0 == "ID=\"debian\"" }) else {
            return general
        }
        var main: String?
        var security: String?
        for line in targets {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, fields[0].contains(":/") else { continue }
            let (uri, release) = (fields[0].hasSuffix("/") ? fields[0] : fields[0] + "/", fields[1])
            let isSecurity = release.hasSuffix("-security") || release.hasSuffix("/updates")
            // An unexpanded name is how apt answers for a field that it does not know.
            let originKnown = !fields[2].isEmpty && !fields[2].hasPrefix("$(")
            let looksDebian = uri.hasSuffix("/debian/") || uri.hasSuffix("/debian-security/")
            guard originKnown ? fields[2] == "Debian" : looksDebian else { continue }
            if isSecurity {
                security = security ?? uri
            } else if !release.contains("-") {
                main = main ?? uri
            }
        }
        guard let main else { return general }
        return DebianArchive(main: main, security: security)
    }

    /// Lines of an apt sources.list for `suite`, each bound to Debian's keys.
    func sources(suite: String) -> [String] {
        var lines = [line(main, suite)]
        // The development suites have neither updates nor a security archive.
        if !["sid", "unstable", "experimental"].contains(suite) {
            lines.append(line(main, "\(suite)-updates"))
            if let security { lines.append(line(security, "\(suite)-security")) }
        }
        return lines
    }

    private func line(_ uri: String, _ suite: String) -> String {
        "deb [signed-by=\(Self.keyring)] \(uri) \(suite) main"
    }

    /// What is fetched to see whether the archives answer: one small file of each over HTTP.
    func probes(suite: String) -> [(host: String, uri: String)] {
        var probes = [(host: Self.hostName(main), uri: "\(main)dists/\(suite)/InRelease")]
        if let security { probes.append((Self.hostName(security), "\(security)dists/\(suite)-security/InRelease")) }
        // Other methods (a mirror list, a local copy) are apt's own business.
        return probes.filter { $0.uri.hasPrefix("http://") || $0.uri.hasPrefix("https://") }
    }

    /// The host of a URI, without a user or password that may stand before it.
    static func hostName(_ uri: String) -> String {
        URLComponents(string: uri)?.host ?? uri
    }

    /// The host's apt options on how to reach an archive (proxies, certificates, dates), from `apt-config dump`.
    ///
    /// Nothing that would accept unsigned packages goes along.
    static func transportOptions(aptConfig: [String]) -> [String] {
        let wanted = [
            "Acquire::http", "Acquire::https", "Acquire::Check-Date", "Acquire::Check-Valid-Until",
            "Acquire::Max-ValidTime", "Acquire::Min-ValidTime", "Acquire::ForceIPv",
        ]
        return aptConfig.filter { line in
            line.hasSuffix(";") && wanted.contains { line.lowercased().hasPrefix($0.lowercased()) }
        }
    }
}
