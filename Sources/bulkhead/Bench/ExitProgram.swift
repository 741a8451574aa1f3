import Foundation
import Isolation

/// The least that can be executed, so that what is measured is the start and nothing else: a static program of one system
/// call, without a C library. Its bytes stand here, so that no compiler and no other binary is needed.
enum ExitProgram {
    /// The program as an ELF file (elf(5)): a header, two program headers, the code.
    static var file: [UInt8] {
        let base: UInt64 = 0x40_0000
        let start = 64 + 2 * 56
        var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        func put(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { file += $0 } }
        // ET_EXEC, the machine, the version, the entry, where the program headers are.
        for half in [2, machine] { put(UInt16(half)) }
        put(UInt32(1))
        for address in [base + UInt64(start), 64, 0] { put(address) }
        put(UInt32(0))
        for half in [64, 56, 2, 0, 0, 0] { put(UInt16(half)) }
        let end = UInt64(start + code.count)
        // PT_LOAD, readable and executable: all of it.
        for word in [1, 5] { put(UInt32(word)) }
        for number in [0, base, base, end, end, 4_096] { put(number) }
        // PT_GNU_STACK, not executable.
        for word in [0x6474_E551, 6] { put(UInt32(word)) }
        for number in [0, 0, 0, 0, 0, 16] { put(UInt64(number)) }
        return file + code
    }

    #if arch(arm64)
        private static let machine = 183
        /// mov x8, #94 (exit_group); mov x0, #0; svc #0
        private static let code: [UInt8] = [0xC8, 0x0B, 0x80, 0xD2, 0, 0, 0x80, 0xD2, 1, 0, 0, 0xD4]
    #else
        private static let machine = 62
        /// mov eax, 231 (exit_group); xor edi, edi; syscall
        private static let code: [UInt8] = [0xB8, 0xE7, 0, 0, 0, 0x31, 0xFF, 0x0F, 0x05]
    #endif

    /// Writes it to `path`.
    /// - Throws: `IsolationError`.
    static func place(at path: String) throws {
        do {
            try Data(file).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        } catch {
            throw IsolationError(.host, "cannot write \(path): \(error)")
        }
    }
}
