import Foundation

/// A result as the contract has it, read by nobody's code but this: the names stand here a second time on purpose.
struct Answer: Decodable, Sendable {
    var id: String
    var status: String
    var language: String
    var version: String
    var stdout: String
    var stderr: String
    var exitCode: Int?
    var signal: String?
    var message: String?
    var wallTimeMs: Double
    var cpuTimeMs: Double
    var memoryBytes: Int
    var queueTimeMs: Double
    var setupTimeMs: Double
    var stdoutBytes: Int
    var stderrBytes: Int
    var stdoutTruncated: Bool
    var stderrTruncated: Bool
    var attempt: Int
    var files: [File]
    var compile: Compile?
    var evidence: Evidence

    struct File: Decodable, Equatable, Sendable {
        var path: String
        var content: String?
        var encoding: String
        var bytes: Int
        var skipped: String?
    }

    struct Compile: Decodable, Sendable {
        var status: String
        var exitCode: Int?
        var stderr: String
        var wallTimeMs: Double
        var cached: Bool
    }

    struct Evidence: Decodable, Sendable {
        var firedLimit: String?
        var firedAtMs: Double?
        var start: String?
        var peak: Peak
        var events: Events
        var deniedSyscalls: [Denied]

        struct Denied: Decodable, Sendable {
            var name: String
            var count: Int
        }

        struct Peak: Decodable, Sendable {
            var memoryBytes: Int?
            var diskBytes: Int?
        }

        struct Events: Decodable, Sendable {
            var oomKill: Int
            var pidsMax: Int
        }
    }

    init(_ json: [UInt8]) throws {
        do {
            self = try JSONDecoder().decode(Answer.self, from: Data(json))
        } catch {
            throw Child.Failure(
                description: "no result: \(error): \(String(decoding: json.prefix(2_000), as: UTF8.self))")
        }
    }

    /// Every field of the contract, by the path to the object that it stands in.
    static let fields: [String: Set<String>] = [
        "": [
            "id", "status", "language", "version", "stdout", "stderr", "exitCode", "signal", "message", "wallTimeMs",
            "cpuTimeMs", "memoryBytes", "queueTimeMs", "setupTimeMs", "stdoutBytes", "stderrBytes", "stdoutTruncated",
            "stderrTruncated", "stdoutLossy", "stderrLossy", "files", "compile", "attempt", "worker", "metadata",
            "evidence",
        ],
        "compile": [
            "status", "exitCode", "signal", "stdout", "stderr", "wallTimeMs", "cpuTimeMs", "memoryBytes", "cached",
        ],
        "evidence": ["limits", "peak", "events", "firedLimit", "firedAtMs", "deniedSyscalls", "start", "contended"],
        "evidence.limits": [
            "wallTimeMs", "cpuTimeMs", "memoryBytes", "processes", "outputBytes", "fileBytes", "diskBytes", "inodes",
            "openFiles", "cpus",
        ],
        "evidence.peak": ["memoryBytes", "processes", "diskBytes", "inodes"],
        "evidence.events": ["oomKill", "pidsMax", "throttledMs"],
    ]

    /// Fields of the contract that a JSON result does not have.
    static func missingFields(in json: [UInt8]) throws -> [String] {
        let whole = try JSONSerialization.jsonObject(with: Data(json))
        return fields.flatMap { path, names -> [String] in
            var object = whole as? [String: Any]
            for part in path.split(separator: ".") { object = object?[String(part)] as? [String: Any] }
            guard let object else { return ["\(path) is no object"] }
            return names.subtracting(object.keys).map { path.isEmpty ? $0 : "\(path).\($0)" }
        }.sorted()
    }
}
