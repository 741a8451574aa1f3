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
}
