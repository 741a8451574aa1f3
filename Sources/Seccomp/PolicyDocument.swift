/// The JSON of a policy: the `linux.seccomp` object of the OCI runtime specification (config-linux.md, "Seccomp"), and
/// what profiles in Docker's format have besides: `archMap`, `includes` and `excludes`, `comment`, `name` for a single
/// name, and `errno` and `defaultErrno` as podman writes them. Keys that are not listed are refused.
struct PolicyDocument: Decodable {
    struct Rule: Decodable {
        let names: [String]
        let action: String
        let errno: UInt32?
        let args: [Argument]
        let comment: String?
        let includes: Circumstances
        let excludes: Circumstances

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case name, names, action, errno, errnoRet, args, comment, includes, excludes
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            if let name = try values.decodeIfPresent(String.self, forKey: .name) {
                guard !values.contains(.names) else {
                    throw SeccompError(.malformedDocument, "\(pathText(decoder.codingPath)): both name and names")
                }
                names = [name]
            } else {
                names = try values.decode([String].self, forKey: .names)
            }
            action = try values.decode(String.self, forKey: .action)
            errno = try values.errno(number: .errnoRet, name: .errno)
            args = try values.decodeIfPresent([Argument].self, forKey: .args) ?? []
            comment = try values.decodeIfPresent(String.self, forKey: .comment)
            includes = try values.decodeIfPresent(Circumstances.self, forKey: .includes) ?? .none
            excludes = try values.decodeIfPresent(Circumstances.self, forKey: .excludes) ?? .none
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

    /// When a rule of Docker's format counts, or does not.
    struct Circumstances: Decodable {
        /// Machines by Go's names, such as `amd64`.
        let arches: [String]
        /// Capabilities, such as `CAP_SYS_ADMIN`.
        let caps: [String]
        let minKernel: KernelVersion?

        static let none = Circumstances()

        private init() {
            arches = []
            caps = []
            minKernel = nil
        }

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case arches, caps, minKernel
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            arches = try values.decodeIfPresent([String].self, forKey: .arches) ?? []
            caps = try values.decodeIfPresent([String].self, forKey: .caps) ?? []
            minKernel = try values.decodeIfPresent(String.self, forKey: .minKernel).map { text in
                guard let version = KernelVersion(release: text), version.description == text else {
                    throw SeccompError(
                        .malformedDocument,
                        "\(pathText(decoder.codingPath)).minKernel: \(text) is not a version such as 4.8")
                }
                return version
            }
        }
    }

    /// A machine's own ABI, and the older ones that it also runs.
    struct Machine: Decodable {
        let architecture: String
        let subArchitectures: [String]

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case architecture, subArchitectures
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            architecture = try values.decode(String.self, forKey: .architecture)
            subArchitectures = try values.decodeIfPresent([String].self, forKey: .subArchitectures) ?? []
        }
    }

    let defaultAction: String
    let defaultErrno: UInt32?
    let architectures: [String]
    /// Nil where the document has none, which is not the same as an empty one.
    let archMap: [Machine]?
    let syscalls: [Rule]

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case defaultAction, defaultErrnoRet, defaultErrno, architectures, archMap, syscalls
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        defaultAction = try values.decode(String.self, forKey: .defaultAction)
        defaultErrno = try values.errno(number: .defaultErrnoRet, name: .defaultErrno)
        architectures = try values.decodeIfPresent([String].self, forKey: .architectures) ?? []
        archMap = try values.decodeIfPresent([Machine].self, forKey: .archMap)
        syscalls = try values.decodeIfPresent([Rule].self, forKey: .syscalls) ?? []
    }
}

extension KeyedDecodingContainer {
    /// An errno that is given by number (OCI), by name (podman), or both ways alike.
    fileprivate func errno(number: Key, name: Key) throws -> UInt32? {
        let value = try decodeIfPresent(UInt32.self, forKey: number)
        guard let text = try decodeIfPresent(String.self, forKey: name) else { return value }
        let place = pathText(codingPath + [name])
        guard let named = ErrnoName.number(of: text) else {
            throw SeccompError(.invalidErrno, "\(place): \(text) is not the name of an errno")
        }
        guard value == nil || value == named else {
            throw SeccompError(.invalidErrno, "\(place): \(text) is \(named), not \(value ?? 0)")
        }
        return named
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
