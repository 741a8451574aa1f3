/// One thing that is wrong with one field of a request, as it stands in `errors` of a problem answer (RFC 9457).
public struct FieldProblem: Sendable, Equatable {
    /// What is wrong, for programs. The raw values are part of the wire.
    public enum Code: String, Sendable, CaseIterable {
        case required
        case wrongType = "wrong_type"
        case unknownField = "unknown_field"
        case outOfRange = "out_of_range"
        case tooLarge = "too_large"
        case tooMany = "too_many"
        case invalidValue = "invalid_value"
        case conflict
        case duplicate
        case empty
        case unknownLanguage = "unknown_language"
        case unknownVersion = "unknown_version"
        case malformedJSON = "malformed_json"
        case invalidUnicode = "invalid_unicode"
        case tooDeep = "too_deep"
    }

    /// The field: a JSON Pointer in its URI fragment form (RFC 6901 section 6), such as `#/limits/memoryBytes`.
    public var pointer: String
    public var code: Code
    /// What is wrong, for people. It never repeats code, input or environment.
    public var detail: String

    public init(pointer: String, code: Code, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }
}

/// Everything that is wrong with a request; never empty.
public struct RequestProblems: Error, Sendable, Equatable {
    /// More problems than this are not listed: a hostile request must not choose the size of its answer.
    public static let most = 64

    /// The problems in the order of the request's fields, at most `most` of them.
    public let problems: [FieldProblem]

    /// Nil for no problems.
    init?(_ problems: [FieldProblem]) {
        guard !problems.isEmpty else { return nil }
        self.problems = Array(problems.prefix(RequestProblems.most))
    }

    /// One problem alone.
    public init(_ problem: FieldProblem) {
        problems = [problem]
    }

    /// The problem of a body that could not be read at all.
    init(_ error: JSONError) {
        let code: FieldProblem.Code =
            switch error.code {
            case .malformed: .malformedJSON
            case .invalidUnicode: .invalidUnicode
            case .tooDeep: .tooDeep
            case .tooManyValues: .tooMany
            case .duplicateName: .duplicate
            case .numberOutOfRange: .outOfRange
            }
        let pointer = error.path.reduce(FieldPointer()) { $0.appending($1) }
        self.init(FieldProblem(pointer: pointer.text, code: code, detail: "\(error.detail), at byte \(error.offset)"))
    }
}

/// A JSON Pointer in URI fragment form (RFC 6901 section 6), built downwards.
struct FieldPointer: Sendable, Equatable {
    /// The pointer; `#` is the whole request.
    let text: String

    init() {
        text = "#"
    }

    private init(text: String) {
        self.text = text
    }

    /// The pointer to a member or element of what this one points at.
    func appending(_ token: String) -> FieldPointer {
        // A stranger's field name has any length; the answer must not.
        let most = 64
        var escaped = ""
        for (index, byte) in token.utf8.enumerated() {
            guard index < most else {
                escaped += "..."
                break
            }
            switch byte {
            case UInt8(ascii: "~"): escaped += "~0"
            case UInt8(ascii: "/"): escaped += "~1"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                escaped += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return FieldPointer(text: "\(text)/\(escaped)")
    }

    func appending(_ index: Int) -> FieldPointer {
        FieldPointer(text: "\(text)/\(index)")
    }
}
