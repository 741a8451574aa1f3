/// What a setting can be: how texts become its value, and how that is said.
public struct SettingKind<Value: Sendable>: Sendable {
    /// As in "must be …".
    public let allowed: String
    /// What stands for the value in help.
    public let valueName: String
    /// The words that it can be, where they can be counted.
    public let words: [String]
    /// Whether it can be given several times.
    public let isList: Bool
    /// Nil for texts that are no such value.
    public let parse: @Sendable ([String]) -> Value?

    private init(
        allowed: String, valueName: String, words: [String] = [], isList: Bool = false,
        parse: @escaping @Sendable ([String]) -> Value?
    ) {
        self.allowed = allowed
        self.valueName = valueName
        self.words = words
        self.isList = isList
        self.parse = parse
    }

    /// Of one text.
    public init(
        allowed: String, valueName: String, words: [String] = [], parse: @escaping @Sendable (String) -> Value?
    ) {
        self.init(allowed: allowed, valueName: valueName, words: words, isList: false) { texts in
            texts.count == 1 ? parse(texts[0]) : nil
        }
    }
}

extension SettingKind where Value == Int {
    /// A whole number.
    public static func integer(_ range: ClosedRange<Int>, valueName: String = "number") -> Self {
        Self(allowed: "a number from \(range.lowerBound) to \(range.upperBound)", valueName: valueName) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A number of bytes.
    public static func size(orNone: Bool = false) -> Self {
        Self(
            allowed: orNone
                ? "a number of bytes such as 256M, or 0 for none" : "a number of bytes such as 256M, above 0",
            valueName: "size"
        ) { text in
            Quantity.bytes(in: text).flatMap { $0 > 0 || orNone ? $0 : nil }
        }
    }
}

extension SettingKind where Value == Duration {
    /// A time; a number alone is of seconds.
    public static func time(from least: Duration = .milliseconds(1), to most: Duration) -> Self {
        Self(
            allowed: "a time from \(Quantity.text(of: least)) to \(Quantity.text(of: most)), such as 90s or 500ms",
            valueName: "time"
        ) { text in
            guard let count = Quantity.milliseconds(in: text) else { return nil }
            let time = Duration.milliseconds(count)
            return time >= least && time <= most ? time : nil
        }
    }
}

extension SettingKind where Value == String {
    /// Any text.
    public static func text(_ valueName: String, allowed: String = "a text") -> Self {
        Self(allowed: allowed, valueName: valueName) { $0 }
    }

    /// A text that passes a test.
    public static func text(
        _ valueName: String, allowed: String, where isAllowed: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(allowed: allowed, valueName: valueName) { isAllowed($0) ? $0 : nil }
    }

    /// One of some words.
    public static func word(_ words: [String]) -> Self {
        let allowed =
            words.count < 3
            ? words.joined(separator: " or ")
            : "one of \(words.joined(separator: ", "))"
        return Self(allowed: allowed, valueName: "word", words: words) { words.contains($0) ? $0 : nil }
    }
}

extension SettingKind where Value == Bool {
    /// On or off.
    public static var toggle: Self {
        Self(allowed: "true or false", valueName: "", words: ["true", "false"]) { text in
            switch text.lowercased() {
            case "true", "1": true
            case "false", "0": false
            default: nil
            }
        }
    }
}

extension SettingKind where Value == [String] {
    /// Several texts: the flag again and again, the variable with commas, a list in the file.
    public static func list(
        _ valueName: String, allowed: String, where isAllowed: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> Self {
        Self(allowed: allowed, valueName: valueName, isList: true) { $0.allSatisfy(isAllowed) ? $0 : nil }
    }
}

/// Numbers with a unit, as people write them.
public enum Quantity {
    /// `1024`, `64K`, `64M`, `1G`, with or without a `B` or `iB` behind the unit; nil where it is no number of bytes.
    public static func bytes(in argument: String) -> Int? {
        var text = argument.uppercased()
        if text.hasSuffix("IB") { text.removeLast(2) } else if text.hasSuffix("B") { text.removeLast() }
        var shift = 0
        for (unit, width) in [("K", 10), ("M", 20), ("G", 30)] where text.hasSuffix(unit) {
            text.removeLast()
            shift = width
            break
        }
        guard let count = Int(text), count >= 0 else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : bytes
    }

    /// `500ms`, `2s`, `2` (seconds), `0.5`; at least 1. Nil where it is no time above 0.
    public static func milliseconds(in argument: String) -> Int? {
        var text = argument
        var factor = 1_000.0
        if text.hasSuffix("ms") {
            text.removeLast(2)
            factor = 1
        } else if text.hasSuffix("s") {
            text.removeLast()
        }
        guard let value = Double(text), value.isFinite, value > 0, value * factor <= 1e12 else { return nil }
        return max(1, Int((value * factor).rounded()))
    }

    static func text(of time: Duration) -> String {
        let milliseconds = Int(time / .milliseconds(1))
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }
}
