import Glibc

/// A tree that is to become an image: tidied, stripped of privileges, and checked for both.
struct RootFilesystem {
    /// The tree's top.
    let path: String
    /// Whom everything in it belongs to; a build says root.
    var owner: uid_t = 0
    var group: gid_t = 0

    /// Directories that are there for the sandbox to mount on, or that programs expect; each empty.
    static let emptyDirectories = [
        "box", "dev", "proc", "run", "sys", "tmp", "root", "var/cache", "var/log", "var/tmp",
    ]
    /// What packages bring or package tools leave that no job needs, or that tells of the host.
    static let unwanted = [
        "boot", "etc/apt", "etc/dpkg", "etc/fstab", "etc/group-", "etc/gshadow", "etc/gshadow-", "etc/mtab",
        "etc/passwd-",
        "etc/shadow", "etc/shadow-", "etc/subgid", "etc/subgid-", "etc/subuid", "etc/subuid-", "etc/.pwd.lock",
        "home", "media", "mnt", "opt", "srv", "usr/share/bug", "usr/share/doc", "usr/share/doc-base",
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
        // A link or whatever else a package has left in its place would lead elsewhere.
        try Tree(path: path + Self.ownFolder).remove()
        try FileSystem.makeDirectories(path + Self.ownFolder)
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            try FileSystem.write(Array(content.utf8), to: path + name, mode: 0o644)
        }
    }

    /// Removes what an image does not hold and writes its account and host files.
    func tidy(users: [Recipe.User]) throws(ImageError) {
        for name in Self.unwanted { try Tree(path: "\(path)/\(name)").remove() }
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
        let attributes = try ExtendedAttributes()
        var findings: [String] = []
        let temporary = Array("\(path)/tmp".utf8)
        try Tree(path: path).walk { (path, status) throws(ImageError) in
            func find(_ what: String) {
                if findings.count < 10 { findings.append("\(FileSystem.shown(path)) \(what)") }
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
            findings.append("\(path)/\(name) is missing")
        }
        for (name, target) in Self.mergedLinks.sorted(by: { $0.key < $1.key })
        where try FileSystem.link("\(path)/\(name)") != target {
            findings.append("\(path)/\(name) is not a link to \(target)")
        }
        guard findings.isEmpty else {
            throw .unsafe(path: path, problem: "is no image: " + findings.joined(separator: "; "))
        }
    }
}
