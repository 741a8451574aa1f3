import JobQueue
import Jobs

extension JobSnapshot {
    /// The answer of `GET /api/jobs/{id}`.
    var jsonObject: JSONObject {
        [
            "id": .string(id), "state": .string(state.rawValue), "createdAt": .time(createdAt),
            "startedAt": startedAt.map(JSONValue.time) ?? .null, "finishedAt": finishedAt.map(JSONValue.time) ?? .null,
            "attempt": .integer(attempt), "result": result.map { .object($0.jsonObject) } ?? .null,
        ]
    }
}
