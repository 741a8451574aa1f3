import Foundation
import HTTPAPI
import Isolation
import Jobs
import MCP
import Worker

/// Runs programs in this process's own engine.
struct EngineExecutor: CodeExecutor {
    let runner: JobRunner
    let offer: Offer

    func openAPI() -> JSONObject { ServiceDescription.openAPI(of: offer) }

    func languages() -> JSONObject { ServiceDescription.languages(of: offer) }

    func execute(
        _ request: Data, onProgress: @escaping @Sendable (String) -> Void
    ) async throws(ExecutorFailure) -> JSONObject {
        do throws(RequestProblems) {
            let result = try await runner.run(json: request, .init(id: JobID().description)) { _, bytes in
                onProgress(String(decoding: bytes, as: UTF8.self))
            }
            return result.jsonObject
        } catch {
            throw .refused(error.problems.map { .init(pointer: $0.pointer, detail: $0.detail) })
        }
    }
}
