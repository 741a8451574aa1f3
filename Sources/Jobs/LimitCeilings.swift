import Foundation

// The most that one client's jobs may ask for, below what the workers allow.

extension LimitOverrides {
    /// Reads ceilings as `limits` of a request has them.
    /// - Throws: every problem at once: a field that is unknown, no number, or not above 0.
    public init(ceilings value: JSONValue) throws(RequestProblems) {
        self.init()
        let root = FieldPointer()
        guard case .object(let object) = value else {
            throw RequestProblems(
                FieldProblem(pointer: root.text, code: .wrongType, detail: "must be an object, not \(value.kind)"))
        }
        var problems: [FieldProblem] = []
        for member in object.members {
            let pointer = root.appending(member.name).text
            if member.name == "cpus" {
                guard case .number(let number) = member.value, number.double >= Self.leastCPUs else {
                    problems.append(
                        FieldProblem(
                            pointer: pointer, code: .outOfRange,
                            detail: "must be a number of at least \(Self.leastCPUs)"))
                    continue
                }
                cpus = number.double
            } else if let field = Self.wholeNumbers.first(where: { $0.name == member.name }) {
                guard case .number(let number) = member.value, let integer = number.integer, integer >= 1 else {
                    problems.append(
                        FieldProblem(
                            pointer: pointer, code: .outOfRange, detail: "must be a whole number of at least 1"))
                    continue
                }
                self[keyPath: field.override] = integer
            } else {
                problems.append(FieldProblem(pointer: pointer, code: .unknownField, detail: "there is no such field"))
            }
        }
        if let problems = RequestProblems(problems) { throw problems }
    }
}

extension Limits {
    /// Field by field the smaller of the two.
    public func capped(at ceilings: LimitOverrides) -> Limits {
        var result = self
        for field in LimitOverrides.wholeNumbers {
            guard let ceiling = ceilings[keyPath: field.override] else { continue }
            result[keyPath: field.limit] = min(result[keyPath: field.limit], ceiling)
        }
        if let cpus = ceilings.cpus { result.cpus = min(result.cpus, cpus) }
        return result
    }
}

extension ExecutionRequest {
    /// Of the limits that this request says nothing about, those whose default is above its client's ceiling, at that
    /// ceiling: a default is nobody's wish, so it gives way where a wish would be refused.
    /// - Parameters:
    ///   - ceilings: the most that the client's jobs may have.
    ///   - standard: the limits of a request that says nothing, before the language's own needs.
    ///   - languages: what can be run; any version that fits may be the one that does.
    /// - Returns: the limits to be set; most often none.
    public func openLimits(
        above ceilings: LimitOverrides, standard: Limits, languages: [Language]
    ) -> LimitOverrides {
        let defaults = languages.named(language).reduce(standard) { $0.largest(standard.adapted(to: $1)) }
        var open = LimitOverrides()
        for field in LimitOverrides.wholeNumbers where limits[keyPath: field.override] == nil {
            guard let ceiling = ceilings[keyPath: field.override], defaults[keyPath: field.limit] > ceiling else {
                continue
            }
            open[keyPath: field.override] = ceiling
        }
        if limits.cpus == nil, let ceiling = ceilings.cpus, defaults.cpus > ceiling { open.cpus = ceiling }
        return open
    }

    /// A request's JSON with limits that it says nothing about; all else stays as it was.
    /// - Throws: `RequestProblems` for what is no request, and for what would be one no more: within the bounds before and
    ///   beyond them with the limits, or with DEL escaped.
    public static func json(
        _ json: Data, adding limits: LimitOverrides, bounds: RequestBounds = .standard
    ) throws(RequestProblems) -> Data {
        let value: JSONValue
        let added = limits.json.members
        var room = bounds.json
        // With the object that they stand in.
        room.values -= added.count + 1
        do {
            value = try JSONValue(parsing: Array(json), bounds: room)
        } catch {
            throw RequestProblems(error)
        }
        guard case .object(var object) = value else {
            throw RequestProblems(FieldProblem(pointer: "#", code: .wrongType, detail: "the request must be an object"))
        }
        var members = added
        if case .object(let given)? = object["limits"] { members = given.members + members }
        object.members.removeAll { $0.name == "limits" }
        object.members.append(.init(name: "limits", value: .object(JSONObject(members))))
        let result = JSONValue.object(object).serialized()
        guard result.count <= bounds.bodyBytes else {
            throw RequestProblems(
                FieldProblem(
                    pointer: "#", code: .tooLarge,
                    detail: "the request with the limits of its key is larger than \(bounds.bodyBytes) bytes"))
        }
        return result
    }
}
