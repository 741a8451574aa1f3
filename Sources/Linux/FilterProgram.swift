/// A seccomp filter, and what it answers to a call: the same classic BPF machine that the kernel runs (seccomp(2), and
/// Documentation/networking/filter.rst), so that a supervisor which is asked about a call answers as the filter would.
public struct FilterProgram: Equatable, Sendable {
    /// `struct sock_filter` of linux/filter.h, one a number: code, two jumps, a constant.
    public let instructions: [UInt64]

    /// Wraps instructions as they are; nothing is checked.
    public init(instructions: [UInt64]) {
        self.instructions = instructions
    }

    /// The upper half of a return value names the action (SECCOMP_RET_*, linux/seccomp.h), the lower half its datum.
    public enum Action {
        public static let refuse: UInt32 = 0x0005_0000
        public static let notify: UInt32 = 0x7FC0_0000
        public static let mask: UInt32 = 0xFFFF_0000
    }

    /// The 16 words of `struct seccomp_data` (linux/seccomp.h): number, architecture, instruction pointer, six arguments.
    public typealias Call = [UInt32]

    /// The filter's return value for a call; nil where the program does not keep to the instructions that filters
    /// of calls are made of, reads beyond the call or runs off its own end.
    public func answer(to call: Call) -> UInt32? {
        var accumulator: UInt32 = 0
        var next = 0
        // Jumps only go forward, so every program ends.
        while next < instructions.count {
            let instruction = instructions[next]
            let constant = UInt32(truncatingIfNeeded: instruction >> 32)
            func jump(_ isTaken: Bool) -> Int { Int(UInt8(truncatingIfNeeded: instruction >> (isTaken ? 16 : 24))) }
            next += 1
            switch UInt16(truncatingIfNeeded: instruction) {
            case 0x20:  // ld [k]
                guard constant.isMultiple(of: 4), constant / 4 < UInt32(call.count) else { return nil }
                accumulator = call[Int(constant / 4)]
            case 0x54: accumulator &= constant  // and #k
            case 0x05: next += Int(constant)  // ja
            case 0x15: next += jump(accumulator == constant)  // jeq
            case 0x25: next += jump(accumulator > constant)  // jgt
            case 0x35: next += jump(accumulator >= constant)  // jge
            case 0x45: next += jump(accumulator & constant != 0)  // jset
            case Self.returnConstant: return constant
            default: return nil
            }
        }
        return nil
    }

    /// The same filter with every answer for which `change` has another changed to that.
    public func replacingAnswers(_ change: (UInt32) -> UInt32?) -> FilterProgram {
        FilterProgram(
            instructions: instructions.map { instruction in
                guard UInt16(truncatingIfNeeded: instruction) == Self.returnConstant,
                    let answer = change(UInt32(truncatingIfNeeded: instruction >> 32))
                else { return instruction }
                return instruction & 0xFFFF_FFFF | UInt64(answer) << 32
            })
    }

    /// Whether some call can get an answer for which `matches` holds.
    public func hasAnswer(_ matches: (UInt32) -> Bool) -> Bool {
        instructions.contains {
            UInt16(truncatingIfNeeded: $0) == Self.returnConstant && matches(UInt32(truncatingIfNeeded: $0 >> 32))
        }
    }

    private static let returnConstant: UInt16 = 0x06  // ret #k
}
