import CHiredis

/// What Redis answers, in the second version of its protocol.
enum RedisReply: Sendable, Equatable {
    case bytes([UInt8])
    case integer(Int)
    case array([RedisReply])
    case null
    case status(String)
    case error(String)

    /// Copies a reply out of the library's memory. Its depth is bounded by the library's parser, at seven.
    init(_ reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_STRING: self = .bytes(RedisReply.bytes(of: reply))
        case REDIS_REPLY_INTEGER: self = .integer(Int(reply.integer))
        case REDIS_REPLY_STATUS: self = .status(String(decoding: RedisReply.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: RedisReply.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            var elements: [RedisReply] = []
            elements.reserveCapacity(reply.elements)
            for index in 0..<reply.elements {
                guard let element = reply.element?[index] else { continue }
                elements.append(RedisReply(element.pointee))
            }
            self = .array(elements)
        default: self = .null
        }
    }

    private static func bytes(of reply: redisReply) -> [UInt8] {
        guard let start = reply.str else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: reply.len))
    }

    /// The text of a string or status; nil for anything else.
    var string: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// The bytes of a string; nil for anything else.
    var data: [UInt8]? {
        guard case .bytes(let bytes) = self else { return nil }
        return bytes
    }

    /// A number, as such or in a string as hashes hold them. Anybody writes into hashes: beyond what a double counts
    /// exactly, where sums of two could overflow, there is none.
    var integer: Int? {
        let value: Int? =
            switch self {
            case .integer(let value): value
            case .bytes: string.flatMap { Int($0) ?? Double($0).flatMap { Int(exactly: $0.rounded()) } }
            default: nil
            }
        guard let value, value.magnitude <= 9_007_199_254_740_992 else { return nil }
        return value
    }

    /// The elements of an array; nil for anything else.
    var elements: [RedisReply]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The element at `index`; null where there is none.
    subscript(index: Int) -> RedisReply {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return .null }
        return elements[index]
    }
}
