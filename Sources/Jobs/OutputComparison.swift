/// How a program's stdout is held against what was expected of it: byte by byte, in one pass over both, with no copy of
/// either.
public enum OutputComparison: Sendable, Equatable {
    /// Line by line. White space at the end of a line does not count, nor do empty lines at the very end.
    case trimmed
    /// Every byte counts.
    case exact
    /// What white space separates; how much of it, and of which kind, does not count.
    case tokens
    /// As `tokens`, but two numbers a (printed) and e (expected) are also equal where |a − e| ≤ max(absolute, relative × |e|).
    /// Numbers are decimal, with a fraction and an exponent or without, and are compared as doubles (IEEE 754). Everything
    /// else is compared as text: `nan`, `inf`, hexadecimal digits, and numbers too large for a double.
    case floats(absolute: Double, relative: Double)

    /// The tolerance of `floats` where a request gives none, absolute and relative.
    public static let usualTolerance = 1e-6

    /// Whether the output will do. A truncated one never does, which is the caller's to know.
    public func accepts(_ output: [UInt8], expected: [UInt8]) -> Bool {
        switch self {
        case .exact:
            return output == expected
        case .trimmed:
            var (left, right) = (OutputLines(output), OutputLines(expected))
            while true {
                let (printed, wanted) = (left.next(), right.next())
                if printed == nil, wanted == nil { return true }
                // Where one has ended, the other may go on with nothing but empty lines.
                guard printed ?? [] == wanted ?? [] else { return false }
            }
        case .tokens:
            return OutputComparison.tokens(of: output, and: expected, agree: ==)
        case .floats(let absolute, let relative):
            return OutputComparison.tokens(of: output, and: expected) { printed, wanted in
                if printed == wanted { return true }
                guard let printed = DecimalText.value(of: printed), let wanted = DecimalText.value(of: wanted) else {
                    return false
                }
                return (printed - wanted).magnitude <= max(absolute, relative * wanted.magnitude)
            }
        }
    }

    private static func tokens(
        of output: [UInt8], and expected: [UInt8], agree: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Bool
    ) -> Bool {
        var (left, right) = (OutputTokens(output), OutputTokens(expected))
        while true {
            switch (left.next(), right.next()) {
            case (nil, nil): return true
            case (let printed?, let wanted?): guard agree(printed, wanted) else { return false }
            default: return false
            }
        }
    }

    /// As `compare` of a request.
    var json: JSONValue {
        switch self {
        case .trimmed: .string("trimmed")
        case .exact: .string("exact")
        case .tokens: .string("tokens")
        case .floats(let absolute, let relative):
            .object(["mode": .string("floats"), "absolute": .double(absolute), "relative": .double(relative)])
        }
    }
}

extension UInt8 {
    /// White space as isspace(3) has it in the C locale: space, \t, \n, \v, \f, \r.
    fileprivate var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

/// The lines of an output without the white space at their ends.
private struct OutputLines {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next line, or nil after the last. What follows the last newline is a line where it is not empty.
    mutating func next() -> ArraySlice<UInt8>? {
        guard offset < bytes.count else { return nil }
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") { offset += 1 }
        var end = offset
        offset += 1
        while end > start, bytes[end - 1].isSpace { end -= 1 }
        return bytes[start..<end]
    }
}

/// What white space separates in an output.
private struct OutputTokens {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> ArraySlice<UInt8>? {
        while offset < bytes.count, bytes[offset].isSpace { offset += 1 }
        let start = offset
        while offset < bytes.count, !bytes[offset].isSpace { offset += 1 }
        return start < offset ? bytes[start..<offset] : nil
    }
}
