import Jobs

/// Everything that one self-test found.
public struct SelftestReport: Sendable {
    public private(set) var findings: [Finding] = []

    public init() {}

    public mutating func add(_ finding: Finding) { findings.append(finding) }

    public func count(_ verdict: Finding.Verdict) -> Int { findings.count { $0.verdict == verdict } }

    /// Whether every attack was contained, and there was one.
    public var isClean: Bool { !findings.isEmpty && count(.contained) == findings.count }

    /// The last line.
    public var summary: String {
        let time = findings.reduce(0) { $0 + $1.milliseconds } / 1_000
        return "\(findings.count) attacks: \(count(.contained)) contained, \(count(.escaped)) escaped, "
            + "\(count(.unjudged)) could not be judged; \(Int(time.rounded())) s"
    }

    public var json: JSONValue {
        .object([
            "attacks": .array(findings.map(\.json)), "count": .integer(findings.count),
            "contained": .integer(count(.contained)), "escaped": .integer(count(.escaped)),
            "unjudged": .integer(count(.unjudged)),
        ])
    }
}
