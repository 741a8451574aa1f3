// The wire form of what a result has of its cases, writing and reading side by side.

extension CaseResults {
    /// The fields of a result that stand for it.
    var members: [JSONObject.Member] {
        [
            .init(name: "results", value: .array(results.map { .object($0.jsonObject) })),
            .init(name: "summary", value: .object(summary.jsonObject)),
        ]
    }

    /// Nil where a result has none.
    init?(of fields: ResultFields) throws(ResultError) {
        guard let summary = try fields.optionalObject("summary", Summary.init) else { return nil }
        self.init(results: try fields.objects("results", CaseResult.init), summary: summary)
    }
}

extension CaseResults.Summary {
    fileprivate var jsonObject: JSONObject {
        [
            "total": .integer(total), "accepted": .integer(accepted), "failed": .integer(failed),
            "skipped": .integer(skipped), "firstFailed": .optional(firstFailed), "cpuTimeMs": .double(cpuTimeMs),
        ]
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            total: try fields.integer("total"), accepted: try fields.integer("accepted"),
            failed: try fields.integer("failed"), skipped: try fields.integer("skipped"),
            firstFailed: try fields.optionalInteger("firstFailed"), cpuTimeMs: try fields.double("cpuTimeMs"))
    }
}

extension CaseResult {
    /// As an element of `results`.
    public var jsonObject: JSONObject {
        var object: JSONObject = [
            "name": .optional(name), "status": .optional(status?.rawValue), "verdict": .string(verdict.text),
        ]
        object.members += program.endMembers + program.streamMembers
        object.members.append(.init(name: "evidence", value: .object(evidence.jsonObject)))
        return object
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        guard let verdict = CaseVerdict(text: try fields.string("verdict")) else {
            throw ResultError(field: "verdict", reason: "has an unknown value")
        }
        self.init(
            name: try fields.optionalString("name"), status: try fields.optionalChoice("status"), verdict: verdict,
            program: try ProgramRecord(fields),
            evidence: try CaseEvidence(ResultFields(try fields.object("evidence"))))
    }
}

extension CaseEvidence {
    fileprivate var jsonObject: JSONObject {
        [
            "firedLimit": .optional(firedLimit), "firedAtMs": firedAtMs.map(JSONValue.double) ?? .null,
            "start": .optional(start?.rawValue), "contended": .bool(contended),
        ]
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            firedLimit: try fields.optionalString("firedLimit"), firedAtMs: try fields.optionalDouble("firedAtMs"),
            start: try fields.optionalChoice("start"), contended: try fields.bool("contended"))
    }
}
