import Foundation
import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Testing

@testable import HTTPAPI

/// `GET /api/workers`.
@Suite("Workers") struct WorkersTests {
    /// Whoever works here, or nobody who could say.
    private struct Directory: LanguageDirectory {
        var living: [WorkerAnnouncement]?

        func offer() async throws(QueueError) -> Offer { Offer([]) }

        func commandThatAdds(_ name: String) async -> String? { nil }

        func workers() async throws(QueueError) -> [WorkerAnnouncement] {
            guard let living else { throw QueueError(.unavailable, "the workers cannot be looked up") }
            return living
        }
    }

    @Test("each worker is told with what it serves, how much of it, since when, and how busy it is")
    func told() async throws {
        var plain = Fixture.worker
        (plain.id, plain.busy, plain.version, plain.since) = ("A", nil, nil, nil)
        try await Fixture(directory: Directory(living: [Fixture.worker, plain])).test { client in
            let answer = try await client.send(.get, "/api/workers")
            #expect(answer.status == .ok)
            let languages = JSONValue.array([
                .object(["name": .string("javascript"), "version": .string("18.20.4")]),
                .object(["name": .string("c"), "version": .string("12.2.0")]),
            ])
            let maxima = JSONValue.object(Limits.maximum(cores: 2).json)
            let expected = JSONValue.array([
                .object([
                    "id": .string("6F0E"), "host": .string("host-1"), "version": .string("0.1.0"),
                    "since": .string("2025-06-15T15:06:40.250Z"), "slots": .integer(4), "busy": .integer(1),
                    "languages": languages, "maxima": maxima,
                ]),
                .object([
                    "id": .string("A"), "host": .string("host-1"), "version": .null, "since": .null,
                    "slots": .integer(4), "busy": .null, "languages": languages, "maxima": maxima,
                ]),
            ])
            #expect(try answer.json["workers"] == expected)
        }
    }

    @Test("that nobody works is an answer; that nobody can tell is 503")
    func nobody() async throws {
        try await Fixture(directory: Directory(living: [])).test { client in
            let answer = try await client.send(.get, "/api/workers")
            #expect(try answer.json["workers"] == .array([]))
        }
        try await Fixture(directory: Directory(living: nil)).test { client in
            try await client.send(.get, "/api/workers").expectProblem(.serviceUnavailable, "queue_unavailable")
        }
    }
}
