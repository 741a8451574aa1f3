/// One thing that an operator can set: by the flag `--KEY`, by an environment variable, or by `KEY: …` in the configuration
/// file. The nearest to the command line holds.
public struct Setting<Value: Sendable>: Sendable {
    /// The name in the file; the flag is the same with two dashes before it.
    public let key: String
    /// The environment variable.
    public let variable: String
    /// What it means, as a sentence without its full stop.
    public let help: String
    /// A letter that the flag has besides.
    public let letter: Character?
    /// Whether it holds a password, so that its value is never shown.
    public let isSecret: Bool
    /// What it can be.
    public let kind: SettingKind<Value>
    /// What holds where nobody sets it.
    public let standard: SettingStandard<Value>

    public init(
        _ key: String, _ variable: String, _ kind: SettingKind<Value>, default standard: SettingStandard<Value>,
        letter: Character? = nil, isSecret: Bool = false, help: String
    ) {
        self.key = key
        self.variable = variable
        self.kind = kind
        self.standard = standard
        self.letter = letter
        self.isSecret = isSecret
        self.help = help
    }

    /// The value that holds, and who set it.
    /// - Parameters:
    ///   - flag: what the command line gave: one text, or several for a list; nil for nothing.
    ///   - sources: the environment and the file.
    /// - Returns: the default, from `SettingOrigin.standard`, where nobody set it; nil where the default is not a value but
    ///   something to be found out.
    /// - Throws: `SettingError` that names the flag, the variable, or the line of the file, and what is allowed.
    public func resolved(flag: [String]?, in sources: SettingSources) throws(SettingError) -> (
        value: Value?, origin: SettingOrigin
    ) {
        if let flag { return (try parse(flag, from: .flag(key)), .flag(key)) }
        if let text = sources.environment[variable], !text.isEmpty {
            let origin = SettingOrigin.environment(variable)
            return (try parse(kind.isList ? Self.parts(of: text) : [text], from: origin), origin)
        }
        if let file = sources.file, let entry = file.entries[key] {
            let origin = SettingOrigin.file(path: file.path, line: entry.line, key: key)
            return (try parse(entry.texts, from: origin), origin)
        }
        return (standard.value, .standard)
    }

    private func parse(_ texts: [String], from origin: SettingOrigin) throws(SettingError) -> Value {
        if let value = kind.parse(texts) { return value }
        let given = isSecret ? "" : ", not '\(texts.joined(separator: ", "))'"
        throw SettingError("\(origin) must be \(kind.allowed)\(given)")
    }

    private static func parts(of text: String) -> [String] {
        text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// What holds where nobody sets a setting.
public enum SettingStandard<Value: Sendable>: Sendable {
    /// A value, and how it is written in the file.
    case value(Value, String)
    /// What is found out at the start, in words.
    case computed(String)

    var value: Value? {
        switch self {
        case .value(let value, _): value
        case .computed: nil
        }
    }

    /// For people.
    public var text: String {
        switch self {
        case .value(_, let text), .computed(let text): text
        }
    }
}

/// Who set a value; the lesser one holds.
public enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    case flag(String)
    case environment(String)
    case file(path: String, line: Int, key: String)
    case standard

    /// How far from the command line it was set; the nearest holds.
    public var distance: Int {
        switch self {
        case .flag: 0
        case .environment: 1
        case .file: 2
        case .standard: 3
        }
    }

    public var description: String {
        switch self {
        case .flag(let key): "--\(key)"
        case .environment(let variable): variable
        case .file(let path, let line, let key): "\(path):\(line): \(key)"
        case .standard: "default"
        }
    }
}

/// A setting or a file that cannot be used, for the operator.
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// A setting of any kind of value, as a file or a list of all of them sees it.
public protocol AnySetting: Sendable {
    var key: String { get }
    var variable: String { get }
    var help: String { get }
    var isSecret: Bool { get }
    /// What it can be, as in "must be …".
    var allowed: String { get }
    /// Whether it can be given several times.
    var isList: Bool { get }
    /// The default as the file would have it; nil where it is not a value.
    var standardText: String? { get }
    /// The default in words.
    var standardWords: String { get }

    func accepts(_ texts: [String]) -> Bool
    /// What holds without a flag, as texts, and who set it; no text where the default is not a value.
    func texts(in sources: SettingSources) throws(SettingError) -> (texts: [String], origin: SettingOrigin)
}

extension Setting: AnySetting {
    public var allowed: String { kind.allowed }
    public var isList: Bool { kind.isList }
    public var standardWords: String { standard.text }

    public var standardText: String? {
        switch standard {
        case .value(_, let text): text
        case .computed: nil
        }
    }

    public func accepts(_ texts: [String]) -> Bool { kind.parse(texts) != nil }

    public func texts(in sources: SettingSources) throws(SettingError) -> (texts: [String], origin: SettingOrigin) {
        let origin = try resolved(flag: nil, in: sources).origin
        switch origin {
        case .environment:
            let text = sources.environment[variable] ?? ""
            return (kind.isList ? Self.parts(of: text) : [text], origin)
        case .file: return (sources.file?.entries[key]?.texts ?? [], origin)
        case .flag, .standard: return (standardText.map { [$0] } ?? [], origin)
        }
    }
}

/// What stands behind the command line.
public struct SettingSources: Sendable {
    public var environment: [String: String]
    public var file: ConfigurationFile?

    public init(environment: [String: String] = [:], file: ConfigurationFile? = nil) {
        self.environment = environment
        self.file = file
    }
}
