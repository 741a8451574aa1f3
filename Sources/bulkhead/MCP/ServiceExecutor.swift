import Foundation
import Jobs
import MCP
import ServiceClient

/// Runs programs in a service that is there already: no root is needed here.
struct ServiceExecutor: CodeExecutor {
    let client: ServiceClient

    func openAPI() async throws(ExecutorFailure) -> JSONObject { try await get("/openapi.json") }

    func languages() async throws(ExecutorFailure) -> JSONObject { try await get("/api/languages") }

    func execute(
        _ request: Data, onProgress: @escaping @Sendable (String) -> Void
    ) async throws(ExecutorFailure) -> JSONObject {
        // The service ends a job whose client hangs up, and so it does where this process is killed.
        let response = try await tellingTime(onProgress) { () async throws(ExecutorFailure) in
            try await send("POST", "/api/execute", json: request)
        }
        switch response.status {
        case 200: return try object(response)
        case 202:
            guard let id = try object(response)["id"], case .string(let id) = id else {
                throw .unavailable(Self.notOurs)
            }
            return try await tellingTime(onProgress) { () async throws(ExecutorFailure) in try await result(of: id) }
        default: throw failure(response)
        }
    }

    private static let notOurs = "what answers at this address is no Bulkhead service"

    /// Waits for a job that was longer in the queue than the service lets a request wait.
    private func result(of id: String) async throws(ExecutorFailure) -> JSONObject {
        while true {
            do {
                try await Task.sleep(for: .milliseconds(500))
            } catch {
                // Nobody waits for it any more, and the service cannot know.
                _ = await Task { () async -> Void in _ = try? await client.send("DELETE", "/api/jobs/\(id)") }.value
                throw .unavailable("cancelled")
            }
            let job = try await get("/api/jobs/\(id)")
            if case .object(let result)? = job["result"] { return result }
        }
    }

    private func get(_ path: String) async throws(ExecutorFailure) -> JSONObject {
        let response = try await send("GET", path)
        guard response.status == 200 else { throw failure(response) }
        return try object(response)
    }

    private func send(
        _ method: String, _ path: String, json: Data? = nil
    ) async throws(ExecutorFailure) -> ServiceClient.Response {
        do {
            return try await client.send(method, path, json: json)
        } catch {
            throw .unavailable(error is CancellationError ? "cancelled" : "\(error)")
        }
    }

    /// As large as an answer can be: the client bounds its bytes.
    private static let json = JSONBounds(depth: 64, values: 1 << 20)

    private func object(_ response: ServiceClient.Response) throws(ExecutorFailure) -> JSONObject {
        guard let value = try? JSONValue(parsing: Array(response.body), bounds: Self.json),
            case .object(let object) = value
        else { throw .unavailable(Self.notOurs) }
        return object
    }

    /// What a problem answer says (RFC 9457).
    private func failure(_ response: ServiceClient.Response) -> ExecutorFailure {
        let problem = try? object(response)
        if case .array(let errors)? = problem?["errors"], !errors.isEmpty {
            return .refused(
                errors.compactMap { error in
                    guard case .object(let error) = error, case .string(let pointer)? = error["pointer"],
                        case .string(let detail)? = error["detail"]
                    else { return nil }
                    return .init(pointer: pointer, detail: detail)
                })
        }
        var words = "the service answered \(response.status)"
        if case .string(let detail)? = problem?["detail"] { words += ": \(detail)" }
        switch response.status {
        case 401, 403: words += " (the API key is that of --key-file or BULKHEAD_API_KEY)"
        case 429: words += response.header("retry-after").map { " (try again in \($0) s)" } ?? ""
        default: break
        }
        return .unavailable(words)
    }

    /// Says now and then how long it has been.
    private func tellingTime<Value: Sendable>(
        _ onProgress: @escaping @Sendable (String) -> Void,
        _ body: () async throws(ExecutorFailure) -> Value
    ) async throws(ExecutorFailure) -> Value {
        let began = ContinuousClock.now
        let clock = Task {
            while true {
                try await Task.sleep(for: .seconds(2))
                onProgress("running for \((ContinuousClock.now - began).components.seconds) s")
            }
        }
        defer { clock.cancel() }
        return try await body()
    }
}
