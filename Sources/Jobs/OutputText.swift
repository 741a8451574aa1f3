import Foundation

/// How the bytes of a stream travel in JSON.
public enum OutputEncoding: String, Sendable, CaseIterable {
    /// As text; what is not UTF-8 becomes U+FFFD.
    case utf8
    /// All bytes exactly, in base64 (RFC 4648 section 4).
    case base64
}

/// What a program wrote, as a JSON string can hold it.
public struct OutputText: Sendable, Equatable {
    public var text: String
    /// Whether bytes that are not UTF-8 were replaced by U+FFFD. Never set for base64.
    public var isLossy: Bool

    /// - Parameters:
    ///   - bytes: the stream's bytes, as many as were kept.
    ///   - isTruncated: whether more bytes followed. A character that this cut in two is left out, and the text is not
    ///     called lossy for it: the program wrote it whole, and `stdoutTruncated` already says that the end is missing.
    ///   - encoding: what the request asked for.
    public init(_ bytes: [UInt8], isTruncated: Bool, encoding: OutputEncoding = .utf8) {
        guard encoding == .utf8 else {
            text = Data(bytes).base64EncodedString()
            isLossy = false
            return
        }
        let kept = isTruncated ? bytes.dropLast(OutputText.unfinishedTail(of: bytes)) : bytes[...]
        if let valid = String(validating: kept, as: UTF8.self) {
            text = valid
            isLossy = false
        } else {
            text = String(decoding: kept, as: UTF8.self)
            isLossy = true
        }
    }

    /// The number of bytes at the end that begin a character and lack its rest: 0 to 3.
    public static func unfinishedTail(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0b1100_0000 == 0b1000_0000 { continue }
            // A first byte: unfinished only if what follows could still become valid (Unicode 17, table 3-7).
            let needed =
                byte >= 0xF0 && byte <= 0xF4
                ? 4 : byte >= 0xE0 && byte <= 0xEF ? 3 : byte >= 0xC2 && byte < 0xE0 ? 2 : 1
            guard needed > length else { return 0 }
            if length > 1 {
                let second = bytes[bytes.count - length + 1]
                let least: UInt8 = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80
                let greatest: UInt8 = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF
                guard (least...greatest).contains(second) else { return 0 }
            }
            return length
        }
        return 0
    }
}
