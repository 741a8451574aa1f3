import Foundation
import Glibc

/// Reads lines from a descriptor, each of a bounded length.
struct LineReader {
    enum Line {
        case text([UInt8])
        /// More bytes than a line may have came before its end; they were dropped.
        case tooLong
    }

    private let descriptor: Int32
    private let most: Int
    private var buffer: [UInt8] = []
    /// Where the line begins, and how far its end has been looked for.
    private var start = 0
    private var searched = 0
    private var isDropping = false
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameters:
    ///   - descriptor: to read from, by this reader alone.
    ///   - most: bytes of a line.
    init(_ descriptor: Int32, most: Int) {
        self.descriptor = descriptor
        self.most = most
    }

    /// The next line without its end; blocks until there is one.
    /// - Returns: nil at the end of the input. What stands there without a line's end is no message.
    mutating func next() -> Line? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[start..<end]
                start = end + 1
                searched = start
                if isDropping || line.count > most {
                    isDropping = false
                    return .tooLong
                }
                return .text(Array(line))
            }
            buffer.removeFirst(start)
            start = 0
            if buffer.count > most {
                isDropping = true
                buffer = []
            }
            searched = buffer.count
            guard fill() else { return nil }
        }
    }

    private mutating func fill() -> Bool {
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                buffer += chunk[..<count]
                return true
            }
            if count < 0, errno == EINTR { continue }
            return false
        }
    }
}
