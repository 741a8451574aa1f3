/// A comparison of one argument of a system call with a constant. Comparisons are unsigned and of all 64 bits, as in
/// seccomp(2); for an argument that the kernel takes as 32 bits, use ``Comparison/maskedEqual(mask:)`` with a mask of at
/// most 0xffffffff. Comparing such an argument in 64 bits lets the job choose the upper half, which the kernel then
/// ignores: CVE-2019-7303 (snapd) and CVE-2019-10063 (Flatpak).
public struct ArgumentCondition: Hashable, Sendable, CustomStringConvertible {
    /// How the argument is compared with ``ArgumentCondition/value``.
    public enum Comparison: Hashable, Sendable {
        case equal
        case notEqual
        case less
        case lessOrEqual
        case greater
        case greaterOrEqual
        /// The argument AND the mask equals the value.
        case maskedEqual(mask: UInt64)
    }

    /// Which argument, 0...5.
    public let index: UInt32
    /// How it is compared.
    public let comparison: Comparison
    /// What it is compared with.
    public let value: UInt64

    /// Checks the OCI fields: `value` is the mask and `valueTwo` the datum of `SCMP_CMP_MASKED_EQ`.
    init(index: UInt32, value: UInt64, valueTwo: UInt64, op: String, place: String) throws(SeccompError) {
        guard index < 6 else {
            throw SeccompError(.invalidCondition, "\(place): argument index \(index), a system call has 0...5")
        }
        self.index = index
        guard op == "SCMP_CMP_MASKED_EQ" || valueTwo == 0 else {
            throw SeccompError(.invalidCondition, "\(place): valueTwo has no meaning with \(op)")
        }
        var datum = value
        switch op {
        case "SCMP_CMP_EQ": comparison = .equal
        case "SCMP_CMP_NE": comparison = .notEqual
        case "SCMP_CMP_LT": comparison = .less
        case "SCMP_CMP_LE": comparison = .lessOrEqual
        case "SCMP_CMP_GT": comparison = .greater
        case "SCMP_CMP_GE": comparison = .greaterOrEqual
        case "SCMP_CMP_MASKED_EQ":
            guard value != 0 else {
                throw SeccompError(.invalidCondition, "\(place): a mask of 0 compares nothing")
            }
            guard valueTwo & ~value == 0 else {
                throw SeccompError(.invalidCondition, "\(place): valueTwo has bits outside its mask, it never matches")
            }
            comparison = .maskedEqual(mask: value)
            datum = valueTwo
        default:
            throw SeccompError(.invalidCondition, "\(place): operator \(op) is unknown")
        }
        self.value = datum
        guard bits != nil || range != nil || comparison == .notEqual else {
            throw SeccompError(.invalidCondition, "\(place): the comparison can never be true")
        }
    }

    /// Whether an argument satisfies it.
    func holds(for argument: UInt64) -> Bool {
        switch comparison {
        case .equal: argument == value
        case .notEqual: argument != value
        case .less: argument < value
        case .lessOrEqual: argument <= value
        case .greater: argument > value
        case .greaterOrEqual: argument >= value
        case .maskedEqual(let mask): argument & mask == value
        }
    }

    /// For people, such as `argument 1 & 0xffffffff == 0x5413`; arguments are counted from 0, as in the format.
    public var description: String {
        func hexadecimal(_ number: UInt64) -> String {
            number < 10 ? "\(number)" : "0x" + String(number, radix: 16)
        }
        let comparison =
            switch comparison {
            case .equal: "=="
            case .notEqual: "!="
            case .less: "<"
            case .lessOrEqual: "<="
            case .greater: ">"
            case .greaterOrEqual: ">="
            case .maskedEqual(let mask): "& \(hexadecimal(mask)) =="
            }
        return "argument \(index) \(comparison) \(hexadecimal(value))"
    }

    /// Whether no argument can satisfy both. False when that is not certain.
    func excludes(_ other: ArgumentCondition) -> Bool {
        if let mine = bits, let theirs = other.bits {
            return (mine.value ^ theirs.value) & mine.mask & theirs.mask != 0
        }
        if let mine = range, let theirs = other.range {
            return !mine.overlaps(theirs)
        }
        switch (comparison, other.comparison) {
        case (.notEqual, .equal), (.equal, .notEqual): return value == other.value
        default: return false
        }
    }

    /// Which bits it compares for equality; nil where it compares otherwise.
    var mask: UInt64? { bits?.mask }

    /// The condition as fixed bits, where it is one.
    private var bits: (mask: UInt64, value: UInt64)? {
        switch comparison {
        case .equal: (UInt64.max, value)
        case .maskedEqual(let mask): (mask, value)
        case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: nil
        }
    }

    /// The condition as an interval, where it is one that is not empty.
    private var range: ClosedRange<UInt64>? {
        switch comparison {
        case .equal: value...value
        case .less: value == 0 ? nil : 0...(value - 1)
        case .lessOrEqual: 0...value
        case .greater: value == .max ? nil : (value + 1)...UInt64.max
        case .greaterOrEqual: value...UInt64.max
        case .notEqual, .maskedEqual: nil
        }
    }
}
