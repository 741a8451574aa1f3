import Foundation

// The wire form of a result, writing and reading side by side. Fields stand in the contract's order, so that one result
// has one text.

extension ExecutionResult {
    /// This result as the answer of `POST /api/execute` and the `returnvalue` in a queue.
    public func json() -> Data { JSONValue.object(jsonObject).serialized() }

    /// As `json`, for embedding.
    public var jsonObject: JSONObject {
        var object = ownFields
        // There for jobs with cases alone.
        if let cases { object.members += cases.members }
        return object
    }

    private var ownFields: JSONObject {
        var object: JSONObject = [
            "id": .string(id), "status": .string(status.rawValue), "language": .string(language),
            "version": .string(version),
        ]
        object.members += program.endMembers
        object.members += [
            .init(name: "queueTimeMs", value: .double(queueTimeMs)),
            .init(name: "setupTimeMs", value: .double(setupTimeMs)),
        ]
        object.members += program.streamMembers
        let rest: JSONObject = [
            "files": .array(files.map { .object($0.jsonObject) }),
            "compile": compile.map { .object($0.jsonObject) } ?? .null, "attempt": .integer(attempt),
            "worker": .string(worker), "metadata": .object(metadata), "evidence": .object(evidence.jsonObject),
        ]
        object.members += rest.members
        return object
    }

    /// Reads what `json` wrote. Unknown fields are passed over: fields are only ever added to the contract.
    /// - Throws: `ResultError` where a field is missing or of the wrong kind, or a status is unknown.
    public init(json: Data) throws(ResultError) {
        let value: JSONValue
        do {
            // As large as a result can be: bounded by the output limit, not by the bounds of a request.
            value = try JSONValue(parsing: Array(json), bounds: JSONBounds(depth: 64, values: 1 << 20))
        } catch {
            throw ResultError(field: "", reason: error.detail)
        }
        guard case .object(let object) = value else { throw ResultError(field: "", reason: "is not an object") }
        let fields = ResultFields(object)
        self.init(
            id: try fields.string("id"), status: try fields.choice("status"), language: try fields.string("language"),
            version: try fields.string("version"), program: try ProgramRecord(fields),
            queueTimeMs: try fields.double("queueTimeMs"), setupTimeMs: try fields.double("setupTimeMs"),
            files: try fields.objects("files", CollectedFile.init),
            compile: try fields.optionalObject("compile", CompileResult.init), attempt: try fields.integer("attempt"),
            worker: try fields.string("worker"), metadata: try fields.object("metadata"),
            evidence: try Evidence(ResultFields(try fields.object("evidence"))),
            cases: try CaseResults(of: fields))
    }
}

extension CollectedFile {
    fileprivate var jsonObject: JSONObject {
        var object: JSONObject = [
            "path": .string(path), "content": .optional(content), "encoding": .string(encoding.rawValue),
            "bytes": .integer(bytes),
        ]
        if let skipped { object.members.append(.init(name: "skipped", value: .string(skipped))) }
        return object
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            path: try fields.string("path"), content: try fields.optionalString("content"),
            encoding: try fields.choice("encoding"), bytes: try fields.integer("bytes"),
            skipped: try fields.optionalString("skipped"))
    }
}

extension CompileResult {
    fileprivate var jsonObject: JSONObject {
        [
            "status": .string(status.rawValue), "exitCode": .optional(exitCode), "signal": .optional(signal),
            "stdout": .string(stdout), "stderr": .string(stderr), "wallTimeMs": .double(wallTimeMs),
            "cpuTimeMs": .double(cpuTimeMs), "memoryBytes": .integer(memoryBytes), "cached": .bool(cached),
        ]
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            status: try fields.choice("status"), exitCode: try fields.optionalInteger("exitCode"),
            signal: try fields.optionalString("signal"), stdout: try fields.string("stdout"),
            stderr: try fields.string("stderr"), wallTimeMs: try fields.double("wallTimeMs"),
            cpuTimeMs: try fields.double("cpuTimeMs"), memoryBytes: try fields.integer("memoryBytes"),
            cached: try fields.bool("cached"))
    }
}

extension Evidence {
    fileprivate var jsonObject: JSONObject {
        [
            "limits": limits.map { .object($0.json) } ?? .null,
            "peak": .object([
                "memoryBytes": .optional(peak.memoryBytes), "processes": .optional(peak.processes),
                "diskBytes": .optional(peak.diskBytes), "inodes": .optional(peak.inodes),
            ]),
            "events": .object([
                "oomKill": .integer(events.oomKill), "pidsMax": .integer(events.pidsMax),
                "throttledMs": .double(events.throttledMs),
            ]),
            "firedLimit": .optional(firedLimit), "firedAtMs": firedAtMs.map(JSONValue.double) ?? .null,
            "deniedSyscalls": .array(
                deniedSyscalls.map { .object(["name": .string($0.name), "count": .integer($0.count)]) }),
            "start": .optional(start?.rawValue), "contended": .bool(contended),
        ]
    }

    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        let peak = ResultFields(try fields.object("peak"))
        let events = ResultFields(try fields.object("events"))
        self.init(
            limits: try fields.optionalObject("limits", Limits.init),
            peak: Peak(
                memoryBytes: try peak.optionalInteger("memoryBytes"), processes: try peak.optionalInteger("processes"),
                diskBytes: try peak.optionalInteger("diskBytes"), inodes: try peak.optionalInteger("inodes")),
            events: Events(
                oomKill: try events.integer("oomKill"), pidsMax: try events.integer("pidsMax"),
                throttledMs: try events.double("throttledMs")),
            firedLimit: try fields.optionalString("firedLimit"), firedAtMs: try fields.optionalDouble("firedAtMs"),
            deniedSyscalls: try fields.objects("deniedSyscalls") { (call) throws(ResultError) in
                DeniedSyscall(name: try call.string("name"), count: try call.integer("count"))
            },
            start: try fields.optionalChoice("start"), contended: try fields.bool("contended"))
    }
}

extension Limits {
    fileprivate init(_ fields: ResultFields) throws(ResultError) {
        self = .standard
        for field in LimitOverrides.wholeNumbers { self[keyPath: field.limit] = try fields.integer(field.name) }
        cpus = try fields.double("cpus")
    }
}

/// A text that is no result.
public struct ResultError: Error, Sendable, Equatable {
    /// The field's name; empty for the text as a whole.
    public var field: String
    public var reason: String
}

/// Typed access to the fields of a JSON object.
struct ResultFields {
    private let object: JSONObject

    init(_ object: JSONObject) {
        self.object = object
    }

    private func value(_ name: String) throws(ResultError) -> JSONValue {
        guard let value = object[name] else { throw ResultError(field: name, reason: "is missing") }
        return value
    }

    private func wrongKind(_ name: String, _ value: JSONValue) -> ResultError {
        ResultError(field: name, reason: "cannot be \(value.kind)")
    }

    func string(_ name: String) throws(ResultError) -> String {
        let value = try value(name)
        guard case .string(let text) = value else { throw wrongKind(name, value) }
        return text
    }

    func bool(_ name: String) throws(ResultError) -> Bool {
        let value = try value(name)
        guard case .bool(let flag) = value else { throw wrongKind(name, value) }
        return flag
    }

    func integer(_ name: String) throws(ResultError) -> Int {
        let value = try value(name)
        guard case .number(let number) = value else { throw wrongKind(name, value) }
        guard let integer = number.integer else { throw ResultError(field: name, reason: "is not a whole number") }
        return integer
    }

    func double(_ name: String) throws(ResultError) -> Double {
        let value = try value(name)
        guard case .number(let number) = value else { throw wrongKind(name, value) }
        return number.double
    }

    func object(_ name: String) throws(ResultError) -> JSONObject {
        let value = try value(name)
        guard case .object(let members) = value else { throw wrongKind(name, value) }
        return members
    }

    func objects<T>(_ name: String, _ read: (ResultFields) throws(ResultError) -> T) throws(ResultError) -> [T] {
        let value = try value(name)
        guard case .array(let elements) = value else { throw wrongKind(name, value) }
        var results: [T] = []
        for element in elements {
            guard case .object(let members) = element else { throw wrongKind(name, element) }
            results.append(try read(ResultFields(members)))
        }
        return results
    }

    func choice<Choice: RawRepresentable>(_ name: String) throws(ResultError) -> Choice
    where Choice.RawValue == String {
        guard let choice = Choice(rawValue: try string(name)) else {
            throw ResultError(field: name, reason: "has an unknown value")
        }
        return choice
    }

    private func isAbsent(_ name: String) -> Bool { object[name].map { $0 == .null } ?? true }

    func optionalString(_ name: String) throws(ResultError) -> String? { isAbsent(name) ? nil : try string(name) }

    func optionalInteger(_ name: String) throws(ResultError) -> Int? { isAbsent(name) ? nil : try integer(name) }

    func optionalDouble(_ name: String) throws(ResultError) -> Double? { isAbsent(name) ? nil : try double(name) }

    func optionalChoice<Choice: RawRepresentable>(_ name: String) throws(ResultError) -> Choice?
    where Choice.RawValue == String {
        isAbsent(name) ? nil : try choice(name) as Choice
    }

    func optionalObject<T>(
        _ name: String, _ read: (ResultFields) throws(ResultError) -> T
    ) throws(ResultError) -> T? {
        isAbsent(name) ? nil : try read(ResultFields(try object(name)))
    }
}
