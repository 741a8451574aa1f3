import JobQueue
import Jobs

/// What clients are answered, as the document says it. Every field that is always there is required; more may come.
enum ResultSchemas {
    static var all: [(String, Schema)] {
        [
            ("Result", result), ("CompileResult", compileResult), ("CollectedFile", collectedFile),
            ("CaseResult", caseResult), ("CaseSummary", caseSummary),
            ("Evidence", evidence), ("Limits", limits), ("Accepted", accepted), ("Job", job), ("FlatJob", flatJob),
            ("Languages", languages), ("Workers", workers), ("Health", health), ("Liveness", liveness),
            ("Readiness", readiness),
            ("Problem", problem),
        ]
    }

    private static let milliseconds = Schema.number(from: 0)
    private static let count = Schema.integer(from: 0)
    private static let time = Schema.string(format: "date-time")
    private static let id = Schema.string(pattern: JobID.pattern)

    private static var status: Schema {
        Schema.choice(of: Status.self).described("A status that you do not know is a failure: more may come.")
    }

    static var result: Schema {
        let always: [(String, Schema)] = [
            ("id", id), ("status", status), ("language", .string()), ("version", .string()), ("stdout", .string()),
            ("stderr", .string()),
            ("exitCode", Schema.integer(from: 0, to: 255).orNull.described("null when a signal ended it.")),
            ("signal", Schema.string(pattern: "^SIG").orNull),
            ("message", Schema.string().orNull.described("What failed, for internal_error.")),
            ("wallTimeMs", milliseconds), ("cpuTimeMs", milliseconds), ("memoryBytes", count.described("The peak.")),
            ("queueTimeMs", milliseconds), ("setupTimeMs", milliseconds), ("stdoutBytes", count),
            ("stderrBytes", count),
            ("stdoutTruncated", .boolean), ("stderrTruncated", .boolean),
            ("stdoutLossy", Schema.boolean.described("Whether bytes that are not UTF-8 became U+FFFD.")),
            ("stderrLossy", .boolean), ("files", .array(of: .named("CollectedFile"))),
            ("compile", Schema.named("CompileResult").orNull), ("attempt", .integer(from: 0)), ("worker", .string()),
            ("metadata", .map()), ("evidence", .named("Evidence")),
        ]
        return .object(
            always + [
                ("results", Schema.array(of: .named("CaseResult")).described("Of a job with cases, in their order.")),
                ("summary", .named("CaseSummary")),
            ], required: always.map(\.0))
    }

    static var caseResult: Schema {
        .answer([
            ("name", Schema.string().orNull), ("status", status.orNull),
            (
                "verdict",
                Schema.choice(["accepted", "wrong_answer", "skipped"] + Status.allCases.map(\.rawValue)).described(
                    "Where the status is not ok, the status; skipped where it was not run to its end.")
            ),
            ("stdout", .string()), ("stderr", .string()), ("exitCode", Schema.integer(from: 0, to: 255).orNull),
            ("signal", Schema.string().orNull), ("message", Schema.string().orNull), ("wallTimeMs", milliseconds),
            ("cpuTimeMs", milliseconds), ("memoryBytes", count), ("stdoutBytes", count), ("stderrBytes", count),
            ("stdoutTruncated", .boolean), ("stderrTruncated", .boolean), ("stdoutLossy", .boolean),
            ("stderrLossy", .boolean),
            (
                "evidence",
                .answer([
                    ("firedLimit", Schema.string().orNull), ("firedAtMs", milliseconds.orNull),
                    ("start", Schema.choice(of: Evidence.Start.self).orNull), ("contended", .boolean),
                ])
            ),
        ])
    }

    private static var caseSummary: Schema {
        .answer([
            ("total", count), ("accepted", count), ("failed", count), ("skipped", count),
            ("firstFailed", count.orNull.described("The index of the first that ran and was not accepted.")),
            ("cpuTimeMs", milliseconds),
        ])
    }

    static var compileResult: Schema {
        .answer([
            ("status", status), ("exitCode", Schema.integer(from: 0, to: 255).orNull),
            ("signal", Schema.string().orNull),
            ("stdout", .string()), ("stderr", .string()), ("wallTimeMs", milliseconds), ("cpuTimeMs", milliseconds),
            ("memoryBytes", count),
            ("cached", Schema.boolean.described("Whether an earlier compilation of the same source was used.")),
        ])
    }

    static var collectedFile: Schema {
        .object(
            [
                ("path", .string()), ("content", Schema.string().orNull),
                ("encoding", .choice(of: OutputEncoding.self)),
                ("bytes", count), ("skipped", Schema.string().described("Why it was left out.")),
            ], required: ["path", "content", "encoding", "bytes"])
    }

    static var evidence: Schema {
        .answer([
            ("limits", Schema.named("Limits").orNull),
            (
                "peak",
                .answer(["memoryBytes", "processes", "diskBytes", "inodes"].map { ($0, count.orNull) })
            ),
            ("events", .answer([("oomKill", count), ("pidsMax", count), ("throttledMs", milliseconds)])),
            ("firedLimit", Schema.string().orNull.described("The limit that ended the program.")),
            ("firedAtMs", milliseconds.orNull),
            ("deniedSyscalls", .array(of: .answer([("name", .string()), ("count", .integer(from: 1))]))),
            ("start", Schema.choice(of: Evidence.Start.self).orNull), ("contended", .boolean),
        ])
    }

    static var limits: Schema {
        .answer(LimitOverrides.fieldNames.map { ($0, $0 == "cpus" ? .number(from: 0) : .integer(from: 1)) })
    }

    private static var accepted: Schema { .answer([("id", id), ("state", .choice(of: JobState.self))]) }

    static var job: Schema {
        .answer([
            ("id", id), ("state", .choice(of: JobState.self)), ("createdAt", time), ("startedAt", time.orNull),
            ("finishedAt", time.orNull), ("attempt", count.described("Attempts begun so far.")),
            ("result", Schema.named("Result").orNull),
        ])
    }

    private static var flatJob: Schema {
        Schema.object([("id", id), ("status", .string())], required: ["id", "status"]).described(
            "queued or running until it is done; then the result's fields, runtime (milliseconds) and memory (bytes).")
    }

    private static var languages: Schema {
        .answer([
            (
                "languages",
                .array(
                    of: .answer([
                        ("name", .string()), ("version", .string()), ("aliases", .array(of: .string())),
                        ("fileName", .string()), ("compiled", .boolean),
                    ]))
            )
        ])
    }

    private static var workers: Schema {
        .answer([
            (
                "workers",
                .array(
                    of: .answer([
                        ("id", Schema.string().described("One process, for as long as it lives.")),
                        ("host", Schema.string().described("As results have it in worker.")),
                        ("version", Schema.string().orNull.described("Of Bulkhead; null where the worker is older.")),
                        ("since", time.orNull.described("Since when it takes jobs, by its own clock.")),
                        ("slots", count.described("How many programs it runs at once.")),
                        ("busy", count.orNull.described("In how many of them one runs; some seconds old.")),
                        ("languages", .array(of: .answer([("name", .string()), ("version", .string())]))),
                        ("maxima", Schema.named("Limits").described("The most that a job may ask for there.")),
                    ]))
            )
        ])
    }

    private static var health: Schema { .answer([("status", .constant("healthy"))]) }
    private static var liveness: Schema { .answer([("status", .constant("ok")), ("durable", .boolean)]) }

    private static var readiness: Schema {
        // How much goes on is told to keys that may read alone.
        .object(
            [("status", .constant("ready")), ("durable", .boolean), ("queued", count), ("running", count)],
            required: ["status", "durable"])
    }

    static var problem: Schema {
        Schema.object(
            [
                ("type", .string()), ("title", .string()), ("status", .integer(from: 400, to: 599)),
                ("code", .string()),
                ("detail", .string()),
                (
                    "errors",
                    .array(
                        of: .answer([
                            (
                                "pointer",
                                Schema.string(pattern: "^#").described("A JSON Pointer (RFC 6901, section 6).")
                            ),
                            ("code", .choice(of: FieldProblem.Code.self)), ("detail", .string()),
                        ]), atMost: RequestProblems.most)
                ),
            ], required: ["type", "title", "status", "code", "detail"]
        ).described("RFC 9457.")
    }
}
