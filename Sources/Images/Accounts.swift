/// The contents of the account and host files in an image: what its programs need, nothing of the build host.
enum Accounts {
    static func passwd(_ users: [Recipe.User]) -> String {
        var lines = ["root:x:0:0:root:/root:/usr/sbin/nologin"]
        lines += users.map { "\($0.name):x:\($0.uid):\($0.gid)::\($0.home):\($0.shell)" }
        lines.append("nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin")
        return lines.joined(separator: "\n") + "\n"
    }

    static func group(_ users: [Recipe.User]) -> String {
        var lines = ["root:x:0:"]
        lines += users.map { "\($0.name):x:\($0.gid):" }
        lines += ["nogroup:x:65534:"]
        return lines.joined(separator: "\n") + "\n"
    }

    static let hostName = "sandbox\n"
    static let hosts = "127.0.0.1 localhost sandbox\n::1 localhost\n"
}
