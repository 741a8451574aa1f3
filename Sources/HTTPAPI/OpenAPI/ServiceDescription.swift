import JobQueue
import Jobs

/// What the API says of itself, for those who offer the same by other means.
public enum ServiceDescription {
    /// What `GET /openapi.json` answers.
    public static func openAPI(of offer: Offer, bounds: RequestBounds = .standard) -> JSONObject {
        OpenAPIDocument(offer: offer, bounds: bounds).json
    }

    /// What `GET /api/languages` answers.
    public static func languages(of offer: Offer) -> JSONObject {
        let list = offer.languages.map { language in
            JSONValue.object([
                "name": .string(language.name), "version": .string(language.version),
                "aliases": .array(language.aliases.map(JSONValue.string)), "fileName": .string(language.fileName),
                "compiled": .bool(language.compile != nil),
            ])
        }
        return ["languages": .array(list)]
    }

    /// What `GET /api/workers` answers. Null is what a worker does not say of itself.
    public static func workers(_ workers: [WorkerAnnouncement]) -> JSONObject {
        let list = workers.map { worker in
            JSONValue.object([
                "id": .string(worker.id), "host": .string(worker.host), "version": .optional(worker.version),
                "since": worker.since.map(JSONValue.time) ?? .null, "slots": .integer(worker.slots),
                "busy": .optional(worker.busy),
                "languages": .array(
                    worker.languages.map { .object(["name": .string($0.name), "version": .string($0.version)]) }),
                "maxima": .object(worker.maxima.json),
            ])
        }
        return ["workers": .array(list)]
    }
}
