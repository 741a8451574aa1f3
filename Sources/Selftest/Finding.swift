import Jobs

/// What came of one attack.
public struct Finding: Sendable {
    public enum Verdict: String, Sendable, CaseIterable {
        case contained
        case escaped
        /// It could not be tried, or did not answer: as bad as an escape, for nothing is known.
        case unjudged
    }

    public var group: String
    public var name: String
    public var what: String
    public var verdict: Verdict
    /// What stopped it, or what it got.
    public var reason: String
    /// Milliseconds that it took, with everything around it.
    public var milliseconds: Double

    /// The line of the report.
    public var text: String {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        return column(verdict.rawValue.uppercased(), 10) + column(group, 11) + column(name, 25) + "\(what): \(reason)"
    }

    /// The element of the report in JSON.
    public var json: JSONValue {
        .object([
            "group": .string(group), "name": .string(name), "what": .string(what),
            "verdict": .string(verdict.rawValue), "reason": .string(reason), "ms": .double(milliseconds.rounded()),
        ])
    }
}

/// A verdict and its reason, while an attack is judged.
struct Judgement: Equatable, Sendable {
    var verdict: Finding.Verdict
    var reason: String

    static func contained(_ reason: String) -> Judgement { Judgement(verdict: .contained, reason: reason) }
    static func escaped(_ reason: String) -> Judgement { Judgement(verdict: .escaped, reason: reason) }
    static func unjudged(_ reason: String) -> Judgement { Judgement(verdict: .unjudged, reason: reason) }

    /// The worse of two: an escape, then what is unknown.
    func and(_ other: @autoclosure () throws -> Judgement) rethrows -> Judgement {
        if verdict == .escaped { return self }
        let other = try other()
        if other.verdict == .escaped || verdict == .contained && other.verdict == .unjudged { return other }
        if verdict == .contained, !other.reason.isEmpty {
            return .contained(reason.isEmpty ? other.reason : "\(reason); \(other.reason)")
        }
        return self
    }
}
