import CLinux
import Glibc
import Linux

/// Bytes that can no longer change, in a memfd with every seal (memfd_create(2), F_ADD_SEALS in fcntl(2)).
final class SealedMemory {
    private let file: Descriptor

    init(_ bytes: [UInt8], name: String) throws(SystemError) {
        let file = Descriptor(owning: try attempt("memfd") { bk_memfd(name) })
        var written = 0
        while written < bytes.count {
            written += try attempt("write memfd") { () -> Int in
                let count = bytes.withUnsafeBytes {
                    write(file.raw, $0.baseAddress?.advanced(by: written), bytes.count - written)
                }
                return count < 0 ? -Int(errno) : count
            }
        }
        try attempt("seal memfd") { bk_memfd_seal(file.raw) }
        self.file = file
    }

    var descriptor: Int32 { file.raw }
}
