import Foundation
import JobQueue
import Jobs

extension JobSnapshot {
    /// The answer of `GET /api/jobs/{id}`.
    var jsonObject: JSONObject {
        [
            "id": .string(id), "state": .string(state.rawValue), "createdAt": .string(Self.text(createdAt)),
            "startedAt": .optional(startedAt.map(Self.text)), "finishedAt": .optional(finishedAt.map(Self.text)),
            "attempt": .integer(attempt), "result": result.map { .object($0.jsonObject) } ?? .null,
        ]
    }

    /// RFC 3339 in UTC with milliseconds.
    private static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
