import Testing

@testable import Jobs

@Suite struct JSONTests {
    private func parse(_ text: String, bounds: JSONBounds = JSONBounds()) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), bounds: bounds)
    }

    private func code(_ bytes: [UInt8], bounds: JSONBounds = JSONBounds()) -> JSONError.Code? {
        do {
            _ = try JSONValue(parsing: bytes, bounds: bounds)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func keepsOrderLiteralsAndKinds() throws {
        let text = #"{"b":[1,-0.5,1e3,true,null],"a":{"é\n\"":"\u007f"}}"#
        #expect(try String(decoding: parse(text).bytes, as: UTF8.self) == text)
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "-", "NaN", "Infinity", "tru", "'a'",
        "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\u{1}\"", "[1] 2", "{\"a\" 1}", "\u{FEFF}1", "nulll", "[1 2]", "\"\\",
        "\"\\u",
    ])
    func refusesWhatIsNotJSON(text: String) {
        #expect(code(Array(text.utf8)) == .malformed)
    }

    @Test func refusesEveryCutOfAText() throws {
        let text = Array(#"{"a":[1.5e3,"x\u00e9\ud83d\ude00",true,false,null,{}]}"#.utf8)
        #expect(code(text) == nil)
        for length in text.indices {
            #expect(code(Array(text.prefix(length))) != nil, "a cut at \(length) passed")
        }
    }

    @Test(arguments: [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud800x""#])
    func refusesHalfASurrogatePair(text: String) {
        #expect(code(Array(text.utf8)) == .invalidUnicode)
    }

    @Test func refusesInvalidUTF8() {
        #expect(code([0x22, 0xFF, 0x22]) == .invalidUnicode)
        #expect(code([0x22, 0x5C, 0x6E, 0xC3, 0x22]) == .invalidUnicode)
    }

    @Test func joinsSurrogatePairs() throws {
        #expect(try parse(#""\ud83d\ude00\u00e9""#) == .string("😀é"))
    }

    @Test func boundsDepth() {
        let bounds = JSONBounds(depth: 32)
        func nested(_ depth: Int) -> [UInt8] { Array(String(repeating: "[", count: depth).utf8) }
        #expect(code(nested(32) + Array(String(repeating: "]", count: 32).utf8), bounds: bounds) == nil)
        #expect(code(nested(33), bounds: bounds) == .tooDeep)
        // A million brackets must not reach the stack.
        #expect(code(nested(1_000_000), bounds: bounds) == .tooDeep)
    }

    @Test func boundsTheNumberOfValues() {
        #expect(code(Array("[1,2,3]".utf8), bounds: JSONBounds(values: 4)) == nil)
        #expect(code(Array("[1,2,3,4]".utf8), bounds: JSONBounds(values: 4)) == .tooManyValues)
    }

    @Test func namesTheFieldThatIsThereTwice() {
        #expect(
            throws: JSONError(
                code: .duplicateName, detail: "the name appears twice in one object", offset: 23, path: ["a", "1", "b"])
        ) {
            try parse(#"{"a":[0,{"b":1,"\u0062":2}]}"#)
        }
    }

    @Test func tellsCanonicallyEquivalentNamesApart() throws {
        // One precomposed, one not: equal as Swift strings, different as JSON names.
        let value = try parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        guard case .object(let object) = value else {
            Issue.record("not an object")
            return
        }
        #expect(object["\u{E9}"] == .integer(1))
        #expect(object["e\u{301}"] == .integer(2))
    }

    @Test func knowsWholeNumbersExactly() throws {
        let cases: [(String, Int?)] = [
            ("2000", 2_000), ("2000.0", 2_000), ("2e3", 2_000), ("-0", 0), ("1.5", nil), ("9223372036854775807", .max),
            ("9223372036854775808", nil), ("1e300", nil), ("9007199254740993.0", 9_007_199_254_740_992), ("1e-1", nil),
        ]
        for (text, expected) in cases {
            guard case .number(let number) = try parse(text) else {
                Issue.record("\(text) is no number")
                continue
            }
            #expect(number.integer == expected, "\(text)")
        }
    }

    @Test func refusesNumbersThatAreNotFinite() {
        #expect(code(Array("1e400".utf8)) == .numberOutOfRange)
        #expect(code(Array(repeating: UInt8(ascii: "1"), count: 401)) == .numberOutOfRange)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONValue.double(.infinity) == .null)
    }
}
