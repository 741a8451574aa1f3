/// Settings that belong together, under one heading.
public struct SettingSection: Sendable {
    public let title: String
    public let settings: [any AnySetting]

    public init(_ title: String, _ settings: [any AnySetting]) {
        self.title = title
        self.settings = settings
    }
}

/// The commented configuration file: each key with its default, ready to be changed.
public enum ExampleFile {
    private static let width = 118

    public static func text(heading: String, sections: [SettingSection]) -> String {
        var lines = heading.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "#" : "# \($0)"
        }
        for section in sections {
            lines += ["", "# ---- \(section.title) ----"]
            for setting in section.settings {
                lines.append("")
                lines += comment("\(setting.help). \(details(setting))")
                lines.append(line(setting))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func details(_ setting: any AnySetting) -> String {
        var parts: [String] = []
        if setting.allowed != "a text" { parts.append("Must be \(setting.allowed).") }
        if setting.standardText == nil { parts.append("Default: \(setting.standardWords).") }
        parts.append("(--\(setting.key), \(setting.variable))")
        return parts.joined(separator: " ")
    }

    private static func line(_ setting: any AnySetting) -> String {
        guard let text = setting.standardText else { return "#\(setting.key):" }
        if setting.isList { return "#\(setting.key): [\(text)]" }
        return "#\(setting.key): \(quoted(text))"
    }

    /// A text as YAML has it, with quotes only where it would be read as something else.
    public static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && !text.hasPrefix(" ") && !text.hasSuffix(" ") && !text.contains(": ")
            && !text.hasSuffix(":")
            && !text.contains(" #") && !["~", "null"].contains(text)
            && !"-?:,[]{}#&*!|>'\"%@` ".contains(text[text.startIndex])
            && text.unicodeScalars.allSatisfy { $0.value >= 32 }
        if isPlain { return text }
        // Single quotes have one rule: a quote is written twice (YAML 1.2, 7.3.2).
        return "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    }

    private static func comment(_ text: String) -> [String] {
        var lines: [String] = []
        var line = "#"
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > width {
                lines.append(line)
                line = "#"
            }
            line += " \(word)"
        }
        return lines + [line]
    }
}
