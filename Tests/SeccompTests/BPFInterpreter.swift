/// A classic BPF machine as seccomp(2) runs it, so that tests judge the filter that the kernel gets and not the rules it
/// was made from. Every instruction that libseccomp emits is here; any other is an error.
struct BPFInterpreter {
    /// `struct seccomp_data` of linux/seccomp.h.
    struct Call {
        /// AUDIT_ARCH_X86_64 of linux/audit.h.
        static let x86 = UInt32(0xC000_003E)
        /// AUDIT_ARCH_I386.
        static let i386 = UInt32(0x4000_0003)

        var number: UInt32
        var arguments: [UInt64] = []
        var architecture = Call.x86

        /// The aligned 32-bit word at a byte offset; little endian.
        func word(at offset: UInt32) throws -> UInt32 {
            switch offset {
            case 0: return number
            case 4: return architecture
            case 8, 12: return 0  // the instruction pointer
            case 16..<64 where offset.isMultiple(of: 4):
                let index = Int(offset - 16) / 8
                let argument = index < arguments.count ? arguments[index] : 0
                return UInt32(truncatingIfNeeded: offset.isMultiple(of: 8) ? argument : argument >> 32)
            default: throw Fault.load(offset: offset)
            }
        }
    }

    /// SECCOMP_RET_* of linux/seccomp.h.
    enum Verdict: Hashable {
        case allow
        case errno(UInt32)
        case killProcess
        case other(UInt32)

        init(_ value: UInt32) {
            switch value & 0xFFFF_0000 {
            case 0x7FFF_0000: self = .allow
            case 0x0005_0000: self = .errno(value & 0xFFFF)
            case 0x8000_0000: self = .killProcess
            default: self = .other(value)
            }
        }
    }

    enum Fault: Error {
        case load(offset: UInt32)
        case instruction(code: UInt16)
        case ranOff(at: Int)
    }

    private struct Instruction {
        let code: UInt16
        let jumpTrue: Int
        let jumpFalse: Int
        let constant: UInt32

        /// `struct sock_filter` of linux/filter.h, little endian.
        init(_ bytes: ArraySlice<UInt8>) {
            let parts = Array(bytes)
            code = UInt16(parts[0]) | UInt16(parts[1]) << 8
            jumpTrue = Int(parts[2])
            jumpFalse = Int(parts[3])
            var constant: UInt32 = 0
            for byte in parts[4...].reversed() { constant = constant << 8 | UInt32(byte) }
            self.constant = constant
        }
    }

    private let program: [Instruction]

    init(_ bytes: [UInt8]) {
        program = stride(from: 0, to: bytes.count - 7, by: 8).map { offset in
            Instruction(bytes[offset..<(offset + 8)])
        }
    }

    /// What the filter answers to the call.
    func run(_ call: Call) throws -> Verdict {
        var accumulator: UInt32 = 0
        var next = 0
        while next < program.count {
            let step = program[next]
            next += 1
            func jump(_ isTaken: Bool) { next += isTaken ? step.jumpTrue : step.jumpFalse }
            switch step.code {
            case 0x20: accumulator = try call.word(at: step.constant)  // ld [k]
            case 0x54: accumulator &= step.constant  // and #k
            case 0x05: next += Int(step.constant)  // ja
            case 0x15: jump(accumulator == step.constant)  // jeq
            case 0x25: jump(accumulator > step.constant)  // jgt
            case 0x35: jump(accumulator >= step.constant)  // jge
            case 0x45: jump(accumulator & step.constant != 0)  // jset
            case 0x06: return Verdict(step.constant)  // ret #k
            default: throw Fault.instruction(code: step.code)
            }
        }
        throw Fault.ranOff(at: next)
    }
}
