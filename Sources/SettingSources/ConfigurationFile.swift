import Foundation
import Yams

/// The configuration file: a flat YAML mapping from the keys of settings to their values, read strictly. A misspelt key is
/// never ignored: what it was meant to set may be a bound.
public struct ConfigurationFile: Sendable, Equatable {
    /// What the file says of one setting.
    public struct Entry: Sendable, Equatable {
        public var texts: [String]
        public var line: Int
    }

    /// /dev/null, as stat(2) has it (Documentation/admin-guide/devices.txt: 1, 3).
    private static let nullDevice: dev_t = 1 << 8 | 3

    /// Larger files are refused before they are parsed.
    static let maximumBytes = 64 << 10

    /// Its path, for errors.
    public let path: String
    /// By key; a key without a value is not among them.
    public let entries: [String: Entry]

    /// Reads a file.
    /// - Parameters:
    ///   - path: where it is.
    ///   - settings: every setting that there is.
    /// - Throws: `SettingError` with the file, the line, the key and what is allowed.
    public init(path: String, settings: [any AnySetting]) throws(SettingError) {
        let data = try Self.contents(of: path)
        guard data.count <= Self.maximumBytes, let text = String(data: data, encoding: .utf8) else {
            throw SettingError("\(path) is not UTF-8 text of at most \(Self.maximumBytes) bytes")
        }
        try self.init(text: text, path: path, settings: settings)
    }

    /// One byte more than is allowed shows that there is more. Root takes no word of a file that others write: a setting names
    /// the launcher, which root starts.
    private static func contents(of path: String) throws(SettingError) -> Data {
        // Not blocked by a FIFO.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw SettingError("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SettingError("\(path) cannot be looked at: \(String(cString: strerror(errno)))")
        }
        // /dev/null is how a command is told to read none.
        if status.st_mode & S_IFMT == S_IFCHR, status.st_rdev == Self.nullDevice { return Data() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SettingError("\(path) is no file") }
        if geteuid() == 0 {
            guard status.st_mode & 0o022 == 0 else {
                throw SettingError("\(path) can be written by others than its owner: chmod go-w \(path)")
            }
            // Whoever may run this by sudo(8) may bring a file too.
            let caller = ProcessInfo.processInfo.environment["SUDO_UID"].flatMap(UInt32.init) ?? 0
            guard [0, caller].contains(status.st_uid) else {
                throw SettingError(
                    "\(path) belongs to user \(status.st_uid), and this runs as root: chown root \(path)")
            }
        }
        do {
            return try handle.read(upToCount: maximumBytes + 1) ?? Data()
        } catch {
            throw SettingError("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Reads a text; `path` is what errors call it.
    public init(text: String, path: String, settings: [any AnySetting]) throws(SettingError) {
        self.path = path
        guard let root = try Self.compose(text, path) else {
            entries = [:]
            return
        }
        guard case .mapping(let mapping) = root else {
            throw SettingError("\(path):\(root.line): must be lines of KEY: VALUE")
        }
        var entries: [String: Entry] = [:]
        for (keyNode, node) in mapping {
            let key = keyNode.scalar?.string ?? ""
            guard let setting = settings.first(where: { $0.key == key }) else {
                throw Self.unknown(key, at: "\(path):\(keyNode.line)", among: settings.map(\.key))
            }
            guard let texts = try Self.texts(node, of: setting, path: path) else { continue }
            guard setting.accepts(texts) else {
                let given = setting.isSecret ? "" : ", not '\(texts.joined(separator: ", "))'"
                throw SettingError("\(path):\(node.line): \(key) must be \(setting.allowed)\(given)")
            }
            entries[key] = Entry(texts: texts, line: keyNode.line)
        }
        self.entries = entries
    }

    private static func compose(_ text: String, _ path: String) throws(SettingError) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                throw SettingError("\(path):\(mark.line): is not YAML: \(problem)")
            case .duplicatedKeysInMapping(let duplicates, let context):
                throw SettingError(
                    "\(path):\(context.mark.line): given more than once: \(duplicates.sorted().joined(separator: ", "))"
                )
            default: throw SettingError("\(path): is not YAML: \(error)")
            }
        } catch {
            throw SettingError("\(path): is not YAML: \(error)")
        }
    }

    /// - Returns: nil for a key without a value, which is one that nobody set.
    private static func texts(
        _ node: Node, of setting: any AnySetting, path: String
    ) throws(SettingError) -> [String]? {
        switch node {
        case .scalar(let scalar):
            if scalar.string.isEmpty || (scalar.style == .plain && ["null", "~"].contains(scalar.string)) {
                return nil
            }
            return [scalar.string]
        case .sequence(let sequence) where setting.isList:
            var texts: [String] = []
            for element in sequence {
                guard let scalar = element.scalar else {
                    throw SettingError("\(path):\(element.line): \(setting.key) must be a list of texts")
                }
                texts.append(scalar.string)
            }
            return texts
        case .sequence, .mapping, .alias:
            throw SettingError(
                "\(path):\(node.line): \(setting.key) must be \(setting.allowed), on one line\(setting.isList ? " or a list" : "")"
            )
        }
    }

    private static func unknown(_ key: String, at place: String, among keys: [String]) -> SettingError {
        let nearest = keys.min { NameDistance.between(key, $0) < NameDistance.between(key, $1) }
        let advice = nearest.map { "; the nearest is \($0)" } ?? ""
        return SettingError("\(place): no setting is named '\(key)'\(advice) (bulkhead config example lists all)")
    }
}

extension Node {
    /// From 1 on.
    fileprivate var line: Int { mark?.line ?? 1 }
}

/// How far a name is from another: how many letters must be added, left out or changed (Levenshtein).
enum NameDistance {
    static func between(_ one: String, _ other: String) -> Int {
        // What people mix up is no difference: max_wait, maxWait and max-wait.
        let one = Array(one.lowercased().filter { $0 != "_" && $0 != "-" })
        let other = Array(other.lowercased().filter { $0 != "_" && $0 != "-" })
        // A name that is no name is far from all of them; and the work stays small.
        guard one.count <= 64 else { return .max }
        var row = Array(0...other.count)
        for (index, letter) in one.enumerated() {
            var corner = row[0]
            row[0] = index + 1
            for (column, otherLetter) in other.enumerated() {
                let cost = min(row[column] + 1, row[column + 1] + 1, corner + (letter == otherLetter ? 0 : 1))
                corner = row[column + 1]
                row[column + 1] = cost
            }
        }
        return row[other.count]
    }
}
