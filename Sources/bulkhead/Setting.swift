import ArgumentParser
import Foundation

/// A value that a flag gives, else an environment variable, else the default: the same for every setting.
enum Setting {
    static func string(_ flag: String?, _ variable: String, default standard: String) -> String {
        if let flag { return flag }
        guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else { return standard }
        return value
    }

    /// - Throws: `ValidationError` that names the variable or flag where the value is no number in `range`.
    static func integer(
        _ flag: Int?, _ variable: String, flagName: String, in range: ClosedRange<Int>, default standard: Int
    ) throws -> Int {
        if let flag {
            guard range.contains(flag) else {
                throw ValidationError("\(flagName) must be from \(range.lowerBound) to \(range.upperBound)")
            }
            return flag
        }
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw ValidationError("\(variable) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

extension Setting {
    /// A number of bytes, as `ByteCount` reads it.
    /// - Parameters:
    ///   - flag: what the command line gave.
    ///   - variable: the environment variable.
    /// - Returns: nil where neither is given.
    /// - Throws: `ValidationError` that names the variable where its value is no number of bytes.
    static func bytes(_ flag: Int?, _ variable: String) throws -> Int? {
        if let flag { return flag }
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return nil }
        guard let bytes = ByteCount.number(in: text) else {
            throw ValidationError("\(variable) must be a number of bytes, such as 256M")
        }
        return bytes
    }
}

/// A number of bytes as people write it: `1024`, `64K`, `64M`, `1G`, with or without a `B` or `iB` behind the unit.
struct ByteCount: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        guard let bytes = Self.number(in: argument), bytes > 0 else { return nil }
        self.bytes = bytes
    }

    /// What a text says, 0 included; nil where it is no number of bytes.
    static func number(in argument: String) -> Int? {
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
}

/// The same, where 0 means none.
struct ByteCountOrNone: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        guard let bytes = ByteCount.number(in: argument) else { return nil }
        self.bytes = bytes
    }
}

/// A time as people write it: `500ms`, `2s`, `2` (seconds), `0.5`.
struct Milliseconds: ExpressibleByArgument {
    var count: Int

    init?(argument: String) {
        var text = argument
        var factor = 1_000.0
        if text.hasSuffix("ms") {
            text.removeLast(2)
            factor = 1
        } else if text.hasSuffix("s") {
            text.removeLast()
        }
        guard let value = Double(text), value.isFinite, value > 0, value * factor <= 1e12 else { return nil }
        count = max(1, Int((value * factor).rounded()))
    }
}
