import Foundation
import HTTPTypes
import Hummingbird
import JobQueue
import Jobs
import Keyring
import NIOCore
import Telemetry

/// What each route does.
struct API: Sendable {
    let queue: any JobQueue
    private let languages: any LanguageDirectory
    let configuration: APIConfiguration
    private let metricsPage: MetricsPage?
    private let openAPI: OpenAPIPage
    let bodies: BodyBudget

    init(
        queue: any JobQueue, languages: any LanguageDirectory, configuration: APIConfiguration,
        metricsPage: MetricsPage? = nil
    ) {
        self.queue = queue
        self.languages = languages
        self.configuration = configuration
        self.metricsPage = metricsPage
        openAPI = OpenAPIPage { offer in
            OpenAPIDocument(offer: offer, bounds: configuration.bounds, standard: configuration.standard).json
        }
        bodies = BodyBudget(most: configuration.maxBodyBytesAtOnce)
    }

    var routes: Routes {
        var routes = Routes()
        routes.on(.post, "/api/execute", .scope(.execute)) { request, context, _ in
            try await execute(request, context)
        }
        routes.on(.get, "/api/languages", .scope(.read)) { _, _, _ in try await listLanguages() }
        // Who works here, on which hosts, is for whoever runs it.
        routes.on(.get, "/api/workers", .scope(.admin)) { _, _, _ in
            .json(ServiceDescription.workers(try await languages.workers()))
        }
        routes.on(.post, "/api/jobs", .scope(.execute)) { request, context, _ in try await addJob(request, context) }
        routes.on(.get, "/api/jobs/{id}", .scope(.read)) { _, context, id in try await showJob(id, context) }
        routes.on(.delete, "/api/jobs/{id}", .scope(.execute)) { _, context, id in try await cancelJob(id, context) }
        routes.on(.get, "/api/jobs/{id}/events", .scope(.read)) { request, context, id in
            try await followJob(id, request, context)
        }
        routes.on(.post, "/api/jobs/{id}/stdin", .scope(.execute)) { request, context, id in
            try await sendInput(to: id, request, context)
        }
        routes.on(.get, "/api/job/{id}", .scope(.read)) { _, context, id in try await showFlat(id, context) }
        routes.on(.get, "/health", .open) { _, _, _ in .json(["status": .string("healthy")]) }
        routes.on(.get, "/healthz", .open) { _, _, _ in
            .json(["status": .string("ok"), "durable": .bool(queue.isDurable)])
        }
        routes.on(.get, "/readyz", .open) { _, context, _ in try await ready(context) }
        routes.on(.get, "/openapi.json", .scope(.read)) { _, _, _ in
            .json(openAPI.body(of: try await languages.offer()))
        }
        // What goes on here as a whole is for whoever runs it.
        if let metricsPage { routes.onMetrics(metricsPage, .scope(.admin)) }
        routes.onPage()
        return routes
    }

    // MARK: Execute

    private func execute(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let prefer = PreferHeader(request.headers[values: .prefer])
        let added = try await add(request, context, waits: true)
        let id = added.id
        var headers = added.headers
        if let seconds = prefer.waitSeconds {
            headers[.preferenceApplied] = seconds == 0 ? "respond-async" : "wait=\(seconds)"
        }
        guard
            let result = try await wait(
                for: id, atMost: prefer.wait(atMost: configuration.maxWait), onDisconnect: added.onDisconnect, context)
        else {
            return .json(
                ["id": .string(id), "state": .string(try await state(of: id))], status: .accepted, headers: headers)
        }
        return .json(result.jsonObject, headers: headers)
    }

    /// The result, or nil when it is not there in time.
    private func wait(
        for id: String, atMost limit: Duration, onDisconnect: OnDisconnect, _ context: APIRequestContext
    ) async throws -> ExecutionResult? {
        guard limit > .zero else { return nil }
        let waiting = Task(executorPreference: context.executor) {
            try await queue.result(of: id, waitingAtMost: limit)
        }
        do {
            return try await withTaskCancellationHandler {
                try await context.watchingForDisconnect({ waiting.cancel() }, during: { try await waiting.value })
            } onCancel: {
                waiting.cancel()
            }
        } catch let error as QueueError where error.code == .tooManyWaiters {
            // The job is in the queue; it is only the wait that there is no room for.
            return nil
        } catch let error as QueueError where error.code == .interrupted && !Task.isCancelled {
            if onDisconnect == .cancel { _ = try await queue.cancel(id) }
            throw APIError.clientGone
        }
    }

    // MARK: Jobs

    private func addJob(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let added = try await add(request, context, waits: false)
        let state = added.isRepeated ? try await state(of: added.id) : JobState.queued.rawValue
        return .json(["id": .string(added.id), "state": .string(state)], status: .accepted, headers: added.headers)
    }

    private func showJob(_ id: String, _ context: APIRequestContext) async throws -> Response {
        .json(try await find(id, for: context.caller).jsonObject)
    }

    private func cancelJob(_ id: String, _ context: APIRequestContext) async throws -> Response {
        let id = try await find(id, for: context.caller).id
        guard try await queue.cancel(id) != .unknownJob else { throw APIError.notFound }
        // One that runs needs a moment to end; one that has ended keeps the result that it has.
        var job = try await find(id, for: context.caller)
        if !context.caller.allows(.read) { job.result = nil }
        return .json(job.jsonObject)
    }

    /// The form of the service that this one replaces: the result's fields at the top.
    private func showFlat(_ id: String, _ context: APIRequestContext) async throws -> Response {
        let job = try await find(id, for: context.caller)
        guard let result = job.result else {
            return .json(["id": .string(job.id), "status": .string(job.state.rawValue)])
        }
        var object = result.jsonObject
        object.members.append(.init(name: "runtime", value: .double(result.wallTimeMs)))
        object.members.append(.init(name: "memory", value: .integer(result.memoryBytes)))
        return .json(object)
    }

    /// A job of the caller's. Somebody else's is as one that does not exist.
    func find(_ id: String, for caller: Caller) async throws -> JobSnapshot {
        // What cannot be an id of ours is not looked up: it would only carry a stranger's bytes into the queue's keys.
        guard let known = JobID(id) else { throw APIError.notFound }
        // Two statements: as one, with the call in the guard, Swift 6.3.1's optimiser crashes on it.
        let job = try await queue.job(known.description)
        guard let job, caller.maySee(job) else { throw APIError.notFound }
        return job
    }

    private func state(of id: String) async throws -> String {
        (try await queue.job(id)?.state ?? .queued).rawValue
    }

    // MARK: Adding

    private struct Added {
        let id: String
        /// Whether an earlier request made the job.
        let isRepeated: Bool
        let onDisconnect: OnDisconnect

        var headers: HTTPFields {
            var headers: HTTPFields = [.location: "/api/jobs/\(id)"]
            if isRepeated { headers[.idempotentReplayed] = "true" }
            return headers
        }
    }

    /// Puts a request into the queue; `waits` says that its answer is the result, until when nobody knows the job's id.
    private func add(_ request: Request, _ context: APIRequestContext, waits: Bool) async throws -> Added {
        let caller = context.caller
        try caller.countJob()
        let key = try IdempotencyKey.read(request.headers[values: .idempotencyKey], scope: caller.idempotencyScope)
        let body = try await read(request)
        let ceilings = caller.ceilings
        var offer = try await languages.offer()
        if ceilings != LimitOverrides() { offer = offer.capped(at: ceilings) }
        let execution: ExecutionRequest
        do {
            execution = try ExecutionRequest(
                json: body, offer: offer, standard: configuration.standard.capped(at: ceilings),
                bounds: configuration.bounds)
        } catch {
            if let command = await commandThatAddsLanguage(of: body, error) {
                throw APIError.languageNotServed(command: command)
            }
            // Of a language that nobody offers for now it cannot be said that there is none.
            if offer.languages.isEmpty, error.problems.contains(where: { $0.code == .unknownLanguage }) {
                throw APIError.notReady
            }
            throw error
        }
        if waits, execution.isInteractive {
            throw RequestProblems(
                FieldProblem(
                    pointer: "#/interactive", code: .conflict,
                    detail: "is for POST /api/jobs: before the answer to this one nobody knows the job's id"))
        }
        caller.countCases(of: execution)
        var wanted = body
        if ceilings != LimitOverrides() {
            let open = execution.openLimits(
                above: ceilings, standard: configuration.standard, languages: offer.languages)
            if open != LimitOverrides() {
                wanted = try ExecutionRequest.json(body, adding: open, bounds: configuration.bounds)
            }
        }
        let id = JobID().description
        let outcome = try await queue.add(
            NewJob(
                id: id, request: wanted, timeToLive: configuration.jobTimeToLive, idempotencyKey: key,
                owner: caller.owner, isInteractive: execution.isInteractive, requestID: context.requestID))
        // A client that names its wish will ask for it again: the job must not end with a connection.
        let onDisconnect = key == nil ? execution.onDisconnect : .continue
        switch outcome {
        case .added: return Added(id: id, isRepeated: false, onDisconnect: onDisconnect)
        case .repeated(let earlier): return Added(id: earlier, isRepeated: true, onDisconnect: onDisconnect)
        }
    }

    /// The command that adds the language, where being absent is all that is wrong with the request.
    private func commandThatAddsLanguage(of body: Data, _ error: RequestProblems) async -> String? {
        guard error.problems.map(\.code) == [.unknownLanguage] else { return nil }
        guard let name = ExecutionRequest.languageName(in: body, bounds: configuration.bounds) else { return nil }
        return await languages.commandThatAdds(name)
    }

    /// The body, never more of it in memory than the bounds allow.
    private func read(_ request: Request) async throws -> Data {
        guard request.mediaType == "application/json" else { throw APIError.contentTypeNotJSON }
        return try await readBytes(request, atMost: configuration.bounds.bodyBytes)
    }

    /// As `read`, of any type.
    func readBytes(_ request: Request, atMost most: Int) async throws -> Data {
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw APIError.contentEncoded
        }
        if let length = request.headers[.contentLength], Int(length).map({ $0 > most }) ?? true {
            throw APIError.bodyTooLarge(most: most)
        }
        var share = BodyBudget.Share(of: bodies)
        defer { share.end() }
        var body = Data()
        do {
            for try await part in request.body {
                guard body.count + part.readableBytes <= most else { throw APIError.bodyTooLarge(most: most) }
                try share.take(part.readableBytes)
                body.append(contentsOf: part.readableBytesView)
            }
        } catch let error as APIError {
            throw error
        } catch {
            throw error is GuardError ? error : APIError.bodyUnreadable
        }
        return body
    }

    // MARK: State

    private func listLanguages() async throws -> Response {
        .json(ServiceDescription.languages(of: try await languages.offer()))
    }

    private func ready(_ context: APIRequestContext) async throws -> Response {
        guard try await languages.isServed() else { throw APIError.notReady }
        let counts = try await queue.counts()
        var object: JSONObject = ["status": .string("ready"), "durable": .bool(queue.isDurable)]
        // How much goes on here is not for everybody.
        if context.caller.allows(.read) {
            object.members += [
                .init(name: "queued", value: .integer(counts.queued)),
                .init(name: "running", value: .integer(counts.running)),
            ]
        }
        return .json(object)
    }
}

extension HTTPField.Name {
    /// RFC 7240, which the package of common names leaves out.
    static var prefer: Self { HTTPField.Name(parsed: "prefer") }
    static var preferenceApplied: Self { HTTPField.Name(parsed: "preference-applied") }
    /// What is left of several: the package takes the first for the authority.
    static var furtherHost: Self { HTTPField.Name(parsed: "host") }

    init(parsed literal: StaticString) {
        guard let name = HTTPField.Name(literal.description) else { preconditionFailure("\(literal) is no field name") }
        self = name
    }
}
