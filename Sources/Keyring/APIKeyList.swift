import Foundation
import Jobs

/// Why there are no keys to go by; says where, never what stands there.
public struct APIKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    public static func unknown(_ name: String) -> APIKeyError { APIKeyError("there is no key named \(name)") }
}

/// All keys, as their file has them. No two have one name, id or digest.
public struct APIKeyList: Sendable, Equatable {
    /// More would make the file larger than it may be.
    public static let most = 4_096
    static let mostBytes = 2 << 20
    private static let version = 1

    public private(set) var keys: [APIKey] = []
    /// What no other key may have.
    private var names: Set<String> = []
    private var ids: Set<String> = []
    private var digests: Set<[UInt8]> = []

    public init() {}

    /// - Throws: `APIKeyError` for a name that cannot be given or is taken, and for one key too many.
    public mutating func add(_ key: APIKey) throws(APIKeyError) {
        guard ClientName.isUsable(key.name) else {
            throw APIKeyError("a name is 1 to 64 letters, digits, dots, dashes and underscores")
        }
        guard names.insert(key.name).inserted else { throw APIKeyError("there is a key named \(key.name) already") }
        guard ids.insert(key.id).inserted, digests.insert(key.digest).inserted else {
            throw APIKeyError("two keys have one id or one digest")
        }
        guard keys.count < Self.most else { throw APIKeyError("there are \(Self.most) keys already") }
        keys.append(key)
    }

    /// - Returns: whether there was such a key.
    public mutating func revoke(_ name: String) -> Bool {
        guard let index = keys.firstIndex(where: { $0.name == name }) else { return false }
        let key = keys.remove(at: index)
        names.remove(key.name)
        ids.remove(key.id)
        digests.remove(key.digest)
        return true
    }

    // MARK: File

    /// As the file has it: indented, for people too.
    public var bytes: [UInt8] {
        var lines = keys.map { String(decoding: JSONValue.object($0.json).bytes, as: UTF8.self) }
        lines = lines.map { "  " + $0 }
        return Array("{\"version\":\(Self.version),\"keys\":[\n\(lines.joined(separator: ",\n"))\n]}\n".utf8)
    }

    /// Reads a file strictly: a field that is not known may be a quota that would else not hold.
    /// - Throws: `APIKeyError` that names the place.
    public init(bytes: [UInt8]) throws(APIKeyError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw APIKeyError("is no JSON: \(error.detail), at byte \(error.offset)")
        }
        var file = try KeyFileReader(value, "the file")
        guard try file.integer("version", in: 1...Int.max) == Self.version else {
            throw APIKeyError("is of a version that this program does not know")
        }
        for (index, element) in try file.array("keys").enumerated() {
            try add(try APIKey(element, "keys/\(index)"))
        }
        try file.end()
    }
}

extension APIKey {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "id": .string(id),
            "sha256": .string(digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()),
            "scopes": .array(Scope.allCases.filter(scopes.contains).map { .string($0.rawValue) }),
            "createdAt": .string(createdAt.formatted(.iso8601)),
        ]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        if let rate = quota.rate { add("rate", .string("\(rate)")) }
        if let concurrency = quota.concurrency { add("concurrency", .integer(concurrency)) }
        if let queueShare = quota.queueShare { add("queueShare", .integer(queueShare)) }
        if quota.ceilings != LimitOverrides() { add("limits", .object(quota.ceilings.json)) }
        return object
    }

    fileprivate init(_ value: JSONValue, _ place: String) throws(APIKeyError) {
        var reader = try KeyFileReader(value, place)
        let name = try reader.string("name")
        let id = try reader.string("id")
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ RandomWord.isDigit($0) }) else {
            throw APIKeyError("\(place)/id is none")
        }
        guard let digest = Self.digest(of: try reader.string("sha256")) else {
            throw APIKeyError("\(place)/sha256 must be 64 hexadecimal digits")
        }
        var scopes: Set<Scope> = []
        for element in try reader.array("scopes") {
            guard case .string(let text) = element, let scope = Scope(rawValue: text) else {
                throw APIKeyError("\(place)/scopes has something that is no scope")
            }
            scopes.insert(scope)
        }
        guard !scopes.isEmpty else { throw APIKeyError("\(place)/scopes is empty") }
        guard let createdAt = try? Date(try reader.string("createdAt"), strategy: .iso8601) else {
            throw APIKeyError("\(place)/createdAt is no time")
        }
        var quota = Quota()
        if reader.has("rate") {
            guard let rate = Rate(try reader.string("rate")) else {
                throw APIKeyError("\(place)/rate must be such as 10/s or 600/m")
            }
            quota.rate = rate
        }
        if reader.has("concurrency") { quota.concurrency = try reader.integer("concurrency", in: 1...1_000_000) }
        if reader.has("queueShare") { quota.queueShare = try reader.integer("queueShare", in: 1...1_000_000) }
        if reader.has("limits") {
            let limits = try reader.value("limits")
            do throws(RequestProblems) {
                quota.ceilings = try LimitOverrides(ceilings: limits)
            } catch {
                let problems = error.problems.map { "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
                throw APIKeyError("\(place)/limits: \(problems)")
            }
        }
        try reader.end()
        self.init(name: name, id: id, digest: digest, scopes: scopes, quota: quota, createdAt: createdAt)
    }

    private static func digest(of text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// An object of the key file, each of whose fields must be asked for.
private struct KeyFileReader {
    private let object: JSONObject
    private let place: String
    private var known: Set<String> = []

    init(_ value: JSONValue, _ place: String) throws(APIKeyError) {
        guard case .object(let object) = value else { throw APIKeyError("\(place) must be an object") }
        self.object = object
        self.place = place
    }

    func has(_ name: String) -> Bool { object[name] != nil }

    mutating func value(_ name: String) throws(APIKeyError) -> JSONValue {
        known.insert(name)
        guard let value = object[name] else { throw APIKeyError("\(place)/\(name) is missing") }
        return value
    }

    mutating func string(_ name: String) throws(APIKeyError) -> String {
        guard case .string(let text) = try value(name) else { throw APIKeyError("\(place)/\(name) must be a string") }
        return text
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(APIKeyError) -> Int {
        guard case .number(let number) = try value(name), let integer = number.integer, range.contains(integer) else {
            throw APIKeyError("\(place)/\(name) must be a whole number of at least \(range.lowerBound)")
        }
        return integer
    }

    mutating func array(_ name: String) throws(APIKeyError) -> [JSONValue] {
        guard case .array(let elements) = try value(name) else {
            throw APIKeyError("\(place)/\(name) must be an array")
        }
        return elements
    }

    /// - Throws: where something was not asked for.
    func end() throws(APIKeyError) {
        for member in object.members where !known.contains(member.name) {
            throw APIKeyError("\(place) has a field that is not known")
        }
    }
}
