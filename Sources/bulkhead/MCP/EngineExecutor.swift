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
        _ request: Data, onProgress: (@Sendable (ExecutionProgress) -> Void)?
    ) async throws(ExecutorFailure) -> JSONObject {
        do throws(RequestProblems) {
            let observer = onProgress.map { tell in
                { @Sendable (_: Isolation.OutputStream, bytes: [UInt8]) in tell(.output(bytes)) }
            }
            let result = try await runner.run(json: request, .init(id: JobID().description), onOutput: observer)
            return result.jsonObject
        } catch {
            throw .refused(error.problems.map { .init(pointer: $0.pointer, detail: $0.detail) })
        }
    }
}
