import HTTPTypes
import JobQueue
import Jobs
import Keyring

extension Operation {
    /// Everything that the API answers. A test holds it to the routes.
    static let all: [Operation] = [
        Operation(
            method: .post, path: "/api/execute", id: "execute",
            summary: "Runs a program and answers when it has ended, whatever the program did.",
            access: .scope(.execute),
            request: .init(schema: .named("ExecutionRequest")),
            parameters: [idempotencyKey, prefer],
            answers: [
                .init(
                    status: .ok, description: "The job ran.", schema: .named("Result"), headers: [location, replayed]),
                .init(
                    status: .accepted, description: "It is not done within the longest wait, and goes on.",
                    schema: .named("Accepted"), headers: [location, replayed], leadsTo: ["showJob", "cancelJob"]),
            ], problems: adding),
        Operation(
            method: .post, path: "/api/jobs", id: "addJob", summary: "Puts a job into the queue.",
            access: .scope(.execute),
            request: .init(schema: .named("ExecutionRequest")),
            parameters: [idempotencyKey],
            answers: [
                .init(
                    status: .accepted, description: "It waits, or is the job that the same key made before.",
                    schema: .named("Accepted"), headers: [location, replayed], leadsTo: ["showJob", "cancelJob"])
            ], problems: adding),
        Operation(
            method: .get, path: "/api/jobs/{id}", id: "showJob", summary: "A job as it stands.", access: .scope(.read),
            parameters: [jobID],
            answers: [.init(status: .ok, description: "The job.", schema: .named("Job"))], problems: [.notFound]),
        Operation(
            method: .delete, path: "/api/jobs/{id}", id: "cancelJob",
            summary: "Cancels a job, waiting or running. One that has ended keeps its result.",
            access: .scope(.execute), parameters: [jobID],
            answers: [.init(status: .ok, description: "The job as it stands now.", schema: .named("Job"))],
            problems: [.notFound]),
        Operation(
            method: .get, path: "/api/jobs/{id}/events", id: "followJob",
            summary: "A job while it runs, as server-sent events: queued, started, stage, stdout, stderr, result.",
            access: .scope(.read),
            parameters: [jobID, lastEventID],
            answers: [
                .init(
                    status: .ok, description: "Events until the result.", mediaType: API.eventStream, schema: .string()),
                .init(status: .noContent, description: "The client has heard the result: it need not come again."),
            ], problems: [.notFound]),
        Operation(
            method: .post, path: "/api/jobs/{id}/stdin", id: "sendInput",
            summary: "Adds to the standard input of an interactive job, or ends it.", access: .scope(.execute),
            request: .init(
                mediaTypes: ["application/octet-stream", "text/plain"], schema: .string(), isRequired: false),
            parameters: [jobID, endOfInput],
            answers: [.init(status: .noContent, description: "It was taken, whole.")],
            problems: [
                .notFound, .requestTimeout, .conflict, .contentTooLarge, .unsupportedMediaType, .tooManyRequests,
            ]),
        Operation(
            method: .get, path: "/api/job/{id}", id: "showFlatJob",
            summary: "A job in the form of the service that Bulkhead replaces.", access: .scope(.read),
            parameters: [jobID],
            answers: [.init(status: .ok, description: "The job.", schema: .named("FlatJob"))], problems: [.notFound]),
        Operation(
            method: .get, path: "/api/languages", id: "listLanguages", summary: "What can be run now.",
            access: .scope(.read),
            answers: [.init(status: .ok, description: "Languages and versions.", schema: .named("Languages"))]),
        Operation(
            method: .get, path: "/api/workers", id: "listWorkers",
            summary: "The workers that live, those that were there first first.", access: .scope(.admin),
            answers: [.init(status: .ok, description: "Workers.", schema: .named("Workers"))]),
        Operation(
            method: .get, path: "/health", id: "health",
            summary: "Alive, as the service that Bulkhead replaces says it.", access: .open,
            answers: [.init(status: .ok, description: "Alive.", schema: .named("Health"))]),
        Operation(
            method: .get, path: "/healthz", id: "healthz", summary: "Alive, and whether jobs outlive this process.",
            access: .open,
            answers: [.init(status: .ok, description: "Alive.", schema: .named("Liveness"))]),
        Operation(
            method: .get, path: "/readyz", id: "readyz", summary: "Whether a job would run now.", access: .open,
            answers: [.init(status: .ok, description: "It would.", schema: .named("Readiness"))]),
        Operation(
            method: .get, path: "/metrics", id: "metrics", summary: "Figures for Prometheus, text format 0.0.4.",
            access: .scope(.admin),
            answers: [.init(status: .ok, description: "Metrics.", mediaType: "text/plain", schema: .string())]),
        Operation(
            method: .get, path: "/openapi.json", id: "openapi",
            summary: "This document, with the languages and maxima of the workers that live now.",
            access: .scope(.read),
            answers: [.init(status: .ok, description: "OpenAPI 3.1.", schema: .map())]),
    ]

    /// Every path once.
    static let paths = all.reduce(into: [String]()) { paths, operation in
        if !paths.contains(operation.path) { paths.append(operation.path) }
    }

    /// The problems of a request that adds a job.
    private static let adding: [HTTPResponse.Status] = [
        .requestTimeout, .conflict, .contentTooLarge, .unsupportedMediaType, .unprocessableContent, .tooManyRequests,
    ]

    private static let location = (name: "Location", description: "The job's own path.")
    private static let replayed = (
        name: "Idempotent-Replayed", description: "true where an earlier request under this key made the job."
    )

    private static let jobID = Parameter(
        name: "id", place: .path, schema: .string(pattern: JobID.pattern), description: "The job's id.")
    private static let idempotencyKey = Parameter(
        name: "Idempotency-Key", place: .header,
        schema: .string(length: 1...IdempotencyKey.mostBytes, pattern: "^[!#-~]+$"),
        description: "The same body under the same key is the same job.")
    private static let lastEventID = Parameter(
        name: "Last-Event-ID", place: .header, schema: .string(pattern: "^[0-9]+-[0-9]+$"),
        description: "The id of the last event that the client has: it hears what came after.")
    private static let endOfInput = Parameter(
        name: "eof", place: .query, schema: .choice(["true", "false"]),
        description: "true where nothing follows; then the body may be empty.")
    private static let prefer = Parameter(
        name: "Prefer", place: .header, schema: .string(),
        description: "RFC 7240: wait=SECONDS for a shorter wait, or respond-async for none.")
}
