import CLinux
import Glibc

/// A small file of the kernel that is read again and again: kept open, and read without making text of it.
public struct CounterFile: ~Copyable, Sendable {
    private let descriptor: Descriptor
    private let name: StaticString

    /// The most bytes that such a file may have.
    private static let capacity = 4_096

    /// Opens a file below a folder, or by an absolute path.
    /// - Throws: `SystemError`.
    public init(_ name: StaticString, in folder: Int32 = AT_FDCWD) throws(SystemError) {
        self.name = name
        descriptor = Descriptor(
            owning: try attempt("open \(name)") {
                name.withUTF8Buffer { path in
                    path.withMemoryRebound(to: CChar.self) {
                        $0.baseAddress.map { bk_openat(folder, $0, O_RDONLY | BK_O_CLOEXEC, 0) } ?? -EINVAL
                    }
                }
            })
    }

    /// The number of the descriptor, for those who register it somewhere.
    public var raw: Int32 { descriptor.raw }

    /// The number that the file holds.
    /// - Throws: `SystemError`, ENODATA where it holds none.
    public func number() throws(SystemError) -> UInt64 {
        let value = try read { bytes in
            var rest = bytes[...]
            return Self.lastNumber(&rest)
        }
        guard let value else { throw SystemError("read \(name)", errno: ENODATA) }
        return value
    }

    /// The number behind `key` in lines of `key value`; nil where no line has it.
    /// - Throws: `SystemError`.
    public func field(_ key: StaticString) throws(SystemError) -> UInt64? {
        try number(after: key, by: UInt8(ascii: " "))
    }

    /// The number behind `key` and a separator, to the end of a line. The key stands at the start of a line, or behind a blank
    /// where that is not the separator.
    /// - Throws: `SystemError`.
    public func number(after key: StaticString, by separator: UInt8) throws(SystemError) -> UInt64? {
        try read { bytes in
            key.withUTF8Buffer { key in
                var rest = bytes[...]
                while !rest.isEmpty {
                    if rest.count > key.count, rest[rest.startIndex + key.count] == separator,
                        rest.prefix(key.count).elementsEqual(key)
                    {
                        rest = rest.dropFirst(key.count + 1)
                        return Self.lastNumber(&rest)
                    }
                    rest = rest.drop {
                        $0 != UInt8(ascii: "\n") && (separator == UInt8(ascii: " ") || $0 != UInt8(ascii: " "))
                    }.dropFirst()
                }
                return nil
            }
        }
    }

    /// One of the numbers of the first line, behind its first word.
    /// - Parameter index: which of them, from 0.
    /// - Returns: nil where the line has not so many.
    /// - Throws: `SystemError`.
    public func numberOfFirstLine(_ index: Int) throws(SystemError) -> UInt64? {
        // A long file is cut: its first line is at its start.
        try read(isWhole: false) { bytes in
            var rest = bytes.prefix { $0 != UInt8(ascii: "\n") }.drop { $0 != UInt8(ascii: " ") }
            var value: UInt64?
            for _ in 0...index {
                rest = rest.drop { $0 == UInt8(ascii: " ") }
                value = Self.number(&rest)
            }
            return value
        }
    }

    /// A number with nothing behind it in its line.
    private static func lastNumber(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
        let value = number(&rest)
        return rest.isEmpty || rest.first == UInt8(ascii: "\n") ? value : nil
    }

    private static func number(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var value: UInt64 = 0
        var digits = 0
        while let digit = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            if isTooLarge || isTooLargeNow { return nil }
            value = sum
            digits += 1
            rest = rest.dropFirst()
        }
        return digits > 0 ? value : nil
    }

    private func read(
        isWhole: Bool = true, _ body: (UnsafeRawBufferPointer) -> UInt64?
    ) throws(SystemError) -> UInt64? {
        var value: UInt64?
        let file = descriptor.raw
        let count = withUnsafeTemporaryAllocation(byteCount: Self.capacity, alignment: 1) { buffer in
            var count = -1
            repeat { count = pread(file, buffer.baseAddress, buffer.count, 0) } while count < 0 && errno == EINTR
            if count < 0 { return -Int(errno) }
            // The kernel gives such files in one piece.
            if isWhole, count == buffer.count { return -Int(EFBIG) }
            value = body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return count
        }
        if count < 0 { throw SystemError("read \(name)", errno: Int32(-count)) }
        return value
    }
}
