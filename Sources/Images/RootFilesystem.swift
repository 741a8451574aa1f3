import Glibc

/// A tree that is to become an image: tidied, stripped of privileges, and checked for both.
struct RootFilesystem {
    /// The tree's top.
    let path: String
    /// Whom everything in it belongs to; a build says root.
    var owner: uid_t = 0
    var group: gid_t = 0
    /// Whether the top has links where a tree with a merged /usr has them, as Debian's have.
    var isMerged = true
    /// What is removed from the tree.
    var unwanted = RootFilesystem.packaging + RootFilesystem.hostTraces

    /// Directories that are there for the sandbox to mount on, or that programs expect; each empty.
    static let emptyDirectories = [
        "box", "dev", "proc", "run", "sys", "tmp", "root", "var/cache", "var/log", "var/tmp",
    ]
    /// What tells of a host or holds its secrets.
    static let hostTraces = [
        ".dockerenv", "etc/fstab", "etc/group-", "etc/gshadow", "etc/gshadow-", "etc/mtab", "etc/passwd-", "etc/shadow",
        "etc/shadow-", "etc/subgid", "etc/subgid-", "etc/subuid", "etc/subuid-", "etc/.pwd.lock",
    ]
    /// What Debian's packages bring or its package tools leave that no job needs.
    static let packaging = [
        "boot", "etc/apt", "etc/dpkg", "home", "media", "mnt", "opt", "srv", "usr/share/bug", "usr/share/doc",
        "usr/share/doc-base",
        "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man", "var/backups",
        "var/lib/apt", "var/lib/dpkg/info", "var/lib/dpkg/status-old", "var/lib/dpkg/available-old",
        "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old", "var/lib/dpkg/lock",
        "var/lib/dpkg/lock-frontend", "var/lib/dpkg/triggers", "var/lib/dpkg/updates", "var/lib/systemd",
        "var/local", "var/mail", "var/opt", "var/spool",
    ]
    /// A merged-/usr tree has links where the old top-level directories were.
    static let mergedLinks = ["bin": "usr/bin", "lib": "usr/lib", "sbin": "usr/sbin"]
    /// Attributes that give rights: a file capability, and access lists that the mode does not show.
    static let privilegedAttributes = [
        "security.capability", "system.posix_acl_access", "system.posix_acl_default",
    ]

    /// Where files of a recipe's own are.
    static let ownFolder = "/usr/lib/bulkhead"

    /// Writes files of a recipe's own, by their path in the image.
    func write(_ files: [String: String]) throws(ImageError) {
        guard !files.isEmpty else { return }
        try requireFolders(above: [String(Self.ownFolder.dropFirst())])
        // A link or whatever else a package has left in its place would lead elsewhere.
        try Tree(path: path + Self.ownFolder).remove()
        try FileSystem.makeDirectories(path + Self.ownFolder)
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            try FileSystem.write(Array(content.utf8), to: path + name, mode: 0o644)
        }
    }

    /// Removes what an image does not hold and writes its account and host files.
    func tidy(users: [Recipe.User]) throws(ImageError) {
        try requireFolders(above: unwanted + Self.emptyDirectories + ["etc/passwd"])
        try FileSystem.makeDirectories("\(path)/etc")
        for name in unwanted { try Tree(path: "\(path)/\(name)").remove() }
        for name in Self.emptyDirectories {
            // A link in its place would lead out of the tree.
            if try !FileSystem.isDirectory("\(path)/\(name)") { try Tree(path: "\(path)/\(name)").remove() }
            try FileSystem.makeDirectories("\(path)/\(name)")
            try Tree(path: "\(path)/\(name)").empty()
        }
        let files = [
            "passwd": Accounts.passwd(users), "group": Accounts.group(users), "hostname": Accounts.hostName,
            "hosts": Accounts.hosts, "resolv.conf": "", "machine-id": "",
        ]
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            try FileSystem.write(Array(content.utf8), to: "\(path)/etc/\(name)", mode: 0o644)
        }
    }

    /// Refuses a tree where something above one of these names is a link or no folder: what is done to the name by its path would be
    /// done elsewhere, outside the tree even.
    private func requireFolders(above names: [String]) throws(ImageError) {
        for name in names {
            var above = path
            for part in name.split(separator: "/").dropLast() {
                above += "/\(part)"
                guard let status = try FileSystem.status(above) else { break }
                guard status.st_mode & S_IFMT == S_IFDIR else {
                    throw .unsafe(path: above, problem: "is no folder, which the tree of an image needs there")
                }
            }
        }
    }

    /// Takes every privilege out of the tree: owner, set-id bits, others' write bits, capabilities, device nodes.
    func strip() throws(ImageError) {
        let attributes = try ExtendedAttributes()
        try Tree(path: path).walk { (path, status) throws(ImageError) in
            let kind = status.st_mode & S_IFMT
            guard kind == S_IFDIR || kind == S_IFREG || kind == S_IFLNK else {
                guard FileSystem.withCString(path, { unlink($0) }) == 0 else {
                    throw FileSystem.failure("unlink", FileSystem.shown(path))
                }
                return
            }
            for name in try attributes.names(path) where Self.privilegedAttributes.contains(name) {
                try attributes.remove(name, from: path)
            }
            if status.st_uid != owner || status.st_gid != group {
                guard FileSystem.withCString(path, { lchown($0, owner, group) }) == 0 else {
                    throw FileSystem.failure("lchown", FileSystem.shown(path))
                }
            }
            // A link has no mode of its own; chmod would change what it points at.
            guard kind != S_IFLNK else { return }
            guard FileSystem.withCString(path, { chmod($0, status.st_mode & 0o755) }) == 0 else {
                throw FileSystem.failure("chmod", FileSystem.shown(path))
            }
        }
        try FileSystem.changeMode("\(path)/tmp", 0o1777)
        try FileSystem.changeMode(path, 0o755)
    }

    /// Looks at the finished tree again, as a stranger would, and throws with the first findings.
    func verify() throws(ImageError) {
        let findings = try findings(most: 10)
        guard findings.isEmpty else {
            throw .unsafe(path: path, problem: "is no image: " + findings.map { path + $0 }.joined(separator: "; "))
        }
    }

    /// What no image may have, at most `most` lines, each beginning with a path below the tree's top.
    func findings(most: Int = .max) throws(ImageError) -> [String] {
        let attributes = try ExtendedAttributes()
        var findings: [String] = []
        let temporary = Array("\(path)/tmp".utf8)
        let top = path.utf8.count
        try Tree(path: path).walk { (path, status) throws(ImageError) in
            func find(_ what: String) {
                guard findings.count < most else { return }
                let below = FileSystem.shown(Array(path.dropFirst(top)))
                findings.append("\(below.isEmpty ? "/" : below) \(what)")
            }
            let kind = status.st_mode & S_IFMT
            if status.st_uid != owner || status.st_gid != group { find("belongs to \(status.st_uid):\(status.st_gid)") }
            if kind != S_IFDIR && kind != S_IFREG && kind != S_IFLNK { find("is a device, pipe or socket") }
            if kind != S_IFLNK {
                if status.st_mode & 0o6000 != 0 { find("has a set-id bit") }
                let isTemporary = path == temporary && status.st_mode & 0o7777 == 0o1777
                if status.st_mode & 0o022 != 0 && !isTemporary { find("can be written by others") }
            }
            for name in try attributes.names(path) where Self.privilegedAttributes.contains(name) {
                find("has the attribute \(name)")
            }
        }
        for name in ["box", "dev", "proc", "sys", "tmp"] where try !FileSystem.isDirectory("\(path)/\(name)") {
            findings.append("/\(name) is missing")
        }
        guard isMerged else { return findings }
        for (name, target) in Self.mergedLinks.sorted(by: { $0.key < $1.key })
        where try FileSystem.link("\(path)/\(name)") != target {
            findings.append("/\(name) is not a link to \(target)")
        }
        return findings
    }
}
