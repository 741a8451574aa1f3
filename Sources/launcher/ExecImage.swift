import Glibc
import LaunchProtocol
import Linux

/// What a parked job needs to execute its program, laid out by the slot so that the job has nothing to decode: the first
/// use of an array type or of anything generic makes Swift build tables, in every job anew, while its caller waits.
///
/// 64-bit words: the size of it all in bytes, how many arguments there are, the largest file in bytes, the most open
/// files; then for each argument and each element its offset from the beginning, either list ended by 0; then
/// the strings themselves, each with its NUL.
enum ExecImage {
    private static let headerWords = 4
    private static let wordSize = MemoryLayout<UInt64>.size

    /// As large as most are, and read at once.
    private static let usualSize = 4 << 10

    /// Lays one out; called in the slot.
    static func make(_ start: JobStart) -> [UInt8] {
        let strings = start.arguments + start.environment
        let table = headerWords + strings.count + 2
        var words: [UInt64] = [
            0, UInt64(start.arguments.count), start.limits.fileSize, UInt64(start.limits.openFiles),
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

    /// Memory for one of the usual size, touched, so that no page of it has to be found while the caller waits.
    static func makeRoom() -> UnsafeMutableRawPointer {
        let room = UnsafeMutableRawPointer.allocate(byteCount: usualSize, alignment: wordSize)
        memset(room, 0, usualSize)
        return room
    }

    /// One that has arrived, in the job.
    struct Arrived {
        let base: UnsafeMutableRawPointer

        private func word(_ index: Int) -> UInt64 { base.load(fromByteOffset: index * wordSize, as: UInt64.self) }

        /// The largest file in bytes.
        var fileSize: UInt64 { word(2) }
        /// The most open files.
        var openFiles: UInt64 { word(3) }

        /// Executes the program; comes back only with the reason why not.
        func execute() -> StepFailure {
            let arguments = pointers(from: headerWords)
            let environment = pointers(from: headerWords + Int(word(1)) + 1)
            guard let program = arguments.pointee else { return StepFailure(.execve, errno: ENOENT) }
            _ = execve(program, arguments, environment)
            return StepFailure(.execve, errno: errno)
        }

        /// Turns the offsets from a word on, up to the 0, into addresses.
        private func pointers(from first: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
            var index = first
            while word(index) != 0 {
                let address = UInt(bitPattern: base) + UInt(word(index))
                base.storeBytes(of: UInt64(address), toByteOffset: index * wordSize, as: UInt64.self)
                index += 1
            }
            return (base + first * wordSize).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
        }
    }

    /// Waits for one; called in the job.
    /// - Parameters:
    ///   - descriptor: where it comes from.
    ///   - room: of `makeRoom`.
    /// - Returns: the image, in `room` or in memory of its own.
    /// - Throws: EPIPE where the slot has gone, EBADMSG for a size that is none.
    static func receive(
        from descriptor: Int32, into room: UnsafeMutableRawPointer
    ) throws(StepFailure) -> Arrived {
        var base = room
        var filled = 0
        var size = usualSize
        while true {
            let got = try performC(.receiveStart) { read(descriptor, base + filled, size - filled) }
            if got == 0 { throw StepFailure(.receiveStart, errno: EPIPE) }
            filled += got
            if filled < wordSize { continue }
            let whole = Int(base.load(as: UInt64.self))
            guard whole >= headerWords * wordSize, whole <= 8 * maximumMessageSize, filled <= whole else {
                throw StepFailure(.receiveStart, errno: EBADMSG)
            }
            if filled == whole { return Arrived(base: base) }
            if whole > size {
                let larger = UnsafeMutableRawPointer.allocate(byteCount: whole, alignment: wordSize)
                memcpy(larger, base, filled)
                base = larger
                size = whole
            }
        }
    }
}
