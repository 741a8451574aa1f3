import Foundation
import Hashing
import Jobs

/// What the audit log says of one attempt at a job, or of one that ended in the queue: who asked for what, by sizes and SHA-256, and what came of it. Nothing of
/// the request's or the program's own words is in it, file names included.
struct AuditRecord {
    var time: Date
    var requestID: RequestID?
    /// The name of the API key that the job was added under; nil for none.
    var keyName: String?
    /// The request as it came.
    var body: Data
    /// The same, read; nil where it was not valid, or nobody was to run it.
    var request: ExecutionRequest?
    /// The language's canonical name; nil where it is not known to be one.
    var language: String?
    var result: ExecutionResult
    /// Whether the queue took the result: where it did not, another attempt's counts.
    var isAccepted: Bool

    var json: Data {
        let evidence = result.evidence
        let object: JSONObject = [
            "time": .string(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
            "job": .string(result.id), "request": .optional(requestID?.text), "key": .optional(keyName),
            "language": .optional(language), "version": .optional(request.map { _ in result.version }),
            "status": .string(result.status.rawValue), "accepted": .bool(isAccepted),
            "attempt": .integer(result.attempt), "worker": .string(result.worker),
            "body": Self.digest(Array(body)),
            // The main file is always the first.
            "code": request?.files.first.map { Self.digest($0.contents) } ?? .null,
            "stdin": request.map { Self.digest($0.stdin) } ?? .null,
            "files": request.map { .array($0.files.dropFirst().map { Self.digest($0.contents) }) } ?? .null,
            "limits": evidence.limits.map { .object($0.json) } ?? .null,
            "queueTimeMs": .double(result.queueTimeMs), "setupTimeMs": .double(result.setupTimeMs),
            "wallTimeMs": .double(result.wallTimeMs), "cpuTimeMs": .double(result.cpuTimeMs),
            "memoryBytes": .integer(result.memoryBytes), "exitCode": .optional(result.exitCode),
            "signal": .optional(result.signal), "firedLimit": .optional(evidence.firedLimit),
            "deniedSyscalls": .array(
                evidence.deniedSyscalls.map { .object(["name": .string($0.name), "count": .integer($0.count)]) }),
        ]
        return JSONValue.object(object).serialized()
    }

    private static func digest(_ bytes: [UInt8]) -> JSONValue {
        .object(["sha256": .string(SHA256.hex(bytes)), "bytes": .integer(bytes.count)])
    }
}
