import HTTPTypes
import JobQueue

extension IdempotencyKey {
    /// Reads the field `Idempotency-Key`: a string in quotes, as draft-ietf-httpapi-idempotency-key-header has it, or bare,
    /// as most clients send it.
    /// - Parameters:
    ///   - values: the field's values, one for each line.
    ///   - scope: whose it is.
    /// - Returns: nil where there is no such field.
    /// - Throws: `APIError.idempotencyKeyInvalid`.
    static func read(_ values: [String], scope: String) throws(APIError) -> IdempotencyKey? {
        guard let value = values.first else { return nil }
        let isQuoted = value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
        let text = isQuoted ? String(value.dropFirst().dropLast()) : value
        guard values.count == 1, !text.contains("\""), let key = IdempotencyKey(text, scope: scope) else {
            throw .idempotencyKeyInvalid
        }
        return key
    }
}

extension HTTPField.Name {
    static var idempotencyKey: Self { HTTPField.Name(parsed: "idempotency-key") }
    /// Says that a job was made by an earlier request under the same key.
    static var idempotentReplayed: Self { HTTPField.Name(parsed: "idempotent-replayed") }
}
