/// The field Authorization as RFC 6750 section 2.1 has it. The other two ways of that standard, form and query, would leave
/// keys in logs.
enum BearerToken: Equatable {
    /// None was sent, or credentials of another scheme.
    case none
    /// More than one field, or no token behind the scheme.
    case malformed
    case token(String)

    init(_ values: [String]) {
        guard let value = values.first else {
            self = .none
            return
        }
        guard values.count == 1 else {
            self = .malformed
            return
        }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.first?.lowercased() == "bearer" else {
            self = .none
            return
        }
        guard parts.count == 2 else {
            self = .malformed
            return
        }
        let token = parts[1].drop { $0 == " " }
        // token68 of RFC 9110 section 11.2.
        let isToken = token.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                || [0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D].contains(byte)
        }
        self = isToken && !token.isEmpty ? .token(String(token)) : .malformed
    }
}
