import CLinux
import Glibc
import Linux

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

    /// Directories that are there for the sandbox to mount on, or that programs expect; each empty, and none for others to write,
    /// /tmp neither: on the host's disk it would be for all who have an account there.
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
    ///
    /// A folder is taken from whoever had it before what is in it is looked at.
    func strip() throws(ImageError) {
        let attributes = try ExtendedAttributes()
        try Tree(path: path).walk(
            entering: { (entry, folder) throws(ImageError) in
                try strip(folder, entry, attributes)
                if entry.path.isEmpty { try FileSystem.changeMode(of: folder, 0o755, path) }
            },
            { (entry) throws(ImageError) in
                switch entry.kind {
                case S_IFDIR: break
                case S_IFREG, S_IFLNK:
                    let file = try entry.open(BK_O_PATH)
                    try strip(file.raw, entry, attributes)
                default: try Tree.remove(entry.name, in: entry.folder)
                }
            })
    }

    private func strip(
        _ file: Int32, _ entry: Tree.Entry, _ attributes: ExtendedAttributes
    ) throws(ImageError) {
        let shown = path + FileSystem.shown(entry.path)
        for name in try attributes.names(of: file, shown) where Self.privilegedAttributes.contains(name) {
            try attributes.remove(name, from: file, shown)
        }
        if entry.status.st_uid != owner || entry.status.st_gid != group {
            try FileSystem.changeOwner(of: file, owner, group, shown)
        }
        // A link has no mode of its own.
        guard entry.kind != S_IFLNK else { return }
        try FileSystem.changeMode(of: file, entry.status.st_mode & 0o755, shown)
    }

    /// Takes /tmp of a tree back, where others can write it, and empties it: images were made so once, and whatever is in it was
    /// put there by others.
    ///
    /// - Throws: where it cannot be done, but for a file system that is read-only: through that nobody writes.
    static func closeTemporary(in path: String) throws(ImageError) {
        let top = try FileSystem.openFolder(path)
        let name = Array("tmp".utf8)
        guard let status = try Tree.status(name, in: top.raw), status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid != geteuid() || status.st_mode & 0o022 != 0
        else { return }
        let folder = try Tree.openFolder(name, in: top.raw, "\(path)/tmp")
        do throws(ImageError) {
            try FileSystem.changeOwner(of: folder.raw, geteuid(), getegid(), "\(path)/tmp")
            try FileSystem.changeMode(of: folder.raw, 0o755, "\(path)/tmp")
            try Tree.empty(folder.raw)
        } catch .system(_, _, EROFS) {}
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
        try Tree(path: path).walk { (entry) throws(ImageError) in
            let shown = FileSystem.shown(entry.path)
            func find(_ what: String) {
                guard findings.count < most else { return }
                findings.append("\(shown.isEmpty ? "/" : shown) \(what)")
            }
            let status = entry.status
            if status.st_uid != owner || status.st_gid != group { find("belongs to \(status.st_uid):\(status.st_gid)") }
            if !entry.isFolder && entry.kind != S_IFREG && entry.kind != S_IFLNK { find("is a device, pipe or socket") }
            if entry.kind != S_IFLNK {
                if status.st_mode & 0o6000 != 0 { find("has a set-id bit") }
                if status.st_mode & 0o022 != 0 { find("can be written by others") }
            }
            let file = try entry.open(BK_O_PATH)
            for name in try attributes.names(of: file.raw, path + shown)
            where Self.privilegedAttributes.contains(name) {
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
