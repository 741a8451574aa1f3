import HTTPTypes
import Jobs

/// The description of the API (OpenAPI 3.1.0), made from what the code itself reads and writes by: limits, statuses, error codes
/// and languages stand in it as they are now.
struct OpenAPIDocument {
    let offer: Offer
    let bounds: RequestBounds
    var standard = Limits.standard

    var json: JSONObject {
        var paths = JSONObject()
        for operation in Operation.all {
            let member = JSONObject.Member(
                name: operation.method.rawValue.lowercased(), value: .object(operation.json))
            if let index = paths.members.firstIndex(where: { $0.name == operation.path }),
                case .object(var methods) = paths.members[index].value
            {
                methods.members.append(member)
                paths.members[index].value = .object(methods)
            } else {
                paths.members.append(.init(name: operation.path, value: .object(JSONObject([member]))))
            }
        }
        let schemas = RequestSchemas(offer: offer, bounds: bounds, standard: standard).all + ResultSchemas.all
        return [
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Bulkhead"), "version": .string("1"),
                "summary": .string("Runs untrusted code in sandboxes."),
                "license": .object(["name": .string("Apache-2.0"), "identifier": .string("Apache-2.0")]),
            ]),
            "servers": .array([.object(["url": .string("/")])]), "paths": .object(paths),
            "components": .object([
                "schemas": .object(
                    JSONObject(schemas.map { JSONObject.Member(name: $0.0, value: .object($0.1.json)) })),
                "securitySchemes": .object([
                    Operation.bearer: .object([
                        "type": .string("http"), "scheme": .string("bearer"),
                        "description": .string("An API key, where keys are in use."),
                    ])
                ]),
            ]),
        ]
    }
}
