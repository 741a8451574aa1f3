/// Test cases: what a request may say of them.
extension RequestReader {
    static let caseFields: Set<String> = ["cases", "compare", "stopOnFailure"]

    /// The cases of a request; nil where it has none, or none that could be read.
    mutating func readCases(_ object: JSONObject) -> TestCases? {
        guard object["cases"] != nil else {
            for name in ["compare", "stopOnFailure"] where object[name] != nil {
                report(RequestReader.root.appending(name), .conflict, "goes with cases, and there are none")
            }
            return nil
        }
        for name in ["stdin", "input", "args"] where object[name] != nil {
            report(RequestReader.root.appending(name), .conflict, "stands in each of cases; not beside them")
        }
        if object["collect"] != nil {
            report(RequestReader.root.appending("collect"), .conflict, "no files are handed back from cases")
        }
        if object["interactive"] == .bool(true) {
            report(RequestReader.root.appending("interactive"), .conflict, "each of cases has its own stdin")
        }
        let comparison = readComparison(object)
        let stopsOnFailure = readFlag(object, "stopOnFailure") ?? false
        let pointer = RequestReader.root.appending("cases")
        guard let elements = readArray(object, "cases", at: pointer, atMost: bounds.cases) else { return nil }
        if elements.isEmpty { report(pointer, .empty, "must not be empty") }
        var room = CaseRoom(stdin: bounds.stdinBytes, expectedOutput: bounds.expectedOutputBytes)
        let cases = elements.enumerated().map { readCase($1, at: pointer.appending($0), room: &room) }
        return TestCases(cases, comparison: comparison, stopsOnFailure: stopsOnFailure)
    }

    /// What all cases may take together.
    private struct CaseRoom {
        /// A bound, and how much of it is used.
        struct Sum {
            let most: Int
            var used = 0
        }
        var stdin: Sum
        var expectedOutput: Sum

        init(stdin: Int, expectedOutput: Int) {
            self.stdin = Sum(most: stdin)
            self.expectedOutput = Sum(most: expectedOutput)
        }
    }

    private mutating func readCase(_ element: JSONValue, at pointer: FieldPointer, room: inout CaseRoom) -> TestCase {
        var testCase = TestCase()
        guard case .object(let members) = element else {
            report(pointer, .wrongType, "must be an object, not \(element.kind)")
            return testCase
        }
        testCase.name = readString(members, "name", at: pointer.appending("name"))
        if let name = testCase.name {
            checkSize(name.utf8.count, atMost: bounds.caseNameBytes, at: pointer.appending("name"))
        }
        testCase.stdin = readStream(members, "stdin", at: pointer, room: &room.stdin) ?? []
        testCase.arguments = readArguments(members, at: pointer)
        testCase.expectedOutput = readStream(members, "expectedOutput", at: pointer, room: &room.expectedOutput)
        reportUnknown(in: members, at: pointer, known: ["name", "stdin", "args", "expectedOutput"])
        return testCase
    }

    private mutating func readStream(
        _ members: JSONObject, _ name: String, at parent: FieldPointer, room: inout CaseRoom.Sum
    ) -> [UInt8]? {
        let pointer = parent.appending(name)
        guard let text = readString(members, name, at: pointer) else { return nil }
        let isFirstTooMany = room.used <= room.most
        room.used += text.utf8.count
        // Told once, of the case that goes over: those behind it may be as small as they like.
        if isFirstTooMany, room.used > room.most {
            report(
                pointer, .tooLarge,
                "is \(room.used) bytes with those of the cases before it; the most is \(room.most) for all together")
        }
        return Array(text.utf8)
    }

    private mutating func readComparison(_ object: JSONObject) -> OutputComparison {
        let pointer = RequestReader.root.appending("compare")
        let usual = OutputComparison.usualTolerance
        func comparison(named name: String) -> OutputComparison? {
            switch name {
            case "trimmed": .trimmed
            case "exact": .exact
            case "tokens": .tokens
            case "floats": .floats(absolute: usual, relative: usual)
            default: nil
            }
        }
        let choices = "must be one of: \"trimmed\", \"exact\", \"tokens\", \"floats\""
        switch object["compare"] {
        case nil: return .trimmed
        case .string(let name):
            if let comparison = comparison(named: name) { return comparison }
            report(pointer, .invalidValue, choices)
        case .object(let members):
            reportUnknown(in: members, at: pointer, known: ["mode", "absolute", "relative"])
            if members["mode"] == nil { report(pointer.appending("mode"), .required, "is required") }
            guard let name = readString(members, "mode", at: pointer.appending("mode")) else { break }
            guard let named = comparison(named: name) else {
                report(pointer.appending("mode"), .invalidValue, choices)
                break
            }
            guard case .floats = named else {
                for field in ["absolute", "relative"] where members[field] != nil {
                    report(pointer.appending(field), .conflict, "goes with the mode \"floats\"")
                }
                return named
            }
            if members["absolute"] == nil, members["relative"] == nil { return named }
            // Whoever names one tolerance wants no other beside it.
            return .floats(
                absolute: readTolerance(members, "absolute", atMost: nil, at: pointer) ?? 0,
                relative: readTolerance(members, "relative", atMost: 1, at: pointer) ?? 0)
        case let value?:
            report(pointer, .wrongType, "must be a string or an object, not \(value.kind)")
        }
        return .trimmed
    }

    private mutating func readTolerance(
        _ members: JSONObject, _ name: String, atMost most: Double?, at parent: FieldPointer
    ) -> Double? {
        let pointer = parent.appending(name)
        guard let value = members[name] else { return nil }
        guard case .number(let number) = value else {
            report(pointer, .wrongType, "must be a number, not \(value.kind)")
            return nil
        }
        guard number.double >= 0, most.map({ number.double <= $0 }) ?? true else {
            report(pointer, .outOfRange, most.map { "must be between 0 and \($0)" } ?? "must not be below 0")
            return nil
        }
        return number.double
    }
}
