/// Decimal numbers as programs print them: `-0.5`, `.5`, `3.`, `1e-9`.
enum DecimalText {
    /// More digits than this do not change a double that is compared within a tolerance: what is cut off is less than one
    /// part in 10³⁹.
    private static let mostDigits = 40

    /// The value of a text, in time that grows with its length alone: a stranger chose it, and may have written megabytes of
    /// digits.
    /// - Returns: nil where it is no decimal number, also where it is one that a double cannot hold; 0 where it is too small
    ///   for one.
    static func value(of text: ArraySlice<UInt8>) -> Double? {
        var rest = text[...]
        let isNegative = takeSign(&rest)
        var digits: [UInt8] = []
        // The number is these digits, read as a whole number, times ten to this.
        var exponent = 0
        var hasDigits = false
        var isFraction = false
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if isDigit(byte) {
                hasDigits = true
                if digits.isEmpty, byte == UInt8(ascii: "0") {
                    if isFraction { exponent -= 1 }
                } else if digits.count < mostDigits {
                    digits.append(byte)
                    if isFraction { exponent -= 1 }
                } else if !isFraction {
                    exponent += 1
                }
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        guard hasDigits else { return nil }
        if let byte = rest.first {
            guard byte | 0x20 == UInt8(ascii: "e") else { return nil }
            rest = rest.dropFirst()
            guard let power = takeExponent(&rest), rest.isEmpty else { return nil }
            exponent += power
        }
        guard !digits.isEmpty else { return 0 }
        // Far outside of what a double holds either way, and few digits.
        let scale = min(max(exponent, -5_000), 5_000)
        guard let magnitude = Double("\(String(decoding: digits, as: UTF8.self))e\(scale)"), magnitude.isFinite else {
            return nil
        }
        return isNegative ? -magnitude : magnitude
    }

    /// The digits of an exponent with their sign; nil where there are none. Held at a thousand million, which no count of
    /// digits in memory makes up for.
    private static func takeExponent(_ rest: inout ArraySlice<UInt8>) -> Int? {
        let isNegative = takeSign(&rest)
        guard let first = rest.first, isDigit(first) else { return nil }
        var power = 0
        while let byte = rest.first, isDigit(byte) {
            power = min(power * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000_000)
            rest = rest.dropFirst()
        }
        return isNegative ? -power : power
    }

    /// - Returns: whether it was a minus.
    private static func takeSign(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let byte = rest.first, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") else { return false }
        rest = rest.dropFirst()
        return byte == UInt8(ascii: "-")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
