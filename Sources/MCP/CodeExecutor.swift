import Foundation
import Jobs

/// What runs the programs that a client asks for: an engine of this process's own, or a service elsewhere.
public protocol CodeExecutor: Sendable {
    /// The OpenAPI document of what runs programs, with the languages and maxima of now: tools are described by its schemas.
    /// - Throws: `ExecutorFailure.unavailable` where nobody can tell.
    func openAPI() async throws(ExecutorFailure) -> JSONObject

    /// What `GET /api/languages` answers.
    /// - Throws: `ExecutorFailure.unavailable` where nobody can tell.
    func languages() async throws(ExecutorFailure) -> JSONObject

    /// Runs a program to its end. A cancelled task's program is ended.
    /// - Parameters:
    ///   - request: a request of `POST /api/execute`, checked by nobody yet.
    ///   - onProgress: hears what it prints and does, as it does; may be called on any thread. Nil where nobody asks.
    /// - Returns: the result, as `POST /api/execute` answers it.
    /// - Throws: why it was not run.
    func execute(
        _ request: Data, onProgress: (@Sendable (ExecutionProgress) -> Void)?
    ) async throws(ExecutorFailure) -> JSONObject
}

/// Why a program was not run.
public enum ExecutorFailure: Error, Sendable, Equatable {
    /// The request has these problems.
    case refused([Reason])
    /// Nothing is wrong with the request; the words say what is, and what mends it.
    case unavailable(String)

    /// What is wrong with one field.
    public struct Reason: Sendable, Equatable {
        /// A JSON Pointer in URI fragment form (RFC 6901 section 6), such as `#/limits/memoryBytes`.
        public var pointer: String
        /// For people.
        public var detail: String

        public init(pointer: String, detail: String) {
            self.pointer = pointer
            self.detail = detail
        }
    }
}
