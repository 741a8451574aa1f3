/// The JSON of a policy: the `linux.seccomp` object of the OCI runtime specification (config-linux.md, "Seccomp"), and
/// `comment` in each rule, as Docker writes it. Keys that are not listed are refused.
struct PolicyDocument: Decodable {
    struct Rule: Decodable {
        let names: [String]
        let action: String
        let errnoRet: UInt32?
        let args: [Argument]
        let comment: String?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case names, action, errnoRet, args, comment
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            names = try values.decode([String].self, forKey: .names)
            action = try values.decode(String.self, forKey: .action)
            errnoRet = try values.decodeIfPresent(UInt32.self, forKey: .errnoRet)
            args = try values.decodeIfPresent([Argument].self, forKey: .args) ?? []
            comment = try values.decodeIfPresent(String.self, forKey: .comment)
        }
    }

    struct Argument: Decodable {
        let index: UInt32
        let value: UInt64
        let valueTwo: UInt64
        let op: String

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case index, value, valueTwo, op
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            index = try values.decode(UInt32.self, forKey: .index)
            value = try values.decode(UInt64.self, forKey: .value)
            valueTwo = try values.decodeIfPresent(UInt64.self, forKey: .valueTwo) ?? 0
            op = try values.decode(String.self, forKey: .op)
        }
    }

    let defaultAction: String
    let defaultErrnoRet: UInt32?
    let architectures: [String]
    let syscalls: [Rule]

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case defaultAction, defaultErrnoRet, architectures, syscalls
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        defaultAction = try values.decode(String.self, forKey: .defaultAction)
        defaultErrnoRet = try values.decodeIfPresent(UInt32.self, forKey: .defaultErrnoRet)
        architectures = try values.decodeIfPresent([String].self, forKey: .architectures) ?? []
        syscalls = try values.decodeIfPresent([Rule].self, forKey: .syscalls) ?? []
    }
}

/// A key as it stands in the document.
private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// Decodable skips keys it does not know; in a policy a misspelt key must not pass as an absent one.
    fileprivate func refuseKeys(besides known: [String]) throws {
        let present = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let unknown = present.filter { !known.contains($0) }.sorted()
        guard unknown.isEmpty else {
            let place = codingPath.isEmpty ? "top level" : pathText(codingPath)
            throw SeccompError(.unknownKey, "\(place): unknown key \(unknown.joined(separator: ", "))")
        }
    }
}

/// A place in the document as a reader finds it: `syscalls[3].args[0]`.
func pathText(_ keys: [any CodingKey]) -> String {
    var path = ""
    for key in keys {
        if let index = key.intValue {
            path += "[\(index)]"
        } else {
            path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
        }
    }
    return path
}
