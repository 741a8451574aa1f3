import CLinux
import Glibc
import LaunchProtocol
import Linux

/// What a parked job needs to execute its program, laid out by the slot so that the stub (stub.c) has nothing to decode.
///
/// 64-bit words: the size of it all in bytes, how many arguments there are, the largest file in bytes, the most open
/// files; then for each argument and each element its offset from the beginning, either list ended by 0; then
/// the strings themselves, each with its NUL.
enum ExecImage {
    private static let headerWords = BK_START_HEADER
    private static let wordSize = MemoryLayout<UInt64>.size

    /// The most bytes that one may have.
    static let largestSize = 8 * maximumMessageSize

    /// Lays one out; called in the slot.
    static func make(_ start: JobStart) -> [UInt8] {
        let strings = start.arguments + start.environment
        let table = headerWords + strings.count + 2
        var words: [UInt64] = [
            0, UInt64(start.arguments.count),
            protecting("rlimit \(BK_RLIMIT_FSIZE)", start.limits.fileSize, else: .max),
            protecting("rlimit \(BK_RLIMIT_NOFILE)", UInt64(start.limits.openFiles), else: .max),
        ]
        var offset = UInt64(table * wordSize)
        for (index, string) in strings.enumerated() {
            if index == start.arguments.count { words.append(0) }
            words.append(offset)
            offset += UInt64(string.count + 1)
        }
        // The list of the environment ends, and where it is empty the arguments' has not ended yet.
        words += [UInt64](repeating: 0, count: table - words.count)
        words[0] = offset
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(offset))
        for word in words { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
        for string in strings {
            bytes.append(contentsOf: string)
            bytes.append(0)
        }
        return bytes
    }
}
