import ArgumentParser
import Foundation
import SettingSources
import Synchronization

/// Which configuration file: the same for every command that has settings.
struct ConfigurationOptions: ParsableArguments {
    /// Read where neither flag nor variable names another, and where it is there.
    static let standardPath = "/etc/bulkhead/bulkhead.yaml"
    static let variable = "BULKHEAD_CONFIG"

    @Option(
        help: ArgumentHelp(
            "A file of settings; flags and environment variables come before it (\(standardPath) where it is there; "
                + "\(variable)).", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    /// Part of parsing: what the file says is known, or what is wrong with it said, before anything is done.
    mutating func validate() throws {
        let environment = ProcessInfo.processInfo.environment
        let named = config ?? environment[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
        guard named != nil || access(Self.standardPath, F_OK) == 0 else {
            return SettingSources.set(SettingSources(environment: environment))
        }
        do {
            let file = try ConfigurationFile(path: named ?? Self.standardPath, settings: Settings.all)
            SettingSources.set(SettingSources(environment: environment, file: file))
        } catch {
            throw ValidationError(error.description)
        }
    }
}

extension SettingSources {
    /// One for the process: it has one environment and one file.
    private static let current = Mutex(SettingSources(environment: ProcessInfo.processInfo.environment))

    static func set(_ sources: SettingSources) { current.withLock { $0 = sources } }

    /// What stands behind the command line of this process.
    static var ofProcess: SettingSources { current.withLock { $0 } }
}

extension Setting {
    /// The value that holds, and who set it.
    /// - Parameter flags: what the command line gave; nil for nothing.
    /// - Returns: no value where nobody set it and its default is not a value.
    /// - Throws: `ValidationError` that names who set what is wrong, and what is allowed.
    func resolved(_ flags: [String]?) throws -> (value: Value?, origin: SettingOrigin) {
        do {
            return try resolved(flag: flags, in: .ofProcess)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// The value that holds, for a setting that has a value by default.
    /// - Throws: `ValidationError`, as `resolved`.
    func value(_ flag: String?) throws -> Value {
        guard let value = try given(flag) else { preconditionFailure("\(key) has no default value") }
        return value
    }

    /// The value that holds.
    /// - Returns: nil where nobody set it and there is no value by default.
    /// - Throws: `ValidationError`, as `resolved`.
    func given(_ flag: String?) throws -> Value? { try resolved(flag.map { [$0] }).value }
}

extension Setting where Value == Bool {
    /// Whether it is on.
    /// - Throws: `ValidationError`, as `resolved`.
    func isOn(_ flag: Bool) throws -> Bool { try value(flag ? "true" : nil) }
}

extension Setting where Value == [String] {
    /// All of them; what the command line gives stands for what the others say.
    /// - Throws: `ValidationError`, as `resolved`.
    func values(_ flags: [String]) throws -> [String] { try resolved(flags.isEmpty ? nil : flags).value ?? [] }
}

extension Setting {
    fileprivate var names: NameSpecification {
        var names: NameSpecification = [.customLong(key)]
        if let letter { names = [.customShort(letter), .customLong(key)] }
        return names
    }

    fileprivate var argumentHelp: ArgumentHelp {
        var text = help
        if !kind.words.isEmpty, !isToggle { text += ": \(kind.words.joined(separator: ", "))" }
        return ArgumentHelp(
            "\(text) (\(standard.text); \(variable)).", valueName: kind.valueName.isEmpty ? nil : kind.valueName)
    }

    fileprivate var completion: CompletionKind {
        switch kind.valueName {
        case "dir": .directory
        case "file", "path": .file()
        default: kind.words.isEmpty ? .default : .list(kind.words)
        }
    }

    private var isToggle: Bool { Value.self == Bool.self }
}

extension Option where Value == String? {
    /// The flag of a setting.
    init<T>(_ setting: Setting<T>) {
        self.init(name: setting.names, help: setting.argumentHelp, completion: setting.completion)
    }
}

extension Option where Value == [String] {
    /// The flag of a setting that can be given several times.
    init(wrappedValue: [String] = [], _ setting: Setting<[String]>) {
        self.init(
            wrappedValue: wrappedValue, name: setting.names, help: setting.argumentHelp,
            completion: setting.completion)
    }
}

extension Flag where Value == Bool {
    /// The flag of a switch.
    init(wrappedValue: Bool = false, _ setting: Setting<Bool>) {
        self.init(wrappedValue: wrappedValue, name: setting.names, help: setting.argumentHelp)
    }
}
