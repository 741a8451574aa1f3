import Testing

@testable import Jobs

@Suite struct OutputComparisonTests {
    struct Pair: Sendable, CustomTestStringConvertible {
        var printed: [UInt8]
        var expected: [UInt8]
        /// The modes that take it.
        var modes: Set<String>

        init(_ printed: String, _ expected: String, _ modes: Set<String>) {
            self.printed = Array(printed.utf8)
            self.expected = Array(expected.utf8)
            self.modes = modes
        }

        var testDescription: String { "\(String(decoding: printed, as: UTF8.self).debugDescription) for \(expected)" }
    }

    private static let all: Set = ["exact", "trimmed", "tokens", "floats"]
    private static let comparisons: [(name: String, comparison: OutputComparison)] = [
        ("exact", .exact), ("trimmed", .trimmed), ("tokens", .tokens),
        ("floats", .floats(absolute: 1e-6, relative: 1e-6)),
    ]

    static let pairs: [Pair] = [
        Pair("", "", all),
        Pair("a\n", "a\n", all),
        Pair("a", "a\n", ["trimmed", "tokens", "floats"]),
        Pair("a\n\n \t\n", "a", ["trimmed", "tokens", "floats"]),
        Pair(" \n\n", "", ["trimmed", "tokens", "floats"]),
        Pair("a \r\nb\t\r\n", "a\nb\n", ["trimmed", "tokens", "floats"]),
        Pair("a\u{B}\u{C}\nb", "a\nb", ["trimmed", "tokens", "floats"]),
        // White space within a line, before it, or an empty line in the middle is the program's own.
        Pair("a  b\n", "a b\n", ["tokens", "floats"]),
        Pair(" a\n", "a\n", ["tokens", "floats"]),
        Pair("\na\n", "a\n", ["tokens", "floats"]),
        Pair("a\n\nb\n", "a\nb\n", ["tokens", "floats"]),
        Pair("a b\n", "a\nb\n", ["tokens", "floats"]),
        Pair("ab", "a b", []), Pair("a", "a b", []), Pair("a b", "a", []), Pair("", "a", []), Pair("a", "", []),
        Pair("a\nb", "a\nc", []), Pair("A", "a", []),
        // A NUL is no white space, and no end.
        Pair("a\u{0}", "a", []), Pair("a\u{0}b", "a\u{0}c", []), Pair("a\u{0}", "a\u{0}", all),
        // Equal to Unicode, not to a judge; and a space that only Unicode calls one.
        Pair("\u{E9}", "e\u{301}", []), Pair("a\u{A0}", "a", []),
        Pair("1.0000001", "1.0", ["floats"]), Pair("1.00001", "1.0", []),
        Pair("x 0.5 y", "x .5000000001 y", ["floats"]), Pair("0.5", ".5", ["floats"]), Pair("5.", "5", ["floats"]),
        Pair("+1", "1", ["floats"]), Pair("-0.0", "0", ["floats"]), Pair("1e3", "1000", ["floats"]),
        Pair("1E+03", "1000.0", ["floats"]), Pair("-1", "1", []),
        Pair("1000000.5", "1000000", ["floats"]), Pair("1000002", "1000000", []),
        // Not numbers here: equal as text alone.
        Pair("nan", "nan", all), Pair("nan", "1", []), Pair("NaN", "nan", []), Pair("-nan", "nan", []),
        Pair("inf", "inf", all), Pair("inf", "1e308", []), Pair("Infinity", "inf", []), Pair("1e400", "inf", []),
        Pair("1e400", "1e401", []), Pair("1e400", "1e400", all), Pair("0x10", "16", []), Pair("0x1p3", "8", []),
        Pair("1,5", "1.5", []), Pair("1_000", "1000", []), Pair("1e", "1", []), Pair("1e+", "1", []),
        Pair(".", "0", []),
        Pair("+", "0", []), Pair("--1", "-1", []), Pair("1.2.3", "1.2", []), Pair("1 e3", "1e3", []),
        Pair("\u{661}", "1", []), Pair("1e3x", "1000", []),
        // The two ends of what a double holds.
        Pair("1e-400", "0", ["floats"]), Pair("1.7976931348623157e308", "1.7976931348623158e308", ["floats"]),
        Pair("1e308", "-1e308", []), Pair("1e99999999999999999999", "1", []),
        Pair("1e-99999999999999999999", "0", ["floats"]),
    ]

    @Test(arguments: pairs)
    func takes(pair: Pair) {
        for (name, comparison) in Self.comparisons {
            #expect(
                comparison.accepts(pair.printed, expected: pair.expected) == pair.modes.contains(name), "\(name)")
        }
    }

    @Test func comparesBytesThatAreNoText() {
        for (_, comparison) in Self.comparisons {
            // What a lossy text would show for the first.
            #expect(!comparison.accepts([0xFF], expected: Array("\u{FFFD}".utf8)))
            #expect(!comparison.accepts([0xC3], expected: Array("é".utf8)))
            #expect(comparison.accepts([0xFF, 0x00], expected: [0xFF, 0x00]))
        }
    }

    @Test(
        arguments: [
            (0.5, 0, "10.5", "10", true), (0.5, 0, "10.51", "10", false),
            (0, 0.1, "110", "100", true), (0, 0.1, "111", "100", false),
            // Relative to what was expected.
            (0, 0.1, "100", "111", true), (0, 0.1, "100", "112", false),
            // The larger of the two tolerances.
            (1, 0.1, "0.9", "0", true), (1, 0.1, "105", "100", true), (0, 0, "1", "1.0", true), (0, 0, "1", "2", false),
            (.greatestFiniteMagnitude, 1, "1e308", "-1e308", false),
        ] as [(Double, Double, String, String, Bool)])
    func isWithinTolerance(absolute: Double, relative: Double, printed: String, expected: String, isEqual: Bool) {
        let comparison = OutputComparison.floats(absolute: absolute, relative: relative)
        #expect(comparison.accepts(Array(printed.utf8), expected: Array(expected.utf8)) == isEqual)
    }

    @Test func readsNumbersOfAnyLength() {
        func value(_ text: String) -> Double? { DecimalText.value(of: Array(text.utf8)[...]) }
        let zeros = String(repeating: "0", count: 200_000)
        #expect(value("0.\(zeros)1e200001") == 1)
        #expect(value("1\(zeros)e-200000") == 1)
        #expect(value("\(zeros)1.5\(zeros)") == 1.5)
        #expect(value("0.\(zeros)") == 0)
        #expect(value("1\(zeros)") == nil)
        let digits = String(repeating: "123456789", count: 20_000)
        #expect(value("0.\(digits)") == 0.123456789123456789)
        #expect(value("1e\(zeros)2") == 100)
        // As many digits as matter, and one more.
        #expect(value("9007199254740993") == 9_007_199_254_740_992)
        #expect(value("0.1") == 0.1)
        #expect(value("-2.2250738585072014e-308") == -2.2250738585072014e-308)
    }

    /// Each would take minutes if a byte were looked at for every other.
    @Test func takesTimeThatGrowsWithTheLengthAlone() {
        let count = 1 << 20
        for text in [
            Array(repeating: UInt8(ascii: " "), count: count), Array(repeating: UInt8(ascii: "\n"), count: count),
            Array(repeating: UInt8(ascii: "9"), count: count), Array("1 ".utf8) + Array(repeating: 0x20, count: count),
        ] {
            for (_, comparison) in Self.comparisons {
                #expect(comparison.accepts(text, expected: text))
                _ = comparison.accepts(text, expected: text.dropLast())
            }
        }
    }
}
