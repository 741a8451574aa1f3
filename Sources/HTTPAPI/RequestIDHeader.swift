import HTTPTypes
import Jobs

/// Here it always means ours: Hummingbird has one of its own.
typealias RequestID = Jobs.RequestID

extension HTTPField.Name {
    static var requestID: Self { HTTPField.Name(parsed: "x-request-id") }
}

extension RequestID {
    /// The id that a request has; nil where it has none, more than one, or one that is no id.
    init?(of fields: HTTPFields) {
        let given = fields[values: .requestID]
        guard given.count == 1 else { return nil }
        self.init(given[0])
    }

    /// The request's id, a new one where it has none that can be used; from then on the fields hold it.
    static func ensured(in fields: inout HTTPFields) -> RequestID {
        if let id = RequestID(of: fields) { return id }
        let id = RequestID()
        fields[.requestID] = id.text
        return id
    }
}
