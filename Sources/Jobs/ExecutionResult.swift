import Foundation

/// A job's answer: every field of the contract, each always present in JSON, null where there is nothing to say.
///
/// The fields of its program are its own as well.
@dynamicMemberLookup
public struct ExecutionResult: Sendable, Equatable {
    /// The job.
    public var id: String
    public var status: Status
    /// The language's canonical name; as asked for, where the job never ran.
    public var language: String
    /// The language's version; empty where the job never ran.
    public var version: String
    public var program: ProgramRecord
    /// Milliseconds from the job's arrival to its being taken by a worker.
    public var queueTimeMs: Double
    /// Milliseconds from being taken to the program's start.
    public var setupTimeMs: Double
    public var files: [CollectedFile]
    /// Nil for a language that is not compiled.
    public var compile: CompileResult?
    /// How many times the job was begun; 0 where it never was.
    public var attempt: Int
    /// The host that ran it; empty where the job never ran.
    public var worker: String
    /// As in the request.
    public var metadata: JSONObject
    public var evidence: Evidence
    /// Nil for a job without cases, and for one that no worker began.
    public var cases: CaseResults?

    public init(
        id: String, status: Status, language: String, version: String, program: ProgramRecord = ProgramRecord(),
        queueTimeMs: Double = 0, setupTimeMs: Double = 0, files: [CollectedFile] = [], compile: CompileResult? = nil,
        attempt: Int, worker: String, metadata: JSONObject = JSONObject(), evidence: Evidence,
        cases: CaseResults? = nil
    ) {
        self.id = id
        self.status = status
        self.language = language
        self.version = version
        self.program = program
        self.queueTimeMs = queueTimeMs
        self.setupTimeMs = setupTimeMs
        self.files = files
        self.compile = compile
        self.attempt = attempt
        self.worker = worker
        self.metadata = metadata
        self.evidence = evidence
        self.cases = cases
    }

    public subscript<Value>(dynamicMember member: WritableKeyPath<ProgramRecord, Value>) -> Value {
        get { program[keyPath: member] }
        set { program[keyPath: member] = newValue }
    }

    /// The answer to a job that no program ran for: cancelled or expired while it waited, or failed by the engine.
    ///
    /// `request` is the job's JSON and may be anything; language and metadata are taken from it where they can be.
    public init(
        notRun id: String, status: Status, message: String, request: Data, attempt: Int = 0, queueTimeMs: Double = 0,
        worker: String = "", bounds: RequestBounds = .standard
    ) {
        var language = ""
        var metadata = JSONObject()
        // A request that is no JSON has neither; that is reported by whoever refuses it, not here.
        if request.count <= bounds.bodyBytes,
            case .object(let object)? = try? JSONValue(parsing: Array(request), bounds: bounds.json)
        {
            if case .string(let text)? = object["language"], text.utf8.count <= 64 { language = text }
            if case .object(let given)? = object["metadata"],
                JSONValue.object(given).bytes.count <= bounds.metadataBytes
            {
                metadata = given
            }
        }
        self.init(
            id: id, status: status, language: language, version: "", program: ProgramRecord(message: message),
            queueTimeMs: queueTimeMs, attempt: attempt, worker: worker, metadata: metadata, evidence: Evidence())
    }

    /// A bound on the memory that this result takes, for queues that keep it.
    public var approximateBytes: Int {
        // Covers the fixed fields, whose size does not depend on the program.
        var bytes = 2_048 + program.textBytes
        bytes += files.reduce(0) { $0 + 128 + $1.path.utf8.count + ($1.content?.utf8.count ?? 0) }
        bytes += (compile?.stdout.utf8.count ?? 0) + (compile?.stderr.utf8.count ?? 0)
        bytes += cases?.approximateBytes ?? 0
        return bytes + 64 * metadata.members.count + JSONValue.object(metadata).bytes.count
    }
}

/// A file that the job left and the request asked for.
public struct CollectedFile: Sendable, Equatable {
    /// The most files of one result, and the most bytes of all of them together.
    public static let most = 64
    public static let mostBytes = 8 << 20

    /// Below the work folder; `.` where something is said of the work folder as a whole.
    public var path: String
    /// Nil where the file was left out.
    public var content: String?
    public var encoding: OutputEncoding
    /// The file's size.
    public var bytes: Int
    /// Why the file was left out, or nil.
    public var skipped: String?

    public init(
        path: String, content: String?, encoding: OutputEncoding = .utf8, bytes: Int, skipped: String? = nil
    ) {
        self.path = path
        self.content = content
        self.encoding = encoding
        self.bytes = bytes
        self.skipped = skipped
    }

    /// A file with its contents: as text where they are UTF-8, else in base64.
    public init(path: String, contents: [UInt8]) {
        if let text = String(validating: contents, as: UTF8.self) {
            self.init(path: path, content: text, encoding: .utf8, bytes: contents.count)
        } else {
            self.init(
                path: path, content: Data(contents).base64EncodedString(), encoding: .base64, bytes: contents.count)
        }
    }

    /// What the file held; nil where it was left out.
    public var contents: Data? {
        content.flatMap { encoding == .base64 ? Data(base64Encoded: $0) : Data($0.utf8) }
    }
}

/// How the compile stage went. Fields as in `ExecutionResult`.
public struct CompileResult: Sendable, Equatable {
    public var status: Status
    public var exitCode: Int?
    public var signal: String?
    public var stdout: String
    public var stderr: String
    public var wallTimeMs: Double
    public var cpuTimeMs: Double
    public var memoryBytes: Int
    /// Whether the product of an earlier compilation was used.
    public var cached: Bool

    public init(
        status: Status, exitCode: Int?, signal: String?, stdout: String, stderr: String, wallTimeMs: Double,
        cpuTimeMs: Double, memoryBytes: Int, cached: Bool
    ) {
        self.status = status
        self.exitCode = exitCode
        self.signal = signal
        self.stdout = stdout
        self.stderr = stderr
        self.wallTimeMs = wallTimeMs
        self.cpuTimeMs = cpuTimeMs
        self.memoryBytes = memoryBytes
        self.cached = cached
    }
}
