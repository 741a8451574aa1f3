import Foundation
import Jobs
import MCP
import ServiceClient
import Synchronization

/// Runs programs in a service that is there already: no root is needed here.
struct ServiceExecutor: CodeExecutor {
    let client: ServiceClient

    func openAPI() async throws(ExecutorFailure) -> JSONObject { try await get("/openapi.json") }

    func languages() async throws(ExecutorFailure) -> JSONObject { try await get("/api/languages") }

    func execute(
        _ request: Data, onProgress: (@Sendable (ExecutionProgress) -> Void)?
    ) async throws(ExecutorFailure) -> JSONObject {
        if let onProgress {
            let id = try await add(request)
            let told = try await cancelling(id) { () async throws(ExecutorFailure) -> JSONObject? in
                switch await follow(id, onProgress) {
                case .result(let result): result
                case .ended: try await result(of: id)
                case .refused: nil
                }
            }
            if let told { return told }
            // With a key that may run programs but not look at jobs, the answer to its request is all that there is.
            await cancel(id)
        }
        // The service ends a job whose client hangs up, and so it does where this process is killed.
        let response = try await send("POST", "/api/execute", json: request)
        switch response.status {
        case 200: return try object(response)
        case 202:
            let id = try id(of: response)
            return try await cancelling(id) { () async throws(ExecutorFailure) in try await result(of: id) }
        default: throw failure(response)
        }
    }

    private static let notOurs = "what answers at this address is no Bulkhead service"

    // MARK: Jobs

    /// Makes a job, of which others can hear before it has ended.
    /// - Returns: its id.
    private func add(_ request: Data) async throws(ExecutorFailure) -> String {
        // Not given up halfway: there would be a job of which nobody here knows the name.
        let adding = Task { try await client.send("POST", "/api/jobs", json: request) }
        let response: ServiceClient.Response
        do {
            response = try await adding.value
        } catch {
            throw .unavailable("\(error)")
        }
        guard response.status == 202 else { throw failure(response) }
        return try id(of: response)
    }

    private func id(of response: ServiceClient.Response) throws(ExecutorFailure) -> String {
        // It becomes a part of a request's target, where a line break would begin a field.
        guard case .string(let id)? = try object(response)["id"], id.wholeMatch(of: /[A-Za-z0-9_-]{1,128}/) != nil
        else {
            throw .unavailable(Self.notOurs)
        }
        return id
    }

    /// Has a job ended where nobody waits for it any more, which the service cannot know.
    private func cancelling<Value>(
        _ id: String, _ body: () async throws(ExecutorFailure) -> Value
    ) async throws(ExecutorFailure) -> Value {
        do {
            return try await body()
        } catch {
            if Task.isCancelled { await cancel(id) }
            throw error
        }
    }

    private func cancel(_ id: String) async {
        // In a task of its own: this one may be cancelled. A service that is gone has nothing left to end.
        _ = await Task { _ = try? await client.send("DELETE", "/api/jobs/\(id)") }.value
    }

    /// What came of following a job.
    private enum Followed {
        case result(JSONObject)
        /// The stream ended before the result, which is to be asked for.
        case ended
        /// The key may not.
        case refused
    }

    private func follow(_ id: String, _ onProgress: @escaping @Sendable (ExecutionProgress) -> Void) async -> Followed {
        let found = Mutex<JSONObject?>(nil)
        do {
            let response = try await client.follow("/api/jobs/\(id)/events") { event in
                guard case .object(let data)? = try? JSONValue(parsing: Array(event.data.utf8), bounds: Self.json)
                else {
                    return true
                }
                switch event.name {
                case "queued": onProgress(.words("waiting for its turn"))
                case "started": onProgress(.words("running"))
                case "stage" where data["stage"] == .string("compile"): onProgress(.words("compiling"))
                case "stdout", "stderr":
                    if let bytes = Self.bytes(data) { onProgress(.output(bytes)) }
                case "result":
                    if case .object(let result)? = data["result"] { found.withLock { $0 = result } }
                    return false
                default: break
                }
                return true
            }
            if response.status == 403 { return .refused }
        } catch {
            // The job goes on, whoever follows it: its result is asked for.
            return .ended
        }
        return found.withLock { $0 }.map(Followed.result) ?? .ended
    }

    private static func bytes(_ data: JSONObject) -> [UInt8]? {
        if case .string(let text)? = data["text"] { return Array(text.utf8) }
        if case .string(let text)? = data["base64"] { return Data(base64Encoded: text).map(Array.init) }
        return nil
    }

    /// Waits for a job that was longer in the queue than the service lets a request wait.
    private func result(of id: String) async throws(ExecutorFailure) -> JSONObject {
        while true {
            let job = try await get("/api/jobs/\(id)")
            if case .object(let result)? = job["result"] { return result }
            do {
                try await Task.sleep(for: .milliseconds(500))
            } catch {
                throw .unavailable("cancelled")
            }
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
}
